import { describe, expect, it } from 'vitest'
import { ISSUER, json, REDIRECT_URI, SERVER, World } from './world.ts'

const KEY = { server: SERVER, profile: 'default' }
const REVOKE = `POST ${ISSUER}/revoke`

describe('logout', () => {
  it('field L10: revokes the refresh token, then the access token, and forgets both but not the client', async () => {
    const world = new World()
    const { session, fetch } = world.client()
    await fetch(SERVER)
    const { clientId } = await session.status()
    const report = await session.logout()
    expect(world.to(REVOKE).map(({ form }) => [form.get('token')?.split('-')[0], form.get('token_type_hint')])).toEqual(
      [
        ['refresh', 'refresh_token'],
        ['access', 'access_token'],
      ],
    )
    expect(report).toMatchObject({ wasLoggedIn: true, clientForgotten: false })
    expect(report.revocations.map(({ ok }) => ok)).toEqual([true, true])
    const { record } = (await world.store.get(KEY))!
    expect(JSON.stringify(record)).not.toMatch(/refresh-|access-/)
    expect(record.issuers[ISSUER]?.registration?.clientId).toBe(clientId)
    expect(await session.status()).toMatchObject({ loggedIn: false })
    await expect(session.accessToken()).rejects.toMatchObject({ code: 'login_required' })
  })

  it('field L11: a failed revocation stops neither the other one nor the forgetting', async () => {
    const world = new World()
    const { session, fetch } = world.client()
    await fetch(SERVER)
    world.routes.set(REVOKE, ({ form }) =>
      form.get('token_type_hint') === 'refresh_token' ? new Response('', { status: 500 }) : undefined,
    )
    const report = await session.logout()
    expect(report.revocations).toEqual([
      { issuer: ISSUER, token: 'refresh_token', ok: false, error: expect.any(String) },
      { issuer: ISSUER, token: 'access_token', ok: true },
    ])
    expect(await session.status()).toMatchObject({ loggedIn: false })
  })

  it('forgets although the authorization server cannot be reached or offers no revocation', async () => {
    for (const breakIt of [
      (world: World) => world.routes.set(REVOKE, () => Promise.reject(new TypeError('fetch failed'))),
      (world: World) => (world.serverMetadata = { revocation_endpoint: undefined }),
    ]) {
      const world = new World()
      const { session, fetch } = world.client()
      await fetch(SERVER)
      breakIt(world)
      world.now += 700_000
      const report = await session.logout()
      expect(report.revocations.map(({ ok }) => ok)).toEqual([false, false])
      expect(await session.status()).toMatchObject({ loggedIn: false })
    }
  })

  it('with client: true the registration goes too, and pending logins always', async () => {
    const world = new World()
    const { session, fetch } = world.client()
    await fetch(SERVER)
    const { url } = await session.beginLogin({ redirectUri: REDIRECT_URI })
    await session.logout()
    await expect(session.finishLogin(await world.approve(url))).rejects.toMatchObject({
      code: 'authorization_response_invalid',
    })
    await session.logout({ client: true })
    expect(await world.store.get(KEY)).toBeUndefined()
  })

  it('waits for a refresh under way and revokes what it brought', async () => {
    const world = new World()
    const { session, fetch } = world.client()
    await fetch(SERVER)
    const before = await session.accessToken()
    const letGo = world.holdTokenEndpoint()
    world.now += 3_599_000
    const refreshing = session.accessToken()
    await world.until(() => world.refreshes.length === 1)
    const logout = session.logout()
    await world.settle()
    letGo()
    const token = await refreshing
    await logout
    expect(token).not.toBe(before)
    const revoked = world.to(REVOKE).map(({ form }) => form.get('token'))
    expect(revoked).toEqual([[...world.refreshTokens.keys()].at(-1), token])
    expect(await session.status()).toMatchObject({ loggedIn: false })
  })

  it('waits for a login whose code was sent, and revokes what it brought', async () => {
    const world = new World()
    const letGo = world.holdTokenEndpoint()
    const { session, fetch } = world.client()
    const call = fetch(SERVER).catch((error: unknown) => error)
    await world.until(() => world.tokenRequests.length === 1)
    const logout = session.logout()
    await world.settle()
    letGo()
    expect(await logout).toMatchObject({ wasLoggedIn: true, revocations: [{ ok: true }, { ok: true }] })
    expect(await session.status()).toMatchObject({ loggedIn: false })
    await call
  })

  it('of nobody says so and asks no server', async () => {
    const world = new World()
    expect(await world.session().logout()).toMatchObject({ wasLoggedIn: false, revocations: [] })
    expect(world.seen).toHaveLength(0)
    expect(await world.store.list()).toEqual([])
  })
})

describe('status', () => {
  it('reads the store only', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a"'
    await world.client().fetch(SERVER)
    world.seen.length = 0
    const status = await world.session().status()
    expect(status).toEqual({
      server: SERVER,
      profile: 'default',
      loggedIn: true,
      issuer: ISSUER,
      scope: 'a',
      expiresAt: world.now + 3_600_000,
      refreshable: true,
      clientId: expect.any(String),
      registration: 'dynamic',
      grantId: expect.any(String),
    })
    expect(world.seen).toHaveLength(0)
  })

  it('an expired token without a refresh token is no login', async () => {
    const world = new World()
    world.givesRefreshToken = false
    const { session, fetch } = world.client()
    await fetch(SERVER)
    world.now += 3_600_000
    expect(await session.status()).toMatchObject({ loggedIn: false, refreshable: false })
  })
})

it('R-REFRESH-4 after the client was dropped, status does not promise a refresh that cannot be', async () => {
  const world = new World()
  const { session, fetch } = world.client()
  await fetch(SERVER)
  world.routes.set(`POST ${ISSUER}/token`, () => json({ error: 'invalid_client' }, 401))
  world.now += 4_000_000
  await expect(session.accessToken()).rejects.toMatchObject({ code: 'login_required' })
  const status = await session.status()
  expect(status).toMatchObject({ loggedIn: false, refreshable: false })
  expect([status.clientId, status.registration]).toEqual([undefined, undefined])
})

it('field D19: status does not take the login of another client for one of the configured client', async () => {
  const world = new World()
  await world.client().fetch(SERVER)
  const other = world.session({}, { client: { clientId: 'mine' } })
  expect(await other.status()).toEqual({ server: SERVER, profile: 'default', loggedIn: false, issuer: ISSUER })
})

it('no error and no event of a session holds a secret', async () => {
  const world = new World()
  const { session, fetch } = world.client({}, { client: { clientId: 'mine', clientSecret: 'canary-secret' } })
  const errors: unknown[] = []
  const note = (error: unknown): void => void errors.push(error)
  await fetch(SERVER)
  world.routes.set(`POST ${ISSUER}/token`, ({ body }) => new Response(body, { status: 500 }))
  world.now += 4_000_000
  await session.accessToken().catch(note)
  world.routes.delete(`POST ${ISSUER}/token`)
  world.refreshTokens.clear()
  world.now += 120_000
  await session.accessToken().catch(note)
  world.routes.set(`POST ${ISSUER}/token`, ({ body }) => new Response(body, { status: 400 }))
  await session.login({ force: true }).catch(note)
  const { inspect } = await import('node:util')
  expect(errors).toHaveLength(3)
  const shown =
    inspect([errors, world.events, session], { depth: 20, showHidden: true }) + JSON.stringify([errors, world.events])
  expect(shown).not.toMatch(/canary-secret|access-\d|refresh-\d|code-\d|code_verifier/)
})
