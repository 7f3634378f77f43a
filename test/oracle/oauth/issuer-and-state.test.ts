import * as fc from 'fast-check'
import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import { constantTimeEqual, validateAuthorizationResponse } from '../../../src/oauth/protocol/authorization.ts'
import { readServerMetadata } from '../../../src/oauth/protocol/server-metadata.ts'

const NUM_RUNS = 500
const ISSUER = 'https://auth.example.com/tenant'

/** The issuer, its near misses, and anything. */
const issuer = fc.oneof(
  { weight: 3, arbitrary: fc.constant(ISSUER) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      `${ISSUER}/`,
      'https://auth.example.com',
      'https://AUTH.example.com/tenant',
      'https://auth.example.com:443/tenant',
      'https://auth.example.com/Tenant',
      `${ISSUER}?`,
      `${ISSUER}#`,
      ` ${ISSUER}`,
      '',
    ),
  },
  { weight: 1, arbitrary: fc.webUrl() },
)

const accepts = (attempt: () => unknown): boolean => {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}

async function oracleAcceptsMetadata(body: string, asked: string): Promise<boolean> {
  const response = new Response(body, { headers: { 'content-type': 'application/json' } })
  try {
    await oauth.processDiscoveryResponse(new URL(asked), response)
    return true
  } catch {
    return false
  }
}

describe('server metadata', () => {
  const member = fc.oneof(fc.constantFrom(true, 'true', 1, null), fc.jsonValue({ maxDepth: 1 }))
  const document = fc.record(
    {
      issuer: fc.oneof({ weight: 9, arbitrary: issuer }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) }),
      token_endpoint: fc.constant('https://auth.example.com/token'),
      authorization_endpoint: fc.constant('https://auth.example.com/authorize'),
      code_challenge_methods_supported: fc.constantFrom(['S256'], ['plain', 'S256'], ['plain'], undefined),
      scopes_supported: member,
      authorization_response_iss_parameter_supported: member,
    },
    { requiredKeys: ['issuer', 'token_endpoint', 'authorization_endpoint'] },
  )

  it('R-ASM-2 never accepts an issuer that oauth4webapi rejects', async () => {
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(document, fc.oneof(fc.constant(ISSUER), fc.webUrl()), async (generated, asked) => {
        const body = JSON.stringify(generated)
        const verdict = readServerMetadata(
          { status: 200, contentType: 'application/json', body, url: 'https://auth.example.com/x' },
          { issuer: asked, requirePkce: true },
        )
        if (verdict.kind !== 'found') return
        accepted++
        expect(await oracleAcceptsMetadata(body, asked)).toBe(true)
        expect(verdict.metadata.issuer).toBe(asked)
      }),
      { numRuns: NUM_RUNS },
    )
    expect(accepted).toBeGreaterThan(0)
  })
})

describe('authorization responses', () => {
  const state = fc.constantFrom('expected-state', 'expected-stat', 'expected-statf', 'Expected-state', '')
  const pair = fc.oneof(
    fc.tuple(fc.constant('iss'), issuer),
    fc.tuple(fc.constant('state'), state),
    fc.tuple(fc.constant('code'), fc.constantFrom('c', 'd', '')),
    fc.tuple(fc.constant('error'), fc.constantFrom('access_denied', '')),
  )
  const good: readonly [string, string][] = [
    ['state', 'expected-state'],
    ['code', 'c'],
  ]
  const response = fc
    .tuple(fc.array(pair, { maxLength: 3 }), fc.boolean())
    .map(([pairs, based]) => new URLSearchParams([...(based ? good : []), ...pairs]))
  const as = { issuer: ISSUER, token_endpoint: `${ISSUER}/token` }

  function weAccept(parameters: URLSearchParams, issRequired: boolean): boolean {
    if (!constantTimeEqual(parameters.get('state') ?? '', 'expected-state')) return false
    return accepts(() => validateAuthorizationResponse(parameters, { issuer: ISSUER, issRequired }))
  }

  function oracleAccepts(parameters: URLSearchParams, issRequired: boolean): boolean {
    const server = { ...as, authorization_response_iss_parameter_supported: issRequired }
    return accepts(() => oauth.validateAuthResponse(server, { client_id: 'c' }, parameters, 'expected-state'))
  }

  it('R-AUTHZ-2 R-AUTHZ-3 never accepts an iss or state that oauth4webapi rejects', () => {
    let accepted = 0
    fc.assert(
      fc.property(response, fc.boolean(), (parameters, issRequired) => {
        if (!weAccept(parameters, issRequired)) return
        accepted++
        expect(oracleAccepts(parameters, issRequired)).toBe(true)
      }),
      { numRuns: NUM_RUNS },
    )
    expect(accepted).toBeGreaterThan(0)
  })

  it('R-AUTHZ-2 accepts the plain response that oauth4webapi accepts', () => {
    for (const issRequired of [true, false]) {
      const parameters = new URLSearchParams([...good, ['iss', ISSUER]])
      expect(oracleAccepts(parameters, issRequired)).toBe(true)
      expect(weAccept(parameters, issRequired)).toBe(true)
    }
  })
})
