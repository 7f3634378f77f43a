import { describe, expect, it } from 'vitest'
import { assertIssuerExceptions } from '../../src/oauth/issuer-exception-check.ts'
import { createOAuthSession } from '../../src/oauth/session.ts'
import { authorizationCode } from '../../src/oauth/flows/authorization-code.ts'

const GIVEN = { issuer: 'https://auth.example.com', reason: 'it is ours', since: '2026-11-21' }

function failure(more: Record<string, unknown>): any {
  try {
    assertIssuerExceptions([{ ...GIVEN, ...more }])
  } catch (error) {
    return error
  }
  throw new Error('was accepted')
}

describe('exceptions given by the user', () => {
  it('R-EXC-1 those that say for whom, why and since when are taken, with every member', () => {
    const full = {
      ...GIVEN,
      issuer: 'https://*.corp.example.com:8443/realms/*',
      trustedIssuer: 'https://login.example.com/{tenantid}',
      assumeS256: true,
      resource: 'audience',
      authorizationParameters: { audience: 'x', prompt: 'login' },
      tokenParameters: { audience: 'x' },
      metadataUrl: 'https://auth.example.com/metadata',
      metadata: { token_endpoint: 'https://auth.example.com/token' },
      authMethod: 'client_secret_post',
      allowPrivateAddress: true,
      redirectHost: 'localhost',
    } as const
    expect(() =>
      assertIssuerExceptions([GIVEN, full, { ...GIVEN, issuer: 'http://localhost:8080/realm' }]),
    ).not.toThrow()
    expect(() => assertIssuerExceptions([{ ...GIVEN, assumeS256: undefined } as never])).not.toThrow()
  })

  it.each([
    '*',
    'https://*',
    'https://*.com',
    'https://auth.*.com',
    'https://auth.example.*',
    'https://*:443',
    'https://a*',
    '*://auth.example.com',
    'http://auth.example.com',
    'auth.example.com',
    'https://auth.example.com/?tenant=*',
    'https://auth.example.com/#x',
    'https://user@auth.example.com',
    'https://auth.example.com/a b',
    '',
    7,
  ])('R-EXC-1 the issuer %j names nobody, or everybody: refused before anything is sent', issuer => {
    expect(failure({ issuer })).toMatchObject({ code: 'configuration', message: expect.stringContaining('issuer') })
  })

  it.each([
    ['reason', undefined],
    ['reason', ' '],
    ['since', undefined],
    ['since', '21.11.2026'],
    ['since', '2026-13-41'],
    ['issuer', undefined],
    ['trustedIssuer', ''],
    ['assumeS256', 'yes'],
    ['resource', ''],
    ['authorizationParameters', { state: 'x' }],
    ['authorizationParameters', { prompt: 1 }],
    ['authorizationParameters', 'prompt=login'],
    ['tokenParameters', { grant_type: 'password' }],
    ['metadataUrl', 'http://auth.example.com/metadata'],
    ['metadata', []],
    ['authMethod', 'tls_client_auth'],
    ['allowPrivateAddress', 1],
    ['redirectHost', '0.0.0.0'],
    ['trustedIsuer', 'https://auth.example.com'],
    ['__proto__x', 1],
    ['toString', 1],
  ])('R-EXC-1 %s: %j is refused by name', (name, value) => {
    expect(failure({ [name]: value })).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining(`: ${name}:`),
    })
  })

  it('R-EXC-1 at construction', () => {
    const options = { server: 'https://mcp.example.com', grant: authorizationCode() }
    expect(() => createOAuthSession({ ...options, issuerExceptions: [GIVEN] })).not.toThrow()
    expect(() => createOAuthSession({ ...options, issuerExceptions: [{ ...GIVEN, issuer: '*' }] })).toThrow(
      expect.objectContaining({ code: 'configuration' }),
    )
  })
})
