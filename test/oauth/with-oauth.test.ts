import { describe, expect, it } from 'vitest'
import { MAX_KNOWN_SCOPE_LENGTH } from '../../src/oauth/challenge-recovery.ts'
import { isAuthorizedFetch, withOAuth } from '../../src/oauth/with-oauth.ts'
import { ISSUER, json, notFound, type Route, SERVER, World } from './world.ts'

const GET = `GET ${SERVER}`
const POST = `POST ${SERVER}`
const insufficient = (scope?: string): Response =>
  new Response('', {
    status: 403,
    headers: {
      'www-authenticate': `Bearer error="insufficient_scope"${scope === undefined ? '' : `, scope="${scope}"`}`,
    },
  })
const tokensSent = (world: World): (string | null)[] =>
  world.seen
    .filter(({ url }) => url.origin === 'https://mcp.example.com')
    .map(({ headers }) => headers.get('authorization'))

async function loggedIn(): Promise<{ world: World; fetch: ReturnType<typeof withOAuth> }> {
  const world = new World()
  const { fetch } = world.client()
  await fetch(SERVER)
  world.seen.length = 0
  return { world, fetch }
}

describe('where a token may go', () => {
  it.each([
    'https://other.example.com/mcp',
    'https://mcp.example.com.evil.example/mcp',
    'https://mcp.example.com:8443/mcp',
    'http://mcp.example.com/mcp',
    'https://mcp.example.com/',
    'https://mcp.example.com/mcpx',
    'https://mcp.example.com/mcp/../admin',
  ])('R-FETCH-1 withOAuth to another origin or path sends no Authorization: %s', async url => {
    const { world, fetch } = await loggedIn()
    world.routes.set(`GET ${new URL(url).origin}${new URL(url).pathname}`, () => new Response('', { status: 401 }))
    expect((await fetch(url)).status).toBe(401)
    expect(world.seen).toHaveLength(1)
    expect(world.seen[0]?.headers.has('authorization')).toBe(false)
  })

  it('R-FETCH-1 signs below the server path and with any query', async () => {
    const { world, fetch } = await loggedIn()
    world.routes.set(`${GET}/session`, () => json({}))
    await fetch(`${SERVER}/session?x=1`)
    expect(world.seen[0]?.headers.get('authorization')).toMatch(/^Bearer access-/)
  })

  it.each([301, 302, 303, 307, 308])(
    'R-FETCH-1 along a redirect (%d) sends no Authorization to another origin',
    async status => {
      const { world, fetch } = await loggedIn()
      world.routes.set(GET, () => new Response('', { status, headers: { location: 'https://evil.example.com/mcp' } }))
      const response = await fetch(SERVER)
      expect(response.status).toBe(status)
      expect(world.seen.some(({ url }) => url.host === 'evil.example.com')).toBe(false)
    },
  )

  it('R-FETCH-1 does not follow a redirect out of the server path', async () => {
    const { world, fetch } = await loggedIn()
    world.routes.set(GET, () => new Response('', { status: 307, headers: { location: '/admin' } }))
    expect((await fetch(SERVER)).status).toBe(307)
    expect(world.seen).toHaveLength(1)
  })

  it('R-FETCH-1 follows a redirect within the server as fetch would, signed and with its body', async () => {
    const { world, fetch } = await loggedIn()
    world.routes.set(POST, () => new Response('', { status: 307, headers: { location: `${SERVER}/` } }))
    world.routes.set(`${POST}/`, () => json({}))
    expect((await fetch(SERVER, { method: 'POST', body: 'x' })).status).toBe(200)
    expect(world.seen[1]).toMatchObject({ method: 'POST', body: 'x' })
    expect(world.seen[1]?.headers.get('authorization')).toMatch(/^Bearer access-/)
  })

  it('R-FETCH-1 does not turn a POST into a GET, and gives up on a loop', async () => {
    const { world, fetch } = await loggedIn()
    world.routes.set(POST, () => new Response('', { status: 302, headers: { location: `${SERVER}/` } }))
    expect((await fetch(SERVER, { method: 'POST', body: 'x' })).status).toBe(302)
    world.routes.set(GET, () => new Response('', { status: 302, headers: { location: SERVER } }))
    expect((await fetch(SERVER)).status).toBe(302)
    expect(world.count(GET)).toBe(6)
  })

  it("R-FETCH-1 keeps to the caller's redirect mode", async () => {
    const { world, fetch } = await loggedIn()
    world.routes.set(GET, () => new Response('', { status: 307, headers: { location: `${SERVER}/` } }))
    await expect(fetch(SERVER, { redirect: 'error' })).rejects.toThrow(TypeError)
    expect((await fetch(SERVER, { redirect: 'manual' })).status).toBe(307)
    expect(world.count(`${GET}/`)).toBe(0)
  })

  it("field X9: the caller's own Authorization wins and OAuth stays out", async () => {
    const world = new World()
    const { fetch } = world.client()
    const response = await fetch(SERVER, { headers: { Authorization: 'Basic x' } })
    expect(response.status).toBe(401)
    expect(tokensSent(world)).toEqual(['Basic x'])
  })
})

