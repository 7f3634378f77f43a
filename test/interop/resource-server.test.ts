import { CompactSign, decodeJwt, decodeProtectedHeader } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDpopProof, type DpopKey, generateDpopJwk, importDpopKey } from '../../src/oauth/protocol/dpop.ts'
import {
  firstOf,
  introspectionVerifier,
  jwtVerifier,
  type JwtVerifierOptions,
  type PresentedToken,
  TokenError,
  type TokenVerifier,
  withDpop,
} from '../../src/resource-server.ts'
import { randomBytes, RESOURCE_SERVER, startTokenIssuer, TOKEN_SECONDS, type TokenIssuer } from './token-issuer.ts'

const RESOURCE = 'https://notes.example.com/mcp'
const OPAQUE = 'https://notes.example.com/opaque'
const OTHER = 'https://other.example.com/mcp'

let world: TokenIssuer
let skipped: number
beforeAll(async () => {
  world = await startTokenIssuer()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})
beforeEach(() => {
  skipped = 0
})

const now = () => Date.now() + skipped
const jwt = (options: Partial<JwtVerifierOptions> = {}) => jwtVerifier({ issuer: world.issuer, now, ...options })
const introspection = () =>
  introspectionVerifier({ endpoint: world.introspectionEndpoint, issuer: world.issuer, client: RESOURCE_SERVER, now })

const present = (token: string, more: Partial<PresentedToken> = {}): PresentedToken => ({
  token,
  scheme: 'bearer',
  request: { method: 'POST', url: RESOURCE, dpopProofs: [] },
  audience: [RESOURCE],
  ...more,
})

async function codeOf(verify: TokenVerifier, presented: PresentedToken): Promise<string> {
  return verify(presented).then(
    () => 'accepted',
    (error: unknown) => {
      if (error instanceof TokenError) return error.code
      throw error
    },
  )
}

