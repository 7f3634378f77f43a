import { createHash, randomBytes as nodeRandomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OAuthError } from '../../../src/oauth/errors.ts'
import {
  type AuthorizationRequest,
  buildAuthorizationUrl,
  constantTimeEqual,
  createPkce,
  createState,
  validateAuthorizationResponse,
} from '../../../src/oauth/protocol/authorization.ts'

const randomBytes = (count: number): Uint8Array => new Uint8Array(nodeRandomBytes(count))
const ISSUER = 'https://auth.example.com'

const REQUEST: AuthorizationRequest = {
  endpoint: 'https://auth.example.com/authorize',
  clientId: 'client',
  redirectUri: 'http://127.0.0.1:1234/callback',
  state: 'state',
  codeChallenge: 'challenge',
}
const build = (given: Partial<AuthorizationRequest> = {}): URL => buildAuthorizationUrl({ ...REQUEST, ...given })

const tooFew = (): Uint8Array => new Uint8Array(4)

describe('the request', () => {
  it('R-AUTHZ-1 the challenge is S256 of a verifier of 256 bits', async () => {
    const { verifier, challenge } = await createPkce(randomBytes)
    expect(verifier).toMatch(/^[A-Za-z0-9_-]{43}$/u)
    expect(challenge).toBe(createHash('sha256').update(verifier).digest('base64url'))
  })

  it('R-AUTHZ-1 state has 256 bits and comes from the given source', () => {
    expect(createState(() => new Uint8Array(32).fill(255))).toBe(`${'_'.repeat(42)}8`)
    expect(createState(randomBytes)).not.toBe(createState(randomBytes))
  })

  it('R-AUTHZ-1 a source of randomness that gives less than asked is refused', async () => {
    expect(() => createState(tooFew)).toThrow(expect.objectContaining({ code: 'configuration' }))
    await expect(createPkce(tooFew)).rejects.toMatchObject({ code: 'configuration' })
  })

  it('R-AUTHZ-1 field A6: carries code, S256, state and the resource verbatim', () => {
    const url = build({ scope: 'a b', resource: 'https://mcp.example.com' })
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'client',
      redirect_uri: 'http://127.0.0.1:1234/callback',
      state: 'state',
      code_challenge: 'challenge',
      code_challenge_method: 'S256',
      scope: 'a b',
      resource: 'https://mcp.example.com',
    })
  })

  it('field S8: omits scope and resource when there are none', () => {
    const { searchParams } = build()
    expect(searchParams.has('scope')).toBe(false)
    expect(searchParams.has('resource')).toBe(false)
  })

  it('keeps the query of the endpoint, but for what is ours', () => {
    const url = build({ endpoint: 'https://auth.example.com/authorize?tenant=1&state=theirs&scope=x&scope=y#top' })
    expect(url.searchParams.get('tenant')).toBe('1')
    expect(url.searchParams.getAll('state')).toEqual(['state'])
    expect(url.searchParams.has('scope')).toBe(false)
    expect(url.hash).toBe('')
  })

  it('R-SCOPE-6 field A17: offline_access brings prompt=consent, set once', () => {
    const url = build({ endpoint: `${REQUEST.endpoint}?prompt=login`, scope: 'a offline_access' })
    expect(url.searchParams.getAll('prompt')).toEqual(['consent'])
  })

  it('R-SCOPE-6 is decided by the exact token and never over the caller own prompt', () => {
    expect(build({ scope: 'no_offline_access offline_access_not' }).searchParams.has('prompt')).toBe(false)
    const own = build({ scope: 'offline_access', extra: { prompt: 'select_account' } })
    expect(own.searchParams.getAll('prompt')).toEqual(['select_account'])
  })

  it.each([
    'state',
    'code_challenge',
    'code_challenge_method',
    'redirect_uri',
    'client_id',
    'response_type',
    'resource',
    'scope',
  ])('R-AUTHZ-1 an extra parameter cannot replace %s', name => {
    expect(() => build({ extra: { [name]: 'x' } })).toThrow(expect.objectContaining({ code: 'configuration' }))
  })

  it.each(['javascript:alert(1)', 'http://auth.example.com/a', 'file:///bin/sh', 'calc.exe', ''])(
    'R-ASM-4 the person is never sent to %j',
    endpoint => {
      expect(() => build({ endpoint })).toThrow(expect.objectContaining({ code: 'url_refused' }))
    },
  )
})