describe('what is sent again', () => {
  it.each([
    ['string', () => 'payload'],
    ['URLSearchParams', () => new URLSearchParams('payload')],
    ['ArrayBuffer', () => new TextEncoder().encode('payload').buffer],
    ['view', () => new TextEncoder().encode('payload')],
    ['Blob', () => new Blob(['payload'])],
  ])('R-FETCH-1 a %s body is sent again after the login', async (_, body) => {
    const world = new World()
    const { fetch } = world.client()
    expect((await fetch(SERVER, { method: 'POST', body: body() })).status).toBe(200)
    expect(world.to(POST).map(seen => seen.body.replace('=', ''))).toEqual(['payload', 'payload'])
  })

  it('R-FETCH-1 a Request with a body is sent again, headers and method included', async () => {
    const world = new World()
    const request = new Request(SERVER, { method: 'POST', body: 'payload', headers: { 'x-kept': 'yes' } })
    expect((await world.client().fetch(request)).status).toBe(200)
    expect(world.to(POST).map(({ body, headers }) => [body, headers.get('x-kept')])).toEqual([
      ['payload', 'yes'],
      ['payload', 'yes'],
    ])
  })

  it('R-FETCH-1 a stream is sent once, and its 401 is returned as it is', async () => {
    const world = new World()
    const body = new Blob(['payload']).stream()
    const response = await world.client().fetch(SERVER, { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(response.status).toBe(401)
    expect(await response.text()).toBe('unauthorized')
    expect(world.seen).toHaveLength(1)
    expect(world.seen[0]?.body).toBe('payload')
  })

  it('R-FETCH-1 a Request beyond the cap is sent once and whole', async () => {
    const world = new World()
    const payload = 'x'.repeat(5_000_000)
    const response = await world.client().fetch(new Request(SERVER, { method: 'POST', body: payload }))
    expect(response.status).toBe(401)
    expect(world.seen).toHaveLength(1)
    expect(world.seen[0]?.body.length).toBe(payload.length)
  })

  it('field A18: a DELETE never asks anybody to log in', async () => {
    const world = new World()
    const { fetch } = world.client()
    expect((await fetch(SERVER, { method: 'DELETE' })).status).toBe(401)
    expect(world.authorizations).toHaveLength(0)
  })

  it('the discarded answer is cancelled', async () => {
    const world = new World()
    let cancelled = false
    const endless = new ReadableStream({
      cancel: () => {
        cancelled = true
      },
    })
    world.routes.set(GET, () =>
      world.authorizations.length === 0 ? new Response(endless, { status: 401 }) : undefined,
    )
    await world.client().fetch(SERVER)
    expect(cancelled).toBe(true)
  })

  it('an abort rejects with the reason of the caller', async () => {
    const world = new World()
    const reason = new Error('enough')
    world.routes.set(`GET ${ISSUER}/.well-known/oauth-authorization-server`, () => new Promise(() => undefined))
    const controller = new AbortController()
    const wait = world.client().fetch(SERVER, { signal: controller.signal })
    await world.until(() => world.seen.length === 3)
    controller.abort(reason)
    await expect(wait).rejects.toBe(reason)
  })
})

describe('401', () => {
  it('R-RETRY-1 one recovery for each request: a second 401 says that the server rejects a fresh token', async () => {
    const world = new World()
    world.accepts = () => false
    await expect(world.client().fetch(SERVER)).rejects.toMatchObject({
      code: 'fresh_token_rejected',
      detail: { oauthError: 'invalid_token' },
    })
    expect(world.authorizations).toHaveLength(1)
    expect(world.count(GET)).toBe(2)
  })

  it('field T23: the rejected fresh token costs one request each from then on, no refresh and no login', async () => {
    const world = new World()
    world.accepts = () => false
    const { fetch } = world.client()
    for (let call = 0; call < 4; call++) {
      await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'fresh_token_rejected' })
    }
    expect([world.authorizations.length, world.refreshes.length, world.count(GET)]).toEqual([1, 0, 5])
    world.accepts = token => world.live.has(token)
    expect((await fetch(SERVER)).status).toBe(200)
  })

  it('R-RETRY-1 adopting a newer token uses up no mark', async () => {
    const world = new World()
    const mine = world.client()
    await mine.fetch(SERVER)
    world.revokeAccessTokens()
    await world.client().fetch(SERVER)
    world.revokeAccessTokens()
    expect((await mine.fetch(SERVER)).status).toBe(200)
    expect(world.refreshes).toHaveLength(2)
    expect(world.authorizations).toHaveLength(1)
  })

  it('R-RETRY-1 a store with a newer token every time does not keep a request going', async () => {
    const { world, fetch } = await loggedIn()
    const { get } = world.store
    let reads = 0
    world.store.get = async key => {
      const found = await get(key)
      const grant = found?.record.issuers[ISSUER]?.grant
      if (!found || !grant) return found
      const issuers = {
        [ISSUER]: { ...found.record.issuers[ISSUER], grant: { ...grant, accessToken: `other-${++reads}` } },
      }
      return { ...found, record: { ...found.record, issuers } }
    }
    world.accepts = () => false
    world.routes.set(GET, () => {
      // Ends the loop that the rule forbids.
      if (world.count(GET) > 20) throw new Error('endless')
      return undefined
    })
    await expect(fetch(SERVER)).rejects.toMatchObject({ name: 'OAuthError' })
    expect(world.count(GET)).toBeLessThan(8)
  })

  it('R-RETRY-1 one 401 recovery and one step-up in the same request', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a"'
    let answers = 0
    world.routes.set(GET, ({ headers }) =>
      headers.has('authorization') && answers++ === 0 ? insufficient('b') : undefined,
    )
    expect((await world.client().fetch(SERVER)).status).toBe(200)
    expect(world.authorizations).toHaveLength(2)
  })

  it('R-RETRY-1 three interactive attempts for an operation, then no more for ten minutes', async () => {
    const world = new World()
    world.consent = () => ({ error: 'access_denied' })
    const { fetch } = world.client()
    const codes: string[] = []
    const call = async (): Promise<void> => {
      codes.push(
        await fetch(SERVER, { method: 'POST', headers: { 'mcp-method': 'tools/call', 'mcp-name': 'x' } }).then(
          String,
          error => error.code,
        ),
      )
    }
    for (let count = 0; count < 5; count++) await call()
    expect(codes).toEqual([
      ...Array.from({ length: 3 }, () => 'authorization_refused'),
      'too_many_attempts',
      'too_many_attempts',
    ])
    expect(world.authorizations).toHaveLength(3)
    world.now += 600_000
    await call()
    expect(world.authorizations).toHaveLength(4)
  })

  it('R-RETRY-1 the budget is per operation, and success gives it back', async () => {
    const world = new World()
    world.givesRefreshToken = false
    const { fetch } = world.client()
    for (let count = 0; count < 5; count++) {
      world.revokeAccessTokens()
      expect((await fetch(SERVER)).status).toBe(200)
    }
    expect(world.authorizations).toHaveLength(5)
  })

  it('R-RETRY-1 an attempt that never reached a person does not count', async () => {
    const world = new World()
    const metadata = `GET ${ISSUER}/.well-known/oauth-authorization-server`
    world.routes.set(metadata, () => new Response('', { status: 503 }))
    const { fetch } = world.client()
    for (let count = 0; count < 5; count++) {
      await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'discovery_unavailable' })
    }
    world.routes.delete(metadata)
    expect((await fetch(SERVER)).status).toBe(200)
  })

  it('R-REFRESH-4 a network fault never becomes a login prompt', async () => {
    const { world, fetch } = await loggedIn()
    world.routes.set(GET, () => Promise.reject(new TypeError('fetch failed')))
    await expect(fetch(SERVER)).rejects.toThrow('fetch failed')
    expect(world.authorizations).toHaveLength(0)
  })
})