describe('JWT access tokens of oidc-provider', () => {
  it('are accepted for their resource', async () => {
    const auth = await jwt()(present(await world.token(RESOURCE)))
    expect(auth).toMatchObject({
      issuer: world.issuer,
      clientId: 'robot',
      scopes: ['notes:read'],
      claims: { aud: RESOURCE },
    })
    expect(auth.expiresAt).toBeGreaterThan(now() + (TOKEN_SECONDS - 10) * 1000)
  })

  it('field V6: are refused for another resource', async () => {
    expect(await codeOf(jwt(), present(await world.token(OTHER)))).toBe('wrong_audience')
  })

  it('field V6: with several audiences are accepted when one is ours, and refused when none is', async () => {
    const both = await world.token(RESOURCE, { claims: { aud: [OTHER, RESOURCE] } })
    const neither = await world.token(RESOURCE, { claims: { aud: [OTHER, `${RESOURCE}/more`] } })
    expect(await codeOf(jwt(), present(both))).toBe('accepted')
    expect(await codeOf(jwt(), present(neither))).toBe('wrong_audience')
  })

  it('field V6: are accepted for an audience that is not the resource, when it is configured', async () => {
    const token = await world.token(RESOURCE, { claims: { aud: '8f2c5c1e-guid' } })
    expect(await codeOf(jwt(), present(token, { audience: ['8f2c5c1e-guid'] }))).toBe('accepted')
    expect(await codeOf(jwt(), present(token))).toBe('wrong_audience')
  })

  it('are refused as those of another issuer, a slash included', async () => {
    const token = await world.token(RESOURCE)
    for (const issuer of [`${world.issuer}/`, 'https://as.example.com'])
      expect(await codeOf(jwt({ issuer, jwksUri: world.jwksUri }), present(token))).toBe('wrong_issuer')
  })

  it('are refused after they end and before they begin', async () => {
    const token = await world.token(RESOURCE)
    const later = await world.token(RESOURCE, { claims: { nbf: Math.floor(Date.now() / 1000) + 600 } })
    expect(await codeOf(jwt(), present(later))).toBe('not_yet_valid')
    skipped = (TOKEN_SECONDS + 31) * 1000
    expect(await codeOf(jwt(), present(token))).toBe('expired')
    skipped = -60_000
    expect(await codeOf(jwt(), present(token))).toBe('not_yet_valid')
  })

  it('are refused unsigned, and signed with the public key for a secret', async () => {
    const token = await world.token(RESOURCE)
    const payload = token.split('.')[1]!
    const none = `${Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url')}.${payload}.`
    const [key] = await world.publicKeys()
    const forged = await new CompactSign(Buffer.from(payload, 'base64url'))
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: String(key?.kid) })
      .sign(Buffer.from(JSON.stringify(key)))
    for (const each of [none, forged]) expect(await codeOf(jwt(), present(each))).toBe('algorithm_refused')
  })

  it('are accepted before and after a rotation of keys, with one more reading', async () => {
    const verify = jwt()
    const before = await world.token(RESOURCE)
    expect(await codeOf(verify, present(before))).toBe('accepted')
    await world.rotateKey()
    const after = await world.token(RESOURCE)
    expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid)
    skipped = 30_000
    const read = world.at('/jwks').length
    const codes = await Promise.all(Array.from({ length: 10 }, () => codeOf(verify, present(after))))
    expect(new Set(codes)).toEqual(new Set(['accepted']))
    expect(world.at('/jwks').length - read).toBe(1)
    expect(await codeOf(verify, present(before))).toBe('accepted')
  })

  it('are refused when their key was withdrawn', async () => {
    const verify = jwt()
    const before = await world.token(RESOURCE, { claims: { iat: Math.floor(Date.now() / 1000) - 120 } })
    expect(await codeOf(verify, present(before))).toBe('accepted')
    await world.rotateKey({ withdraws: true })
    skipped = 30_000
    expect(await codeOf(verify, present(await world.token(RESOURCE)))).toBe('accepted')
    expect(await codeOf(verify, present(before))).toBe('unknown_key')
  })

  it('with made-up keys in a flood make two readings of the key set', async () => {
    const verify = jwt()
    const genuine = await world.token(RESOURCE)
    const read = world.at('/jwks').length
    expect(await codeOf(verify, present(genuine))).toBe('accepted')
    skipped = 30_000
    const flood = Array.from({ length: 200 }, (_, index) => {
      const header = { ...decodeProtectedHeader(genuine), kid: `made-up-${index}` }
      return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${genuine.split('.').slice(1).join('.')}`
    })
    const codes = new Set(await Promise.all(flood.map(token => codeOf(verify, present(token)))))
    expect(codes).not.toContain('accepted')
    expect(await codeOf(verify, present(genuine))).toBe('accepted')
    expect(world.at('/jwks').length - read).toBe(2)
  })
})

describe('opaque tokens of oidc-provider', () => {
  const presented = (token: string) => present(token, { audience: [OPAQUE] })

  it('are accepted by introspection, one question for many requests', async () => {
    const [verify, token] = [introspection(), await world.token(OPAQUE)]
    const asked = world.at('/token/introspection').length
    const all = await Promise.all(Array.from({ length: 10 }, () => verify(presented(token))))
    expect(all[0]).toMatchObject({ issuer: world.issuer, clientId: 'robot', scopes: ['notes:read'] })
    expect(world.at('/token/introspection').length - asked).toBe(1)
  })

  it('are refused for another resource, and when they were never issued', async () => {
    expect(await codeOf(introspection(), present(await world.token(OPAQUE)))).toBe('wrong_audience')
    expect(await codeOf(introspection(), presented('never-issued'))).toBe('inactive')
  })

  it('field V21: are refused after their revocation: at once when it is told, after a minute else', async () => {
    const [told, untold] = [introspection(), introspection()]
    const token = await world.token(OPAQUE)
    for (const verify of [told, untold]) expect(await codeOf(verify, presented(token))).toBe('accepted')
    await world.revoke(token)
    await told.forget(token)
    expect(await codeOf(told, presented(token))).toBe('inactive')
    expect(await codeOf(untold, presented(token))).toBe('accepted')
    skipped = 60_000
    expect(await codeOf(untold, presented(token))).toBe('inactive')
  })

  it('are not called bad because our own secret is wrong', async () => {
    const client = { ...RESOURCE_SERVER, clientSecret: 'wrong' }
    const verify = introspectionVerifier({ endpoint: world.introspectionEndpoint, client, now })
    expect(await codeOf(verify, presented(await world.token(OPAQUE)))).toBe('introspection_unavailable')
  })

  it('stand beside JWTs', async () => {
    const verify = firstOf(jwt(), introspection())
    const asked = world.at('/token/introspection').length
    expect(await codeOf(verify, present(await world.token(RESOURCE)))).toBe('accepted')
    expect(await codeOf(verify, present(await world.token(OTHER)))).toBe('wrong_audience')
    expect(world.at('/token/introspection').length).toBe(asked)
    expect(await codeOf(verify, presented(await world.token(OPAQUE)))).toBe('accepted')
  })
})

describe('tokens bound to a key by oidc-provider', () => {
  let dpopKey: DpopKey
  beforeAll(async () => {
    dpopKey = await importDpopKey(await generateDpopJwk('ES256'))
  })

  const proofFor = (accessToken: string, more: { url?: string; method?: string; nonce?: string; now?: number } = {}) =>
    createDpopProof(dpopKey, { method: 'POST', url: RESOURCE, accessToken, now: Date.now(), randomBytes, ...more })
  const bound = (token: string, ...dpopProofs: readonly string[]) =>
    present(token, { scheme: 'dpop', request: { method: 'POST', url: RESOURCE, dpopProofs } })

  it.each([
    ['a JWT', () => jwt(), RESOURCE],
    ['an opaque token', () => introspection(), OPAQUE],
  ])('%s is accepted with a proof, once, and never without', async (_name, inner, resource) => {
    const verify = withDpop(inner(), { now })
    const token = await world.token(resource, { dpopKey })
    const proof = await proofFor(token)
    const audience = [resource]
    expect(await codeOf(verify, { ...bound(token, proof), audience })).toBe('accepted')
    expect(await codeOf(verify, { ...bound(token, proof), audience })).toBe('invalid_dpop_proof')
    expect(await codeOf(verify, present(token, { audience }))).toBe('binding_mismatch')
    expect(await codeOf(inner(), present(token, { audience }))).toBe('binding_mismatch')
  })

  it('are refused with a proof for another URL', async () => {
    const token = await world.token(RESOURCE, { dpopKey })
    const verify = withDpop(jwt(), { now })
    for (const url of [OTHER, `${RESOURCE}/more`, 'http://127.0.0.1:3000/mcp'])
      expect(await codeOf(verify, bound(token, await proofFor(token, { url })))).toBe('invalid_dpop_proof')
  })

  it('need a nonce where nonces are required', async () => {
    const token = await world.token(RESOURCE, { dpopKey })
    const verify = withDpop(jwt(), { now, nonces: 'required' })
    expect(await codeOf(verify, bound(token, await proofFor(token)))).toBe('use_dpop_nonce')
    const nonce = (await verify.dpop?.nonce?.()) ?? ''
    expect(await codeOf(verify, bound(token, await proofFor(token, { nonce })))).toBe('accepted')
  })

  it('are never accepted where oauth4webapi refuses them', async () => {
    const thief = await importDpopKey(await generateDpopJwk('ES256'))
    const [token, other, plain] = [
      await world.token(RESOURCE, { dpopKey }),
      await world.token(OTHER, { dpopKey }),
      await world.token(RESOURCE),
    ]
    const stolen = await createDpopProof(thief, {
      method: 'POST',
      url: RESOURCE,
      accessToken: token,
      now: Date.now(),
      randomBytes,
    })
    const old = await proofFor(token, { now: Date.now() - 301_000 })
    const cases: readonly [string, PresentedToken][] = [
      ['right', bound(token, await proofFor(token))],
      ['another method', bound(token, await proofFor(token, { method: 'GET' }))],
      ['another URL', bound(token, await proofFor(token, { url: OTHER }))],
      ['another key', bound(token, stolen)],
      ['another token', bound(token, await proofFor(plain))],
      ['another audience', bound(other, await proofFor(other))],
      ['too old', bound(token, old)],
      ['unbound', bound(plain, await proofFor(plain))],
      ['no proof', bound(token)],
      ['bearer', present(token)],
      ['plain', present(plain)],
    ]
    const issuer = new URL(world.issuer)
    const insecure = { [oauth.allowInsecureRequests]: true }
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
    const verify = withDpop(jwt(), { now })
    const verdicts: string[] = []
    for (const [name, presented] of cases) {
      const [dpop] = presented.request.dpopProofs
      const authorization = `${presented.scheme === 'dpop' ? 'DPoP' : 'Bearer'} ${presented.token}`
      const headers = { authorization, ...(dpop !== undefined && { dpop }) }
      const oracle = await oauth
        .validateJwtAccessToken(server, new Request(RESOURCE, { method: 'POST', headers }), RESOURCE, insecure)
        .then(
          () => 'accepted',
          () => 'refused',
        )
      const ours = (await codeOf(verify, presented)) === 'accepted' ? 'accepted' : 'refused'
      verdicts.push(`${name}: ${ours}`)
      expect(`${name}: ${ours}`).toBe(`${name}: ${oracle}`)
    }
    expect(verdicts.filter(verdict => verdict.endsWith('accepted'))).toEqual(['right: accepted', 'plain: accepted'])
  })
})

it('tells a person of the same name at two issuers apart', async () => {
  await using second = await startTokenIssuer()
  const [here, there] = [await world.token(RESOURCE), await second.token(RESOURCE)]
  expect(decodeJwt(here).sub).toBe(decodeJwt(there).sub)
  const verify = firstOf(jwt(), jwt({ issuer: second.issuer }))
  const principals = [await verify(present(here)), await verify(present(there))].map(({ principal }) => principal)
  expect(new Set(principals).size).toBe(2)
})
