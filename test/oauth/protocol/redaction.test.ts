import { expect, it } from 'vitest'
import { redactSecrets, secretsIn } from '../../../src/oauth/protocol/redaction.ts'

it('replaces every secret, also percent-encoded, and nothing else', () => {
  expect(redactSecrets('bad rt+secret/1, rt%2Bsecret%2F1 and rt+secret/1', ['rt+secret/1'])).toBe(
    'bad [redacted], [redacted] and [redacted]',
  )
  expect(redactSecrets('a short b', ['b', '', undefined])).toBe('a short b')
})

it('takes the secrets of a form, not its client, and the credentials of the header, base64 being no disguise', () => {
  const form = new URLSearchParams({ refresh_token: 'rt', code: 'c', code_verifier: 'v', client_id: 'id', token: 't' })
  expect([...secretsIn(form, new Headers())].sort()).toEqual(['c', 'rt', 't', 'v'])
  expect(secretsIn(new URLSearchParams(), new Headers({ authorization: 'Basic aWQ6c2VjcmV0' }))).toEqual([
    'aWQ6c2VjcmV0',
  ])
})
