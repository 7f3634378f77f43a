import { describe, expect, it } from 'vitest'
import {
  BUILT_IN_ISSUER_EXCEPTIONS,
  findIssuerException,
  type IssuerException,
} from '../../src/oauth/issuer-exceptions.ts'
import { assertIssuerExceptions } from '../../src/oauth/issuer-exception-check.ts'

describe('the built-in table', () => {
  it('R-EXC-1 every entry is dated, gives its reason and is bound to an https issuer', () => {
    for (const { issuer, reason, since } of BUILT_IN_ISSUER_EXCEPTIONS) {
      expect(since).toMatch(/^20\d\d-\d\d-\d\d$/u)
      expect(reason.length).toBeGreaterThan(20)
      expect(issuer).toMatch(/^https:\/\/[a-z0-9.*-]+\.(com|net|org)(\/|$)/u)
    }
  })

  it('R-EXC-1 no entry opens private addresses, moves the document or changes the client', () => {
    for (const entry of BUILT_IN_ISSUER_EXCEPTIONS) {
      for (const name of ['allowPrivateAddress', 'metadataUrl', 'authMethod']) expect(entry).not.toHaveProperty(name)
    }
  })

  it('field D15: Entra tenants and Cognito pools are assumed to support S256', () => {
    for (const issuer of [
      'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
      'https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0',
      'https://login.microsoftonline.com/common/v2.0',
      'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC123',
    ]) {
      expect(findIssuerException(issuer)?.assumeS256).toBe(true)
    }
  })

  it('field A11: Entra gets a resource only with scopes of that resource', () => {
    for (const tenant of ['tenant', 'common', 'organizations'])
      expect(findIssuerException(`https://login.microsoftonline.com/${tenant}/v2.0`)?.resource).toBe(
        'when-scopes-match',
      )
  })

  it.each([
    'https://login.salesforce.com',
    'https://test.salesforce.com',
    'https://acme.my.salesforce.com',
    'https://acme--uat.sandbox.my.salesforce.com',
    'https://slack.com',
    'https://mcp.slack.com',
  ])('field A1: %s is sent back to localhost', issuer => {
    expect(findIssuerException(issuer)?.redirectHost).toBe('localhost')
  })

  it.each([
    ['https://auth.atlassian.com/VCeDsk8ZHncYF1g', 'https://auth.atlassian.com'],
    ['https://mcp.atlassian.com', 'https://cf.mcp.atlassian.com'],
    ['https://mcp.slack.com', 'https://slack.com'],
  ])('field D4: the document of %s may name %s, and nothing else', (issuer, trustedIssuer) => {
    expect(findIssuerException(issuer)?.trustedIssuer).toBe(trustedIssuer)
  })

  it('R-EXC-1 every entry passes the check that those given by users must pass', () => {
    expect(() => assertIssuerExceptions(BUILT_IN_ISSUER_EXCEPTIONS)).not.toThrow()
  })

  it('field A16 field D5: Google gets access_type=offline, and its slash is known', () => {
    const parameters = { access_type: 'offline', prompt: 'consent' }
    expect(findIssuerException('https://accounts.google.com')?.authorizationParameters).toEqual(parameters)
    expect(findIssuerException('https://accounts.google.com/')).toMatchObject({
      trustedIssuer: 'https://accounts.google.com',
      authorizationParameters: parameters,
    })
  })

  it.each([
    'https://login.microsoftonline.com/tenant/v2.0/',
    'https://login.microsoftonline.com/a/b/v2.0',
    'https://login.microsoftonline.com//v2.0',
    'https://login.microsoftonline.com/../v2.0',
    'https://login.microsoftonline.com/t?x/v2.0',
    'https://login.microsoftonline.com/t#/v2.0',
    'https://login.microsoftonline.com/tenant/v2.0?x',
    'https://login.microsoftonline.com/tenant/v2.0\n',
    'https://login.microsoftonline.com.evil.com/tenant/v2.0',
    'https://evil.com/login.microsoftonline.com/tenant/v2.0',
    'https://loginXmicrosoftonline.com/tenant/v2.0',
    'http://login.microsoftonline.com/tenant/v2.0',
    'https://x@login.microsoftonline.com/tenant/v2.0',
    'https://cognito-idp.a.b.amazonaws.com/pool',
    'https://cognito-idp.evil.com/.amazonaws.com/pool',
    'https://cognito-idp.x.amazonaws.com.evil.com/pool',
    'https://cognito-idp.x.amazonaws.com/pool/deeper',
    'https://accounts.google.com//',
    'https://auth.atlassian.com',
    'https://auth.atlassian.com/a/b',
    'https://my.salesforce.com',
    'https://a.b.c.my.salesforce.com',
    'https://evil.com.salesforce.com',
    'https://acme.my.salesforce.com.evil.com',
    'https://evil.slack.com',
    'https://accounts.google.com.evil.com',
    'https://auth.example.com',
    '',
  ])('R-EXC-1 never widens to %j', issuer => {
    expect(findIssuerException(issuer)).toBeUndefined()
  })
})

const given = (issuer: string, more: Partial<IssuerException> = {}): IssuerException => ({
  issuer,
  reason: 'given',
  since: '2026-11-21',
  ...more,
})

describe('exceptions given by the user', () => {
  it('R-EXC-1 take precedence as a whole', () => {
    const own = given('https://accounts.google.com', { resource: 'omit' })
    expect(findIssuerException('https://accounts.google.com', [own])).toBe(own)
  })

  it('R-EXC-1 apply to their issuer only', () => {
    const own = given('https://auth.example.com', { trustedIssuer: 'https://other.example.com' })
    expect(findIssuerException('https://auth.example.com', [own])).toBe(own)
    for (const issuer of ['https://auth.example.com/', 'https://auth.example.com/x', 'https://other.example.com']) {
      expect(findIssuerException(issuer, [own])).toBeUndefined()
    }
  })

  it('R-EXC-1 an exact issuer goes before a pattern, which spans one label or segment', () => {
    const pattern = given('https://*.example.com/realms/*')
    const exact = given('https://a.example.com/realms/b')
    expect(findIssuerException('https://a.example.com/realms/b', [pattern, exact])).toBe(exact)
    expect(findIssuerException('https://a.example.com/realms/c', [pattern, exact])).toBe(pattern)
    expect(findIssuerException('https://a.b.example.com/realms/c', [pattern])).toBeUndefined()
    expect(findIssuerException('https://a.example.com/realms/c/d', [pattern])).toBeUndefined()
  })

  it('R-EXC-1 a lone star matches no issuer', () => {
    for (const issuer of ['https://auth.example.com', 'https://localhost']) {
      expect(findIssuerException(issuer, [given('*'), given('https://*.com')])).toBeUndefined()
    }
  })
})
