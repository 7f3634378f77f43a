import { describe, expect, it } from 'vitest'
import { clientCredentials } from '../../src/oauth/flows/client-credentials.ts'
import { StoreError } from '../../src/oauth/store/store-error.ts'
import { ISSUER, json, SERVER, World } from './world.ts'

const TOKEN = `POST ${ISSUER}/token`
const robot = () => clientCredentials({ clientId: 'robot', clientSecret: 'robot-secret' })
const fifty = <T>(call: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 50 }, call))
const grantTypes = (world: World) => world.tokenRequests.map(({ form }) => form.get('grant_type'))

/** A machine's world: tokens last an hour and come without a refresh token. */
function machines(): World {
  const world = new World()
  world.givesRefreshToken = false
  return world
}

/** The same with a first token. */
async function obtained(world = machines()) {
  const { session, fetch } = world.client({ grant: robot() })
  expect((await fetch(SERVER)).status).toBe(200)
  return { world, session, fetch }
}

/** The token endpoint fails with `answer` until the returned function is called. */
function failWith(world: World, answer: () => Response | Promise<Response>): () => void {
  world.routes.set(TOKEN, answer)
  return () => void world.routes.delete(TOKEN)
}

const unavailable = () => new Response('', { status: 503 })

describe('one token request for everybody', () => {
  it('R-CC-3 50 concurrent calls', async () => {
    const world = machines()
    const { fetch } = world.client({ grant: robot() })
    const responses = await fifty(() => fetch(SERVER))
    expect(responses.every(({ ok }) => ok)).toBe(true)
    expect(world.tokenRequests).toHaveLength(1)
  })

  it.each<[string, (world: World) => Promise<unknown>]>([
    ['calls', world => fifty(() => world.client({ grant: robot() }).fetch(SERVER))],
    ['requests for a token', world => fifty(() => world.session({ grant: robot() }).accessToken())],
    ['logins', world => fifty(() => world.session({ grant: robot() }).login())],
  ])('R-CC-3 50 sessions over one store, concurrent %s', async (_, run) => {
    const world = machines()
    await run(world)
    expect(world.tokenRequests).toHaveLength(1)
  })

  it('R-CC-3 50 concurrent calls close to the expiry: one more, before the token ends', async () => {
    const { world, fetch } = await obtained()
    world.now += 3_590_000
    const responses = await fifty(() => fetch(SERVER))
    expect(responses.every(({ ok }) => ok)).toBe(true)
    expect(world.tokenRequests).toHaveLength(2)
    // No call was answered 401 but the very first.
    expect(world.to(`GET ${SERVER}`).filter(({ headers }) => !headers.has('authorization'))).toHaveLength(1)
    expect(world.to(`GET ${SERVER}`).at(-1)!.headers.get('authorization')).toBe('Bearer access-2')
  })

  it('R-CC-3 50 concurrent calls with a token that has ended', async () => {
    const { world, fetch } = await obtained()
    world.now += 3_700_000
    expect((await fifty(() => fetch(SERVER))).every(({ ok }) => ok)).toBe(true)
    expect(world.tokenRequests).toHaveLength(2)
  })

  it('R-CC-3 50 concurrent calls answered 401', async () => {
    const { world, fetch } = await obtained()
    world.revokeAccessTokens()
    expect((await fifty(() => fetch(SERVER))).every(({ ok }) => ok)).toBe(true)
    expect(world.tokenRequests).toHaveLength(2)
  })

  it('R-CC-3 a token of unknown life is used until it is refused', async () => {
    const world = machines()
    world.tokenResponse = {}
    const { fetch } = await obtained(world)
    world.now += 100 * 86_400_000
    await fetch(SERVER)
    expect(world.tokenRequests).toHaveLength(1)
    world.revokeAccessTokens()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.tokenRequests).toHaveLength(2)
  })

  it('R-CC-3 a fresh token that is refused at once is an error, not a loop', async () => {
    const world = machines()
    world.accepts = () => false
    const { fetch } = world.client({ grant: robot() })
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'fresh_token_rejected' })
    expect(world.tokenRequests).toHaveLength(1)
  })
})

