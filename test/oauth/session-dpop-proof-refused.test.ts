import { describe, expect, it } from 'vitest'
import { DpopWorld } from './dpop-world.ts'
import { ISSUER, json, SERVER } from './world.ts'

const RANDOM = { randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) }
const KEY = { server: SERVER, profile: 'default' }

/** A bound login at servers whose clock is `aheadMs` of ours from then on; without it they do not tell the time. */
async function refusingProofs(aheadMs?: number) {
  const world = new DpopWorld()
  const { session, fetch } = world.client(RANDOM)
  await fetch(SERVER)
  const date: Record<string, string> =
    aheadMs === undefined ? {} : { date: new Date(world.now + aheadMs).toUTCString() }
  world.routes.set(`GET ${SERVER}`, () => {
    const challenge = 'DPoP error="invalid_dpop_proof", error_description="iat is off", algs="ES256"'
    return new Response('', { status: 401, headers: { 'www-authenticate': challenge, ...date } })
  })
  const honest = world.routes.get(`POST ${ISSUER}/token`)
  const heal = () => world.routes.set(`POST ${ISSUER}/token`, honest!)
  world.routes.set(`POST ${ISSUER}/token`, () =>
    json({ error: 'invalid_dpop_proof', error_description: 'iat is off' }, 400, date),
  )
  return { world, session, fetch, heal }
}

describe('a proof that is refused', () => {
  it.each([
    ['ahead of', -90_000],
    ['behind', 90_000],
  ])("R-DPOP-1 by the MCP server: the clock is named, %s the server's, and nobody is asked", async (where, aheadMs) => {
    const { world, fetch } = await refusingProofs(aheadMs)
    const before = await world.store.get(KEY)
    const calls = world.count(`GET ${SERVER}`)
    await expect(fetch(SERVER)).rejects.toMatchObject({
      code: 'dpop_proof_rejected',
      detail: {
        status: 401,
        oauthError: 'invalid_dpop_proof',
        hint: expect.stringContaining(`90 s ${where} the server`) as string,
      },
    })
    expect(await world.store.get(KEY)).toEqual(before)
    expect(world.count(`GET ${SERVER}`)).toBe(calls + 1)
    expect([world.authorizations.length, world.tokenRequests.length]).toEqual([1, 1])
  })

  it('R-DPOP-1 by a server that does not tell the time, or agrees about it', async () => {
    for (const aheadMs of [undefined, 0]) {
      const { fetch } = await refusingProofs(aheadMs)
      await expect(fetch(SERVER)).rejects.toMatchObject({
        detail: { hint: expect.stringMatching(/clock.*proxy/u) as string },
      })
    }
  })

  it('R-REFRESH-4 by the authorization server, however often: the refresh token is kept', async () => {
    const { world, session, fetch, heal } = await refusingProofs(-90_000)
    world.now += 3_600_000
    for (let times = 0; times < 5; times++) {
      await expect(session.accessToken()).rejects.toMatchObject({ code: 'token_unavailable', retryable: true })
      world.now += 61_000
    }
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'token_unavailable' })
    expect(await session.status()).toMatchObject({ loggedIn: true, refreshable: true })
    heal()
    world.now += 61_000
    expect(await session.accessToken()).toMatch(/^access-/u)
    expect(world.authorizations).toHaveLength(1)
  })

  it('R-REFRESH-4 nor is it given up by an authorization server that never has enough of nonces', async () => {
    const { world, session, heal } = await refusingProofs()
    let nonces = 0
    world.routes.set(`POST ${ISSUER}/token`, () =>
      json({ error: 'use_dpop_nonce' }, 400, { 'dpop-nonce': `nonce-${++nonces}` }),
    )
    world.now += 3_600_000
    for (let times = 0; times < 5; times++) {
      await expect(session.accessToken()).rejects.toMatchObject({ code: 'token_unavailable' })
      world.now += 61_000
    }
    // One for every call and one for the nonce that it was told: no storm.
    expect(nonces).toBe(10)
    heal()
    expect(await session.accessToken()).toMatch(/^access-/u)
  })

  it('R-DPOP-1 by the authorization server at a login: the clock is named there, too', async () => {
    const { session } = await refusingProofs(-90_000)
    await expect(session.login({ force: true })).rejects.toMatchObject({
      code: 'token_refused',
      detail: { hint: expect.stringContaining('90 s ahead') as string },
    })
  })
})
