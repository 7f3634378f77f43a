import { UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { assertIdToken, assertRefreshedIdToken, idTokenExpiry } from '../../../src/oauth/protocol/id-token.ts'

const NOW = 1_800_000_000_000
const expected = { issuer: 'https://idp.example', clientId: 'app', nonce: 'n-1', now: NOW }
const GOOD = { iss: 'https://idp.example', sub: 'ada@example.com', aud: 'app', exp: NOW / 1000 + 300, nonce: 'n-1' }

/** The signature is not looked at, so there is none. */
const jwt = (claims: Record<string, unknown>): string => new UnsecuredJWT({ ...GOOD, ...claims }).encode()

const failure = (check: () => void): unknown => {
  try {
    check()
  } catch (error) {
    return error
  }
  return undefined
}

describe('the ID token of a login', () => {
  it.each([
    ['one audience', {}],
    ['a list with one audience', { aud: ['app'] }],
    ['several audiences and azp', { aud: ['app', 'other'], azp: 'app' }],
    ['azp beside one audience', { azp: 'app' }],
    ['an end that only the clocks disagree about', { exp: NOW / 1000 - 59 }],
  ])('R-IDJAG-1 is accepted with %s', (_name, claims) => {
    expect(() => assertIdToken(jwt(claims), expected)).not.toThrow()
  })

  it.each([
    ['another issuer', { iss: 'https://evil.example' }],
    ['an issuer that differs by a slash', { iss: 'https://idp.example/' }],
    ['no issuer', { iss: undefined }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['another audience', { aud: 'other' }],
    ['no audience', { aud: undefined }],
    ['an audience that only begins like the client', { aud: 'app2' }],
    ['several audiences and nobody who asked', { aud: ['app', 'other'] }],
    ['another authorized party', { aud: ['app', 'other'], azp: 'other' }],
    ['another authorized party beside one audience', { azp: 'other' }],
    ['no end', { exp: undefined }],
    ['an end as text', { exp: String(GOOD.exp) }],
    ['an end that is over', { exp: NOW / 1000 - 60 }],
    ['another nonce', { nonce: 'n-2' }],
    ['no nonce', { nonce: undefined }],
    ['a nonce that is no text', { nonce: 1 }],
  ])('R-IDJAG-1 is refused with %s', (_name, claims) => {
    const token = jwt(claims)
    const error = failure(() => assertIdToken(token, expected))
    expect(error).toMatchObject({ code: 'token_response_invalid', detail: { step: 'ID token' } })
    // Neither the token nor the person.
    expect(JSON.stringify(error) + String(error)).not.toMatch(/ada@|eyJ|n-1/u)
  })

  it.each(['', 'canary', 'canary.canary.canary', 'a.b.c.d.e', 'e30.bnVsbA.'])(
    'is refused when it is no JWT: %j',
    text => {
      const error = failure(() => assertIdToken(text, expected))
      expect(error).toMatchObject({ code: 'token_response_invalid' })
      expect(JSON.stringify(error) + String(error)).not.toContain('canary')
    },
  )
})

describe('the ID token of a refresh', () => {
  const check = (claims: Record<string, unknown>): void =>
    assertRefreshedIdToken(jwt(claims), { previous: jwt({ exp: 1 }), clientId: 'app', now: NOW })

  it.each([
    ['the nonce of the login', {}],
    ['no nonce', { nonce: undefined }],
  ])('is accepted with %s', (_name, claims) => {
    expect(() => check(claims)).not.toThrow()
  })

  it.each([
    ['another person', { sub: 'eve' }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['another audience', { aud: 'other' }],
    ['another nonce', { nonce: 'n-2' }],
    ['an end that is over', { exp: NOW / 1000 - 60 }],
  ])('is refused with %s', (_name, claims) => {
    expect(failure(() => check(claims))).toMatchObject({ code: 'token_response_invalid' })
  })
})

it('the end of an ID token is read in milliseconds, and of nonsense not at all', () => {
  expect(idTokenExpiry(jwt({}))).toBe(NOW + 300_000)
  expect(idTokenExpiry(jwt({ exp: 'soon' }))).toBeUndefined()
  expect(idTokenExpiry('nonsense')).toBeUndefined()
})
