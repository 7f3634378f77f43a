import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactSecrets, secretsIn } from '../../../src/oauth/protocol/redaction.ts'

describe('redactSecrets', () => {
  it('replaces every secret, also percent-encoded, and nothing else', () => {
    expect(redactSecrets('bad rt+secret/1, rt%2Bsecret%2F1 and rt+secret/1', ['rt+secret/1'])).toBe(
      'bad [redacted], [redacted] and [redacted]',
    )
    expect(redactSecrets('a short b', ['b', '', undefined])).toBe('a short b')
  })

  it('finds a secret form-encoded, as HTTP Basic carries it', () => {
    expect(redactSecrets('it is pass+word%21 or pass%20word! or pass word!', ['pass word!'])).toBe(
      'it is [redacted] or [redacted] or [redacted]',
    )
  })

  it('leaves nothing of a secret that begins with another one, in whatever order', () => {
    for (const secrets of [
      ['secret', 'secret-longer'],
      ['secret-longer', 'secret'],
    ]) {
      expect(redactSecrets('was secret-longer', secrets)).toBe('was [redacted]')
    }
  })

  it('property: of whatever secret nothing is left in any encoding, half surrogate pairs included', () => {
    const secret = fc.string({ unit: fc.constantFrom(...Array.from('aZ09-_.!~*\'() +%&=/?#"<é😀\n\0')), minLength: 6 })
    fc.assert(
      fc.property(fc.oneof(secret, fc.constant('half-a-pair-\uD800')), text => {
        expect(redactSecrets(`<${text}>`, [text])).toBe('<[redacted]>')
        const formEncoded = String(new URLSearchParams([['', text]])).slice(1)
        expect(redactSecrets(`<${formEncoded}>`, [text])).toBe('<[redacted]>')
        if (/\p{Cs}/u.test(text)) return
        expect(redactSecrets(`<${encodeURIComponent(text)}>`, [text])).toBe('<[redacted]>')
      }),
    )
  })
})

describe('secretsIn', () => {
  it('takes the secrets of a form, not its client', () => {
    const form = new URLSearchParams({
      refresh_token: 'rt',
      code: 'c',
      code_verifier: 'v',
      client_id: 'id',
      token: 't',
    })
    expect([...secretsIn(form, new Headers())].sort()).toEqual(['c', 'rt', 't', 'v'])
  })

  it.each(['client_assertion', 'client_secret', 'assertion', 'subject_token', 'device_code'])('takes a %s', name => {
    const form = new URLSearchParams({ [name]: 'canary', resource: 'https://mcp.example.com', scope: 'a' })
    expect(secretsIn(form, new Headers())).toEqual(['canary'])
  })

  it('takes the credentials of the header, base64 being no disguise, and the proof', () => {
    const headers = new Headers({ authorization: 'Basic aWQ6c2VjcmV0', dpop: 'a.b.c', accept: 'application/json' })
    expect(secretsIn(new URLSearchParams(), headers)).toEqual(['aWQ6c2VjcmV0', 'a.b.c'])
  })
})
