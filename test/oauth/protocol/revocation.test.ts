import { expect, it } from 'vitest'
import { readRevocationResponse, revocationForm } from '../../../src/oauth/protocol/revocation.ts'

const read = (status: number, body: unknown, contentType: string | null = 'application/json') =>
  readRevocationResponse({
    status,
    contentType,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    url: 'https://auth.example.com/revoke',
  })

it('field L10: names the token and its kind', () => {
  expect(revocationForm('t', 'refresh_token').toString()).toBe('token=t&token_type_hint=refresh_token')
})

it('any 2xx is a revocation, and so is a token that is already gone (RFC 7009 §2.2)', () => {
  expect(read(200, '')).toEqual({ ok: true })
  expect(read(204, '', null)).toEqual({ ok: true })
  expect(read(400, { error: 'invalid_token' })).toEqual({ ok: true })
})

it.each([
  [400, { error: 'unsupported_token_type', error_description: 'no\u0007' }, 'unsupported_token_type: no'],
  [200, { error: 'invalid_client' }, 'invalid_client'],
  [503, '<html>', '503 application/json'],
  [404, '', '404 application/json'],
])('%d is a failure with its reason', (status, body, error) => {
  expect(read(status, body)).toEqual({ ok: false, error })
})
