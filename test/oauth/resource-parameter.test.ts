import { describe, expect, it } from 'vitest'
import type { AuthorizationTarget } from '../../src/oauth/discovery.ts'
import { nameResourceParameter, targetForScope } from '../../src/oauth/resource-parameter.ts'

const RESOURCE = 'https://mcp.example.com/mcp'
const EXCEPTION = { issuer: 'https://as.example.com', reason: 'x', since: '2026-11-21' }

function target(resource: string | undefined, rule?: string): AuthorizationTarget {
  return {
    issuer: 'https://as.example.com',
    authorizationServer: {} as never,
    legacy: false,
    ...(resource !== undefined && { resource }),
    ...(rule !== undefined && { exception: { ...EXCEPTION, resource: rule } }),
  }
}

describe('resource with scopes of its own only', () => {
  it.each([
    [`${RESOURCE}/read`, true],
    [`${RESOURCE}/read ${RESOURCE}/write openid profile email offline_access`, true],
    [`${RESOURCE}/read User.Read`, false],
    ['api://a1b2/mcp.read', false],
    [`${RESOURCE}-two/read`, false],
    [RESOURCE, false],
    ['openid offline_access', false],
    ['', false],
    [undefined, false],
  ])('field A11: with the scope %s: %s', (scope, sent) => {
    const decided = targetForScope(target(RESOURCE, 'when-scopes-match'), scope)
    expect('resource' in decided).toBe(sent)
  })

  it('field A11: a resource that ends in a slash is a prefix as it is', () => {
    expect(
      targetForScope(target('https://mcp.example.com/', 'when-scopes-match'), 'https://mcp.example.com/read').resource,
    ).toBe('https://mcp.example.com/')
  })

  it('changes nothing under any other rule', () => {
    for (const rule of [undefined, 'audience', 'https://other.example.com'])
      expect(targetForScope(target(RESOURCE, rule), 'a').resource).toBe(RESOURCE)
    expect(targetForScope(target(undefined, 'omit'), 'a')).not.toHaveProperty('resource')
  })
})

describe('resource as audience', () => {
  const named = (rule: string | undefined, query: string): string => {
    const parameters = new URLSearchParams(query)
    nameResourceParameter(parameters, target(RESOURCE, rule))
    return parameters.toString()
  }

  it('field A15: is sent under that name only where the exception says so', () => {
    expect(named('audience', 'a=1&resource=r')).toBe('a=1&audience=r')
    expect(named(undefined, 'a=1&resource=r')).toBe('a=1&resource=r')
    expect(named('when-scopes-match', 'resource=r')).toBe('resource=r')
  })

  it('field A15: one that was set by hand stays, and none is invented', () => {
    expect(named('audience', 'resource=r&audience=mine')).toBe('audience=mine')
    expect(named('audience', 'a=1')).toBe('a=1')
  })
})
