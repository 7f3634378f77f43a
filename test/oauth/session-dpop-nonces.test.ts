import { describe, expect, it } from 'vitest'
import { clientCredentials } from '../../src/oauth/flows/client-credentials.ts'
import type { OAuthSessionOptions } from '../../src/oauth/session-options.ts'
import { DpopWorld } from './dpop-world.ts'
import { ISSUER, json, SERVER } from './world.ts'

const TOKEN = `POST ${ISSUER}/token`
const RANDOM = { randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) }

const client = (world: DpopWorld, options: Partial<OAuthSessionOptions> = {}) => world.client({ ...RANDOM, ...options })
const nonces = (world: DpopWorld) => world.proofs.map(({ payload }) => payload['nonce'])

/** Both servers want nonces, each its own. */
function demanding(): DpopWorld {
  const world = new DpopWorld()
  world.nonce.token = 'as-1'
  world.nonce.mcp = 'rs-1'
  return world
}

describe('nonces', () => {
  it('R-DPOP-1 each server gets its own, after one demand', async () => {
    const world = demanding()
    const { fetch } = client(world)
    for (let call = 0; call < 3; call++) expect((await fetch(SERVER)).status).toBe(200)
    expect(nonces(world)).toEqual([undefined, 'as-1', undefined, 'rs-1', 'rs-1', 'rs-1'])
    expect(world.nonceDemands).toEqual({ token: 1, mcp: 1 })
    expect([world.authorizations.length, world.refreshes.length, world.faults.length]).toEqual([1, 0, 0])
  })

  it('R-DPOP-1 two servers on one origin are two servers', async () => {
    const world = demanding()
    world.resourceMetadata = { ...world.resourceMetadata, authorization_servers: ['https://mcp.example.com'] }
    const origin = new URL(SERVER).origin
    world.routes.set(`GET ${origin}/.well-known/oauth-authorization-server`, () =>
      json({ ...world.metadataOf(origin), token_endpoint: `${origin}/token` }),
    )
    world.routes.set(`POST ${origin}/token`, world.routes.get(TOKEN)!)
    const grant = clientCredentials({ clientId: 'robot', clientSecret: 'robot-secret' })
    const { fetch } = client(world, { grant })
    expect((await fetch(SERVER)).status).toBe(200)
    expect(nonces(world)).toEqual([undefined, 'as-1', undefined, 'rs-1'])
  })

  it('R-DPOP-1 three rotations, one after the other, are no attempts at authorization', async () => {
    const world = demanding()
    const { fetch } = client(world)
    await fetch(SERVER)
    for (const next of ['rs-2', 'rs-3', 'rs-4']) {
      world.nonce.mcp = next
      expect((await fetch(SERVER)).status).toBe(200)
    }
    expect(world.nonceDemands.mcp).toBe(4)
    expect([world.authorizations.length, world.refreshes.length]).toEqual([1, 0])
    expect(world.events.filter(({ type }) => type === 'refreshing' || type === 'loginStarted')).toHaveLength(1)
  })

  it('R-DPOP-1 neither are three rotations within one request', async () => {
    const world = demanding()
    const { fetch } = client(world)
    await fetch(SERVER)
    let rotations = 0
    const honest = world.routes.get(`GET ${SERVER}`)!
    world.routes.set(`GET ${SERVER}`, seen => {
      if (rotations < 3) world.nonce.mcp = `rs-next-${++rotations}`
      return honest(seen)
    })
    expect((await fetch(SERVER)).status).toBe(200)
    expect([world.authorizations.length, world.refreshes.length]).toEqual([1, 0])
  })

  it('R-DPOP-1 a nonce that comes with a success is used from then on, without a demand', async () => {
    const world = demanding()
    const { fetch } = client(world)
    await fetch(SERVER)
    const honest = world.routes.get(`GET ${SERVER}`)!
    world.routes.set(`GET ${SERVER}`, async seen => {
      const answer = (await honest(seen))!
      if (answer.ok) answer.headers.set('dpop-nonce', (world.nonce.mcp = `rs-${world.proofs.length}`))
      return answer
    })
    for (let call = 0; call < 3; call++) expect((await fetch(SERVER)).status).toBe(200)
    expect(world.nonceDemands.mcp).toBe(1)
  })

  it('R-DPOP-1 a refresh meets the demand of the authorization server, too', async () => {
    const world = demanding()
    const { fetch } = client(world)
    await fetch(SERVER)
    world.nonce.token = 'as-2'
    world.now += 3_590_000
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.nonceDemands.token).toBe(2)
    expect(world.refreshes.map(({ form }) => form.get('refresh_token'))).toEqual(['refresh-3', 'refresh-3'])
    expect(world.authorizations).toHaveLength(1)
  })

  it('R-DPOP-1 the retry has another proof and another client assertion', async () => {
    const world = demanding()
    const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])
    const grant = clientCredentials({ clientId: 'robot', privateKey: { key: privateKey, algorithm: 'ES256' } })
    await client(world, { grant }).fetch(SERVER)
    expect(new Set(world.tokenRequests.map(({ form }) => form.get('client_assertion'))).size).toBe(2)
    expect(new Set(world.tokenRequests.map(({ headers }) => headers.get('dpop'))).size).toBe(2)
  })

  it.each([
    ['the same for all', 'rs-1'],
    [
      'each good for one request',
      (
        (count = 0) =>
        () =>
          `rs-once-${++count}`
      )(),
    ],
  ])('R-DPOP-1 20 concurrent first requests that are met with a demand all succeed; nonces: %s', async (_, nonce) => {
    const world = demanding()
    const { fetch, session } = client(world)
    await session.login()
    world.nonce.mcp = nonce
    const responses = await Promise.all(Array.from({ length: 20 }, () => fetch(SERVER)))
    expect(responses.every(({ ok }) => ok)).toBe(true)
    expect([world.authorizations.length, world.refreshes.length, world.faults.length]).toEqual([1, 0, 0])
  })

  it('R-DPOP-1 20 concurrent calls without a login, with demands everywhere, log in once', async () => {
    const world = demanding()
    const { fetch } = client(world)
    const responses = await Promise.all(Array.from({ length: 20 }, () => fetch(SERVER)))
    expect(responses.every(({ ok }) => ok)).toBe(true)
    expect([world.authorizations.length, world.refreshes.length]).toEqual([1, 0])
  })
})