describe('403 and step-up', () => {
  it.each([
    '',
    'Bearer error="invalid_token"',
    'Bearer error="Insufficient_scope"',
    'Basic error="insufficient_scope"',
  ])(
    'R-RETRY-2 a 403 with a token and the challenge "%s" is returned unchanged with no authorization traffic',
    async challenge => {
      const { world, fetch } = await loggedIn()
      world.routes.set(
        GET,
        () => new Response('no', { status: 403, headers: challenge === '' ? {} : { 'www-authenticate': challenge } }),
      )
      const response = await fetch(SERVER)
      expect([response.status, await response.text()]).toEqual([403, 'no'])
      expect(world.seen).toHaveLength(1)
    },
  )

  it('R-RETRY-3 step-up bypasses refresh, asks for the union, and sends the request once more', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a"'
    const { fetch } = world.client()
    await fetch(SERVER)
    world.routes.set(POST, () => (world.authorizations.length < 2 ? insufficient('b c') : undefined))
    expect((await fetch(SERVER, { method: 'POST', body: '{}' })).status).toBe(200)
    expect(world.authorizations[1]?.url.searchParams.get('scope')).toBe('a b c')
    expect([world.refreshes.length, world.count(POST)]).toEqual([0, 2])
    expect(world.events).toContainEqual({ type: 'stepUp', issuer: ISSUER, scope: 'a b c' })
  })

  it('field S2: two operations that need different scopes do not push each other out', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="base"'
    const { session, fetch } = world.client()
    await fetch(SERVER)
    const needs = new Map([
      ['read', 'files:read'],
      ['write', 'files:write'],
    ])
    world.routes.set(POST, async ({ headers }) => {
      const needed = needs.get(headers.get('mcp-name') ?? '') ?? ''
      const { scope = '' } = await session.status()
      return scope.split(' ').includes(needed) ? undefined : insufficient(needed)
    })
    const call = (name: string): Promise<Response> =>
      fetch(SERVER, { method: 'POST', body: '{}', headers: { 'mcp-method': 'tools/call', 'mcp-name': name } })
    for (const name of ['read', 'write', 'read', 'write']) expect((await call(name)).status).toBe(200)
    expect(world.authorizations).toHaveLength(3)
  })

  it('concurrent step-ups for different scopes wait for each other, and each request gets its own', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="base"'
    const { session, fetch } = world.client()
    await fetch(SERVER)
    world.routes.set(POST, async ({ headers }) => {
      const needed = headers.get('mcp-name') ?? ''
      const { scope = '' } = await session.status()
      return scope.split(' ').includes(needed) ? undefined : insufficient(needed)
    })
    const responses = await Promise.all(
      ['one', 'two'].map(name =>
        fetch(SERVER, { method: 'POST', body: '{}', headers: { 'mcp-method': 'x', 'mcp-name': name } }),
      ),
    )
    expect(responses.map(({ status }) => status)).toEqual([200, 200])
    expect((await session.status()).scope?.split(' ').sort()).toEqual(['base', 'one', 'two'])
  })

  it('R-RETRY-1 a step-up that had to wait for the login of another request has its own try left', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="base"'
    const { session, fetch } = world.client()
    await fetch(SERVER)
    world.routes.set(POST, async ({ body }) => {
      const { scope = '' } = await session.status()
      return scope.split(' ').includes(body) ? undefined : insufficient(body)
    })
    const { compareAndSet } = world.store
    world.store.compareAndSet = async (key, version, record) => {
      // The store is slow with what the second request writes down: the login of the first has begun meanwhile.
      if (record.issuers[ISSUER]?.knownScope === 'base two') await world.until(() => world.authorizations.length === 2)
      return compareAndSet(key, version, record)
    }
    const call = (body: string): Promise<Response> => fetch(SERVER, { method: 'POST', body })
    world.routes.set(`GET ${ISSUER}/authorize`, async () => {
      await world.settle()
      return undefined
    })
    const [first, second] = await Promise.all([call('one'), call('two')])
    expect([first.status, second.status]).toEqual([200, 200])
    expect(world.authorizations).toHaveLength(3)
    expect((await session.status()).scope?.split(' ').sort()).toEqual(['base', 'one', 'two'])
  })

  it('R-RETRY-4 a challenge repeated after the step-up is final', async () => {
    const { world, fetch } = await loggedIn()
    world.tokenResponse = { expires_in: 3600, scope: 'a' }
    world.routes.set(GET, () => insufficient('b'))
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'step_up_failed' })
    expect(world.authorizations).toHaveLength(1)
  })

  it('R-RETRY-4 a scope that a step-up asked for and did not get is not asked for again, whatever succeeds in between', async () => {
    const { world, fetch } = await loggedIn()
    world.tokenResponse = { expires_in: 3600, scope: 'read' }
    world.routes.set(POST, ({ body }) => (body === 'read' ? undefined : insufficient(body)))
    const call = (body: string): Promise<unknown> =>
      fetch(SERVER, { method: 'POST', body }).catch((error: { code: string }) => error.code)
    const before = world.authorizations.length
    for (let round = 0; round < 4; round++) {
      expect(await call('write')).toBe('step_up_failed')
      await call('read')
    }
    expect(world.authorizations).toHaveLength(before + 1)
    await call('write admin')
    expect(world.authorizations).toHaveLength(before + 2)
    world.now += 3_600_000
    expect(await call('write')).toBe('step_up_failed')
    expect([world.refreshes.length, world.authorizations.length]).toEqual([1, before + 2])
  })

  it('R-SCOPE-8 a server that names other scopes every time does not fill the store', async () => {
    const { world } = await loggedIn()
    const { fetch } = world.client({ interactive: false })
    let count = 0
    world.routes.set(GET, () => insufficient(`scope-${count++}-${'x'.repeat(500)}`))
    const codes = new Set<string>()
    for (let call = 0; call < 40; call++) await fetch(SERVER).catch((error: { code: string }) => codes.add(error.code))
    const { record } = (await world.store.get({ server: SERVER, profile: 'default' }))!
    expect(record.issuers[ISSUER]?.knownScope?.length).toBeLessThanOrEqual(MAX_KNOWN_SCOPE_LENGTH)
    expect([...codes]).toEqual(['step_up_required', 'step_up_failed'])
  })

  it('R-RETRY-4 field S4: a challenge that names only what is held is final, and the message names it', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a b"'
    const { fetch } = world.client()
    await fetch(SERVER)
    world.routes.set(GET, () => insufficient('b'))
    await expect(fetch(SERVER)).rejects.toMatchObject({
      code: 'step_up_failed',
      detail: { received: expect.stringContaining('a b') },
    })
    expect(world.authorizations).toHaveLength(1)
  })

  it('R-RETRY-4 unless somebody else produced a newer token meanwhile', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a"'
    const mine = world.client()
    await mine.fetch(SERVER)
    const token = tokensSent(world).at(-1)
    world.routes.set(GET, ({ headers }) => (headers.get('authorization') === token ? insufficient('a') : undefined))
    await world.session().login({ force: true })
    expect((await mine.fetch(SERVER)).status).toBe(200)
    expect(world.authorizations).toHaveLength(2)
  })

  it('R-RETRY-4 field S3: where nobody may be asked, step_up_required names the scopes, and the next login asks for them', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a"'
    await world.client().fetch(SERVER)
    world.routes.set(GET, () => insufficient('b'))
    await expect(world.client({ interactive: false }).fetch(SERVER)).rejects.toMatchObject({
      code: 'step_up_required',
      detail: { scope: 'a b' },
    })
    await world.session().login({ force: true })
    expect(world.authorizations[1]?.url.searchParams.get('scope')).toBe('a b')
  })
})

