import { expect, it } from 'vitest'
import { assertRedirectUri } from '../../src/oauth/redirect-uri.ts'

it.each(['https://app.example.com/callback', 'http://127.0.0.1:1/cb', 'http://[::1]:1/cb', 'http://localhost/cb'])(
  'R-AUTHZ-4 %s can receive a code',
  uri => {
    expect(() => assertRedirectUri(uri, [uri])).not.toThrow()
  },
)

it.each([
  'http://app.example.com/callback',
  'http://127.0.0.1.example.com/cb',
  'javascript:alert(1)',
  'app:/callback',
  'https://app.example.com/callback#x',
  'https://app.example.com/callback#',
  '/callback',
  '',
])('R-AUTHZ-4 %s cannot', uri => {
  expect(() => assertRedirectUri(uri)).toThrow(expect.objectContaining({ code: 'redirect_uri_refused' }))
})

it('R-AUTHZ-4 nor can one that is not among the registered ones, to the letter', () => {
  const registered = ['http://127.0.0.1:4711/callback']
  for (const uri of [
    'http://127.0.0.1:4712/callback',
    'http://127.0.0.1:4711/callback/',
    'http://localhost:4711/callback',
  ]) {
    expect(() => assertRedirectUri(uri, registered)).toThrow(expect.objectContaining({ code: 'redirect_uri_refused' }))
  }
})