describe('a server that sends a refresh token', () => {
  it('R-CC-3 it is used', async () => {
    const { world, fetch } = await obtained(new World())
    // Bound to the client by basic authentication, not by a form member.
    world.refreshTokens.set('refresh-1', '')
    world.now += 3_590_000
    expect((await fetch(SERVER)).status).toBe(200)
    expect(grantTypes(world)).toEqual(['client_credentials', 'refresh_token'])
  })

  it.each([
    ['near the expiry', 3_590_000],
    ['after the expiry', 3_700_000],
  ])('R-CC-3 refused %s, another token is obtained and nobody is asked', async (_, elapsed) => {
    const { world, fetch } = await obtained(new World())
    world.refreshTokens.clear()
    world.now += elapsed
    expect((await fetch(SERVER)).status).toBe(200)
    expect((await fetch(SERVER)).status).toBe(200)
    expect(grantTypes(world)).toEqual(['client_credentials', 'refresh_token', 'client_credentials'])
    expect(world.authorizations).toHaveLength(0)
  })

  it.each([
    ['near the expiry', 3_590_000, false],
    ['after the expiry', 3_700_000, false],
    ['after a 401', 0, true],
  ])('R-CC-3 of a server that sends what it does not take, %s: another token at once', async (_, elapsed, rejected) => {
    const { world, fetch } = await obtained(new World())
    world.routes.set(TOKEN, ({ form }) =>
      form.get('grant_type') === 'refresh_token' ? json({ error: 'unsupported_grant_type' }, 400) : undefined,
    )
    world.now += elapsed
    if (rejected) world.revokeAccessTokens()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.to(`GET ${SERVER}`).at(-1)!.headers.get('authorization')).toBe('Bearer access-2')
    expect(grantTypes(world)).toEqual(['client_credentials', 'refresh_token', 'client_credentials'])
  })

  it('R-CC-3 refused when an access token is asked for', async () => {
    const { world, session } = await obtained(new World())
    world.refreshTokens.clear()
    world.now += 3_700_000
    expect(await session.accessToken()).toBe('access-2')
  })
})