/** Answers 403 to whoever has no token. */
const forbidden: Route = ({ headers }) =>
  headers.has('authorization') ? json({ ok: true }) : new Response('no', { status: 403 })

describe('servers that do not say 401', () => {
  it('field D10: without a token, a 403 leads to a login if metadata is found', async () => {
    const world = new World()
    world.routes.set(GET, forbidden)
    expect((await world.client().fetch(SERVER)).status).toBe(200)
    expect(world.authorizations).toHaveLength(1)
  })

  it('field D10: so does a redirect to a login page elsewhere', async () => {
    const world = new World()
    world.routes.set(GET, ({ headers }) =>
      headers.has('authorization')
        ? undefined
        : new Response('', { status: 302, headers: { location: 'https://sso.example.com/' } }),
    )
    expect((await world.client().fetch(SERVER)).status).toBe(200)
    expect(world.seen.some(({ url }) => url.host === 'sso.example.com')).toBe(false)
  })

  it('field D10: a redirect within the origin is none to a login, and asks nobody', async () => {
    const world = new World()
    const location = new URL('/elsewhere', SERVER).href
    world.routes.set(GET, () => new Response(null, { status: 302, headers: { location } }))
    expect((await world.client().fetch(SERVER)).status).toBe(302)
    expect(world.seen).toHaveLength(1)
  })

  it('field D10: without metadata the answer is returned as it is, and nothing is registered', async () => {
    const world = new World()
    world.routes.set(GET, forbidden)
    world.routes.set('GET https://mcp.example.com/.well-known/oauth-protected-resource/mcp', notFound)
    const response = await world.client().fetch(SERVER)
    expect([response.status, await response.text()]).toEqual([403, 'no'])
    expect(world.seen.some(({ method }) => method === 'POST')).toBe(false)
  })

  it('field D9: a 401 without any challenge is probed', async () => {
    const world = new World()
    world.routes.set(GET, ({ headers }) =>
      headers.has('authorization') ? undefined : new Response('', { status: 401 }),
    )
    expect((await world.client().fetch(SERVER)).status).toBe(200)
  })
})

describe('the wrapped fetch', () => {
  it('is recognised, and knows the grant in use', async () => {
    const world = new World()
    const { session, fetch } = world.client()
    expect([
      isAuthorizedFetch(fetch),
      isAuthorizedFetch(world.fetch),
      isAuthorizedFetch({ authorization: {} }),
    ]).toEqual([true, false, false])
    expect(fetch.authorization.grantId()).toBeUndefined()
    await fetch(SERVER)
    const { grantId } = await session.status()
    expect(fetch.authorization.grantId()).toBe(grantId)
    world.revokeAccessTokens()
    await fetch(SERVER)
    expect(fetch.authorization.grantId()).toBe(grantId)
  })

  it('refuses a session that is not one', () => {
    expect(() => withOAuth(globalThis.fetch, { server: SERVER } as any)).toThrow(
      expect.objectContaining({ code: 'configuration' }),
    )
  })
})