describe('servers that are never satisfied', () => {
  it('R-DPOP-1 an MCP server that demands for ever is given up; its answer stands, and nobody logs in for it', async () => {
    const world = new DpopWorld()
    let count = 0
    const { fetch, session } = client(world)
    await session.login()
    const demand = () =>
      new Response('', {
        status: 401,
        headers: { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': `rs-${++count}` },
      })
    world.routes.set(`GET ${SERVER}`, demand)
    expect((await fetch(SERVER)).status).toBe(401)
    expect(count).toBe(4)
    expect([world.authorizations.length, world.refreshes.length]).toEqual([1, 0])
  })

  it('R-DPOP-1 nor is the same nonce tried again and again', async () => {
    const world = new DpopWorld()
    const { fetch, session } = client(world)
    await session.login()
    let demands = 0
    world.routes.set(`GET ${SERVER}`, () => {
      demands++
      const headers = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'rs-same' }
      return new Response('', { status: 401, headers })
    })
    expect((await fetch(SERVER)).status).toBe(401)
    expect(demands).toBe(2)
    expect([world.authorizations.length, world.refreshes.length]).toEqual([1, 0])
  })

  it('R-DPOP-1 a token endpoint that demands for ever ends in an error that says so', async () => {
    const world = new DpopWorld()
    let count = 0
    world.routes.set(TOKEN, () => json({ error: 'use_dpop_nonce' }, 400, { 'dpop-nonce': `as-${++count}` }))
    await expect(client(world).fetch(SERVER)).rejects.toMatchObject({ detail: { oauthError: 'use_dpop_nonce' } })
    expect(count).toBeLessThanOrEqual(4)
  })

  it.each(['', 'with space', 'quo"te', 'x'.repeat(2_000)])(
    'R-DPOP-1 a nonce that no proof can hold is ignored: %j',
    async nonce => {
      const world = new DpopWorld()
      const { fetch } = client(world)
      await fetch(SERVER)
      const honest = world.routes.get(`GET ${SERVER}`)!
      world.routes.set(`GET ${SERVER}`, async seen => {
        const answer = (await honest(seen))!
        answer.headers.set('dpop-nonce', nonce)
        return answer
      })
      for (let call = 0; call < 2; call++) expect((await fetch(SERVER)).status).toBe(200)
      expect(new Set(nonces(world))).toEqual(new Set([undefined]))
    },
  )

  it('R-DPOP-1 a clock that the server finds wrong is an error, not a loop', async () => {
    const world = new DpopWorld()
    const { fetch } = client(world, { now: () => world.now - 86_400_000 })
    await expect(fetch(SERVER)).rejects.toMatchObject({ detail: { oauthError: 'invalid_dpop_proof' } })
    expect(world.tokenRequests).toHaveLength(1)
  })
})