describe('an authorization server that fails', () => {
  it.each<[string, () => Response | Promise<Response>]>([
    ['503', unavailable],
    ['429', () => new Response('', { status: 429 })],
    ['invalid_client', () => json({ error: 'invalid_client' }, 401)],
    ['a network fault', () => Promise.reject(new TypeError('fetch failed'))],
  ])('R-REFRESH-2 with %s near the expiry breaks no call and is not asked with every call', async (_, answer) => {
    const { world, fetch, session } = await obtained()
    world.now += 3_590_000
    failWith(world, answer)
    for (let call = 0; call < 20; call++) expect((await fetch(SERVER)).status).toBe(200)
    expect(await session.accessToken()).toBe('access-1')
    expect(world.tokenRequests).toHaveLength(2)
  })

  it('R-REFRESH-2 metadata that cannot be read near the expiry breaks no call', async () => {
    const { world, fetch, session } = await obtained()
    world.now += 3_590_000
    world.routes.set(`GET ${ISSUER}/.well-known/oauth-authorization-server`, unavailable)
    world.routes.set('GET https://mcp.example.com/.well-known/oauth-protected-resource/mcp', unavailable)
    for (let call = 0; call < 5; call++) expect((await fetch(SERVER)).status).toBe(200)
    expect(await session.accessToken()).toBe('access-1')
    world.routes.clear()
    world.now += 5_000
    expect(await session.accessToken()).toBe('access-2')
  })

  it('R-REFRESH-2 silence near the expiry keeps no call waiting for long', async () => {
    const { world, fetch, session } = await obtained()
    world.now += 3_590_000
    const release = world.holdTokenEndpoint()
    expect((await fifty(() => fetch(SERVER))).every(({ ok }) => ok)).toBe(true)
    // Who comes later does not wait at all.
    for (let call = 0; call < 20; call++) expect((await fetch(SERVER)).status).toBe(200)
    expect(world.tokenRequests).toHaveLength(2)
    release()
    await session.close()
    expect(await session.accessToken()).toBe('access-2')
    expect(world.tokenRequests).toHaveLength(2)
  })

  it('R-REFRESH-2 a record that somebody else keeps locked near the expiry breaks no call', async () => {
    const world = machines()
    const { fetch } = await obtained(world)
    const locked = new StoreError('locked', 'Somebody else holds it.', { step: 'lock' })
    const { fetch: other } = world.client({
      grant: robot(),
      store: { ...world.store, withLock: () => Promise.reject(locked) },
    })
    world.now += 3_590_000
    expect((await other(SERVER)).status).toBe(200)
    expect(world.tokenRequests).toHaveLength(1)
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.tokenRequests).toHaveLength(2)
  })

  it.each<[string, () => Response | Promise<Response>, string]>([
    ['503', unavailable, 'token_unavailable'],
    ['429', () => new Response('', { status: 429 }), 'token_unavailable'],
    ['slow_down', () => json({ error: 'slow_down' }, 400), 'token_unavailable'],
    ['a network fault', () => Promise.reject(new TypeError('fetch failed')), 'network'],
  ])('R-CC-3 answers %s: a retryable error, and calls work again when it is back', async (_, answer, code) => {
    const world = machines()
    const { fetch, session } = world.client({ grant: robot() })
    const restore = failWith(world, answer)
    await expect(fetch(SERVER)).rejects.toMatchObject({ code, retryable: true })
    await expect(session.accessToken()).rejects.toMatchObject({ code, retryable: true })
    restore()
    world.now += 61_000
    expect((await fetch(SERVER)).status).toBe(200)
  })

  it('R-CC-3 the same after a token has ended', async () => {
    const { world, fetch, session } = await obtained()
    world.now += 3_700_000
    // What the server would say of a token that has ended.
    world.revokeAccessTokens()
    const restore = failWith(world, unavailable)
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'token_unavailable', retryable: true })
    await expect(session.accessToken()).rejects.toMatchObject({ code: 'token_unavailable', retryable: true })
    restore()
    world.now += 61_000
    expect((await fetch(SERVER)).status).toBe(200)
  })

  it.each([
    ['no scope', ''],
    ['a scope', ', scope="mcp:tools"'],
  ])(
    'field T12: an outage is not met with a token request for every call; the challenge names %s',
    async (_, scope) => {
      const world = machines()
      world.challenge += scope
      const { fetch } = await obtained(world)
      world.now += 3_700_000
      world.revokeAccessTokens()
      failWith(world, unavailable)
      for (let call = 0; call < 20; call++) await expect(fetch(SERVER)).rejects.toMatchObject({ retryable: true })
      expect(world.tokenRequests).toHaveLength(2)
    },
  )

  it('field T12: Retry-After is honoured, and said', async () => {
    const world = machines()
    const { fetch } = world.client({ grant: robot() })
    failWith(world, () => new Response('', { status: 503, headers: { 'retry-after': '120' } }))
    await expect(fetch(SERVER)).rejects.toMatchObject({ detail: { retryAfterMs: 120_000 } })
    world.now += 119_000
    await expect(fetch(SERVER)).rejects.toMatchObject({ detail: { retryAfterMs: 1_000 } })
    expect(world.tokenRequests).toHaveLength(1)
    world.now += 1_000
    await expect(fetch(SERVER)).rejects.toThrow()
    expect(world.tokenRequests).toHaveLength(2)
    expect(world.events).toContainEqual({ type: 'retryScheduled', step: 'login', delayMs: 120_000 })
  })

  it('R-CC-2 refused credentials are a clear error, waited with longer and longer; an explicit login tries at once', async () => {
    const world = machines()
    const { fetch, session } = world.client({ grant: robot() })
    const restore = failWith(world, () => json({ error: 'invalid_client', error_description: 'unknown robot' }, 401))
    const refused = { code: 'token_refused', message: expect.stringContaining('unknown robot') as string }
    for (let call = 0; call < 10; call++) await expect(fetch(SERVER)).rejects.toMatchObject(refused)
    expect(world.tokenRequests).toHaveLength(1)
    await expect(session.login()).rejects.toMatchObject(refused)
    expect(world.tokenRequests).toHaveLength(2)
    restore()
    expect(await session.login()).toMatchObject({ loggedIn: true })
    expect((await fetch(SERVER)).status).toBe(200)
  })

  it('R-SCOPE-5 a scope that is refused says nothing about calls that need less', async () => {
    const { world, fetch } = await obtained()
    const challenge = 'Bearer error="insufficient_scope", scope="admin"'
    world.routes.set(
      `POST ${SERVER}`,
      () => new Response('', { status: 403, headers: { 'www-authenticate': challenge } }),
    )
    world.routes.set(TOKEN, ({ form }) =>
      form.get('scope')?.includes('admin') === true ? json({ error: 'invalid_scope' }, 400) : undefined,
    )
    await expect(fetch(SERVER, { method: 'POST', body: '{}' })).rejects.toMatchObject({ code: 'token_refused' })
    expect((await fetch(SERVER)).status).toBe(200)
  })
})

describe('ending', () => {
  it('a caller that gives up leaves the request to the others', async () => {
    const world = machines()
    const { fetch } = world.client({ grant: robot() })
    const release = world.holdTokenEndpoint()
    const controller = new AbortController()
    const given = fetch(SERVER, { signal: controller.signal })
    const kept = fetch(SERVER)
    await world.until(() => world.tokenRequests.length === 1)
    controller.abort()
    await expect(given).rejects.toMatchObject({ name: 'AbortError' })
    release()
    expect((await kept).status).toBe(200)
    expect(world.tokenRequests).toHaveLength(1)
  })

  it('logout revokes the token as the client, and the next call obtains another', async () => {
    const { world, session, fetch } = await obtained()
    expect((await session.logout()).revocations).toEqual([{ issuer: ISSUER, token: 'access_token', ok: true }])
    const [revocation] = world.to(`POST ${ISSUER}/revoke`)
    expect(revocation!.headers.get('authorization')).toBe(`Basic ${btoa('robot:robot-secret')}`)
    expect(await session.status()).toMatchObject({ loggedIn: false })
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.tokenRequests).toHaveLength(2)
  })
})