describe('the response', () => {
  const failure = (query: string, issRequired = false): OAuthError => {
    try {
      validateAuthorizationResponse(new URLSearchParams(query), { issuer: ISSUER, issRequired })
    } catch (error) {
      return error as OAuthError
    }
    throw new Error('was accepted')
  }
  const code = (query: string, issRequired = false): string =>
    validateAuthorizationResponse(new URLSearchParams(query), { issuer: ISSUER, issRequired }).code

  it('R-AUTHZ-2 accepts the recorded issuer, and its absence where iss is not promised', () => {
    expect(code(`code=c&state=s&iss=${ISSUER}`, true)).toBe('c')
    expect(code(`code=c&state=s&iss=${ISSUER}`)).toBe('c')
    expect(code('code=c&state=s')).toBe('c')
  })

  it.each([
    `${ISSUER}/`,
    'https://AUTH.example.com',
    `${ISSUER}:443`,
    'https://evil.example.com',
    '',
    ISSUER.toUpperCase(),
  ])('R-AUTHZ-2 refuses iss=%j whether or not it is promised (RFC 9207 §2.4)', issuer => {
    for (const required of [true, false]) {
      const error = failure(`code=c&iss=${encodeURIComponent(issuer)}`, required)
      expect(error.code).toBe('authorization_response_invalid')
      expect(error.detail).toMatchObject({ expected: ISSUER, received: issuer })
    }
  })

  it('R-AUTHZ-2 refuses a missing iss that was promised', () => {
    expect(failure('code=c&state=s', true).code).toBe('authorization_response_invalid')
  })

  it('R-AUTHZ-2 on a wrong iss nothing that the response says is shown or acted on', () => {
    const query =
      'error=access_denied&error_description=call+555-EVIL&error_uri=https://evil/&iss=https://evil.example.com'
    for (const error of [failure(query), failure('error=access_denied&error_description=call+555-EVIL', true)]) {
      expect(error.code).toBe('authorization_response_invalid')
      expect(JSON.stringify([error.message, error.detail])).not.toMatch(/access_denied|EVIL|error_uri/u)
    }
  })

  it.each([
    'code=a&code=b',
    'code=a&state=s&state=s',
    `code=a&iss=${ISSUER}&iss=${ISSUER}`,
    `code=a&iss=${ISSUER}&iss=x`,
    'code=a&x=1&x=2',
  ])('R-AUTHZ-2 refuses a repeated parameter: %s', query => {
    expect(failure(query).code).toBe('authorization_response_invalid')
  })

  it('an error of the right issuer is typed, and shown without control characters', () => {
    const error = failure(
      `error=access_denied&error_description=${encodeURIComponent('no\u001b[2J\u202e way')}&iss=${ISSUER}`,
    )
    expect(error.code).toBe('authorization_refused')
    expect(error.detail).toMatchObject({ oauthError: 'access_denied', oauthErrorDescription: 'no [2J way' })
  })

  it('an error wins over a code', () => {
    expect(failure('code=c&error=server_error').code).toBe('authorization_refused')
  })

  it('neither code nor error is no answer', () => {
    expect(failure('state=s').code).toBe('authorization_response_invalid')
    expect(failure('code=').code).toBe('authorization_response_invalid')
  })

  it('never quotes the code', () => {
    expect(JSON.stringify(failure('code=canary&iss=x'))).not.toContain('canary')
  })
})

it('R-AUTHZ-3 constantTimeEqual is equality', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(constantTimeEqual(a, b)).toBe(a === b)
      expect(constantTimeEqual(a, a.slice())).toBe(true)
      expect(constantTimeEqual(a, `${a}\u0000`)).toBe(false)
      expect(constantTimeEqual(`${a}x`, `${a}y`)).toBe(false)
    }),
  )
})
