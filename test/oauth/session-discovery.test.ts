import { describe, expect, it } from 'vitest'
import { createOAuthSession } from '../../src/oauth/session.ts'
import { authorizationCode } from '../../src/oauth/flows/authorization-code.ts'
import { withOAuth } from '../../src/oauth/with-oauth.ts'
import { MAX_AUTHORIZATION_SERVERS } from '../../src/oauth/discovery.ts'
import { ISSUER, json, notFound, OTHER_ISSUER, REDIRECT_URI, SERVER, World } from './world.ts'

const RESOURCE_METADATA = 'GET https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
const metadataOf = (issuer: string): string => `GET ${issuer}/.well-known/oauth-authorization-server`

/** A server that publishes nothing: every well-known URL is a plain 404, and the challenge names none. */
function silentWorld(): World {
  const world = new World()
  world.challenge = 'Bearer realm="mcp"'
  world.routes.set(RESOURCE_METADATA, notFound)
  return world
}

describe('protected resource metadata', () => {
  it('R-PRM-4 chooses the issuer that holds a registration, before the order of the list', async () => {
    const world = new World()
    const { fetch } = world.client()
    await fetch(SERVER)
    world.resourceMetadata = { resource: SERVER, authorization_servers: [OTHER_ISSUER, ISSUER] }
    world.revokeAccessTokens()
    world.refreshTokens.clear()
    await fetch(SERVER)
    expect(world.authorizations.map(({ url }) => url.origin)).toEqual([ISSUER, ISSUER])
  })

  it('R-PRM-4 asks the hook, then takes the first', async () => {
    const world = new World()
    world.resourceMetadata = { resource: SERVER, authorization_servers: [ISSUER, OTHER_ISSUER] }
    await world.client().fetch(SERVER)
    const hooked = new World()
    hooked.resourceMetadata = world.resourceMetadata
    await hooked.client({ preferIssuer: issuers => issuers[1] }).fetch(SERVER)
    expect([world, hooked].map(({ authorizations }) => authorizations[0]?.url.origin)).toEqual([ISSUER, OTHER_ISSUER])
  })

  it('R-PRM-4 fails over to the next issuer when one cannot be discovered', async () => {
    const world = new World()
    world.resourceMetadata = { resource: SERVER, authorization_servers: [ISSUER, OTHER_ISSUER] }
    world.routes.set(metadataOf(ISSUER), notFound)
    expect((await world.client().fetch(SERVER)).status).toBe(200)
    expect(world.authorizations[0]?.url.origin).toBe(OTHER_ISSUER)
  })

  it('R-PRM-4 a list without end is looked at to a limit, from the issuer that holds a registration on', async () => {
    const world = new World()
    await world.client().fetch(SERVER)
    world.routes.clear()
    const many = Array.from({ length: 2_000 }, (_, index) => `https://as${index}.example.net`)
    world.resourceMetadata = { resource: SERVER, authorization_servers: [...many, ISSUER] }
    expect((await world.client().fetch(SERVER)).status).toBe(200)
    const stranger = new World()
    stranger.resourceMetadata = { resource: SERVER, authorization_servers: many }
    await expect(stranger.client().fetch(SERVER)).rejects.toMatchObject({ code: 'discovery_failed' })
    const asked = new Set(stranger.seen.map(({ url }) => url.host).filter(host => host.endsWith('example.net')))
    expect(asked.size).toBe(MAX_AUTHORIZATION_SERVERS)
  })

  it('R-PRM-4 a blip at the issuer that holds the login does not become a login at the next one', async () => {
    const world = new World()
    const { fetch } = world.client()
    await fetch(SERVER)
    world.resourceMetadata = { resource: SERVER, authorization_servers: [ISSUER, OTHER_ISSUER] }
    world.routes.set(metadataOf(ISSUER), () => new Response('', { status: 503 }))
    world.revokeAccessTokens()
    world.now += 700_000
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'discovery_unavailable', retryable: true })
    expect(world.authorizations).toHaveLength(1)
  })

  it('R-PRM-5 starts from the URL as it was at construction', async () => {
    const world = new World()
    const server = new URL(SERVER)
    const session = world.session({ server })
    server.host = 'evil.example.com'
    await withOAuth(world.fetch, session)(SERVER)
    expect(world.seen.some(({ url }) => url.host === 'evil.example.com')).toBe(false)
    expect(session.server).toBe(SERVER)
  })

  it('R-PRM-6 uses authorization server metadata at the MCP origin when there is no resource metadata', async () => {
    const world = silentWorld()
    const origin = 'https://mcp.example.com'
    world.routes.set(metadataOf(origin), () => json({ ...world.metadataOf(ISSUER), issuer: origin }))
    world.consent = () => ({ code: 'code', iss: origin })
    await world.client().fetch(SERVER)
    expect(world.authorizations[0]?.url.searchParams.get('resource')).toBe(SERVER)
    expect(world.tokenRequests).toHaveLength(1)
  })

  it('R-PRM-6 falls back to /authorize, /token and /register only when nothing is published', async () => {
    const world = silentWorld()
    const origin = 'https://mcp.example.com'
    world.routes.set(`POST ${origin}/register`, () => json({ client_id: 'legacy' }, 201))
    world.routes.set(`POST ${origin}/token`, seen => world.token(seen))
    expect((await world.client().fetch(SERVER)).status).toBe(200)
    expect(world.authorizations[0]?.url.origin).toBe(origin)
    expect(world.count(`POST ${origin}/token`)).toBe(1)
  })

  it.each([503, 429])('R-PRM-6 a %d on guessed metadata never becomes the legacy fallback', async status => {
    for (const flaky of [RESOURCE_METADATA, metadataOf('https://mcp.example.com')]) {
      const world = silentWorld()
      world.routes.set(flaky, () => new Response('', { status }))
      await expect(world.client().fetch(SERVER)).rejects.toMatchObject({ code: 'discovery_unavailable' })
      expect(world.seen.some(({ url }) => /^\/(authorize|token|register)$/.test(url.pathname))).toBe(false)
      expect(world.count(flaky)).toBe(3)
      expect(world.slept).toHaveLength(2)
    }
  })

  it('R-ASM-3 a server that asks for a long pause is not waited for', async () => {
    const world = new World()
    const headers = { 'retry-after': '3600' }
    world.routes.set(metadataOf(ISSUER), () => new Response('', { status: 503, headers }))
    await expect(world.client().fetch(SERVER)).rejects.toMatchObject({
      retryable: true,
      detail: { retryAfterMs: 3_600_000 },
    })
    expect(world.slept.filter(ms => ms > 5_000)).toEqual([])
  })

  it('R-PRM-6 a network fault on guessed metadata never becomes the legacy fallback', async () => {
    const world = silentWorld()
    world.routes.set(RESOURCE_METADATA, () => Promise.reject(new TypeError('fetch failed')))
    await expect(world.client().fetch(SERVER)).rejects.toMatchObject({ code: 'network', retryable: true })
    expect(world.authorizations).toHaveLength(0)
  })

  it('R-PRM-6 a server that names its own origin as authorization server must publish its metadata', async () => {
    const world = new World()
    world.resourceMetadata = { resource: SERVER, authorization_servers: [new URL(SERVER).origin] }
    await expect(world.client().fetch(SERVER)).rejects.toMatchObject({ code: 'discovery_failed' })
    expect(world.seen.some(({ url }) => /^\/(authorize|token|register)$/.test(url.pathname))).toBe(false)
  })

  it('R-PRM-6 what another issuer gave never goes to the fallback endpoints when its metadata is gone', async () => {
    const world = new World()
    const { session, fetch } = world.client()
    await fetch(SERVER)
    const begun = await session.beginLogin({ redirectUri: REDIRECT_URI })
    const answer = await world.approve(begun.url)
    world.seen.length = 0
    world.challenge = 'Bearer'
    world.revokeAccessTokens()
    world.routes.set(RESOURCE_METADATA, notFound)
    world.routes.set(metadataOf(ISSUER), notFound)
    const restarted = world.client()
    await expect(restarted.fetch(SERVER)).rejects.toMatchObject({ code: 'discovery_failed' })
    await expect(restarted.session.finishLogin(answer)).rejects.toMatchObject({ code: 'discovery_failed' })
    const { revocations } = await restarted.session.logout()
    expect(revocations.map(({ ok }) => ok)).toEqual([false, false])
    expect(world.seen.filter(({ body }) => /refresh-\d|code-\d|access-\d/.test(body))).toEqual([])
  })

  it('R-PRM-2 a named document that redirects elsewhere is an error, and never the fallback', async () => {
    const world = new World()
    const location = 'https://elsewhere.example.net/'
    world.routes.set(RESOURCE_METADATA, () => new Response(null, { status: 302, headers: { location } }))
    await expect(world.client().fetch(SERVER)).rejects.toMatchObject({ code: 'redirect_refused' })
    expect(world.seen.some(({ url }) => /^\/(authorize|token|register)$/.test(url.pathname))).toBe(false)
  })

  it('R-PRM-5 the question how the server asks for authorization follows no redirect', async () => {
    const world = new World()
    const modes: unknown[] = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      if (input === SERVER) modes.push(init?.redirect)
      return world.fetch(input, init)
    }
    await world.session({ fetch }).login()
    expect(modes).toEqual(['manual'])
  })

  it('R-PRM-6 a malformed document never becomes the legacy fallback', async () => {
    const world = silentWorld()
    world.routes.set(RESOURCE_METADATA, () => json({ resource: 'no url' }))
    await expect(world.client().fetch(SERVER)).rejects.toMatchObject({ code: 'resource_metadata_invalid' })
    expect(world.seen.some(({ url }) => url.pathname === '/register')).toBe(false)
  })

  it('field D7: says "probably wants an API key" when a 401 leads to no metadata and no registration', async () => {
    const world = silentWorld()
    await expect(world.client().fetch(SERVER)).rejects.toMatchObject({
      code: 'discovery_failed',
      detail: { hint: expect.stringContaining('API key') },
    })
  })

  it('field D7: login at a server that asks for nothing says that it seems to need no login', async () => {
    const world = silentWorld()
    world.accepts = () => true
    world.routes.set(`POST ${SERVER}`, () => json({}))
    await expect(world.session().login()).rejects.toMatchObject({
      code: 'discovery_failed',
      detail: { hint: expect.stringContaining('no login') },
    })
    expect(world.seen.some(({ url }) => url.pathname === '/register')).toBe(false)
  })
})

describe('the metadata cache', () => {
  it('R-ASM-6 reads a document once within its lifetime and again after it', async () => {
    const world = new World()
    world.tokenResponse = { expires_in: 100 }
    const { session, fetch } = world.client()
    await fetch(SERVER)
    const before = world.count(metadataOf(ISSUER))
    world.now += 95_000
    await session.accessToken()
    expect(world.refreshes).toHaveLength(1)
    expect(world.count(metadataOf(ISSUER))).toBe(before)
    world.now += 600_000
    await session.accessToken()
    expect(world.refreshes).toHaveLength(2)
    expect(world.count(metadataOf(ISSUER))).toBe(before + 1)
  })

  it.each([
    ['invalid_client', () => json({ error: 'invalid_client' }, 401)],
    ['404', notFound],
  ])('R-ASM-6 field D20: %s of the token endpoint drops what was read about the issuer', async (_, answer) => {
    const world = new World()
    const { session, fetch } = world.client({}, { client: { clientId: 'mine', clientSecret: 'hush' } })
    world.tokenResponse = { expires_in: 100 }
    await fetch(SERVER)
    world.now += 101_000
    const before = world.count(metadataOf(ISSUER))
    world.routes.set(`POST ${ISSUER}/token`, answer)
    await expect(session.accessToken()).rejects.toThrow()
    expect(world.count(metadataOf(ISSUER))).toBe(before)
    world.routes.clear()
    world.now += 60_000
    expect(await session.accessToken()).toMatch(/^access-/)
    expect(world.count(metadataOf(ISSUER))).toBe(before + 1)
  })

  it('R-ASM-6 a login that is begun goes by nothing that was read before', async () => {
    const world = new World()
    const { session, fetch } = world.client()
    await fetch(SERVER)
    world.serverMetadata = { authorization_endpoint: `${ISSUER}/moved` }
    const { url } = await session.beginLogin({ redirectUri: REDIRECT_URI })
    expect(url.pathname).toBe('/moved')
  })

  it('R-ASM-6 a clock that is set back does not prolong the life of what was read', async () => {
    const world = new World()
    world.tokenResponse = { expires_in: 100 }
    const { fetch } = world.client()
    await fetch(SERVER)
    const before = world.count(metadataOf(ISSUER))
    world.now -= 700_000
    world.revokeAccessTokens()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.count(metadataOf(ISSUER))).toBe(before + 1)
  })

  it('R-ASM-6 a 401 reads the resource metadata again', async () => {
    const world = new World()
    const { fetch } = world.client()
    await fetch(SERVER)
    world.revokeAccessTokens()
    await fetch(SERVER)
    expect(world.refreshes).toHaveLength(1)
    expect(world.count(RESOURCE_METADATA)).toBe(2)
  })

  it('R-ASM-6 a challenge that names another document is followed', async () => {
    const world = new World()
    const { fetch } = world.client()
    await fetch(SERVER)
    const moved = 'https://mcp.example.com/moved.json'
    world.routes.set(`GET ${moved}`, () => json(world.resourceMetadata))
    world.challenge = `Bearer resource_metadata="${moved}"`
    world.revokeAccessTokens()
    await fetch(SERVER)
    expect(world.count(`GET ${moved}`)).toBe(1)
    expect(world.count(RESOURCE_METADATA)).toBe(1)
  })

  it.each([
    ['404', () => new Response('gone', { status: 404 })],
    ['invalid_client', () => json({ error: 'invalid_client' }, 401)],
  ])('R-ASM-6 a %s of the token endpoint drops what was read about the server', async (_, answer) => {
    const world = new World()
    const { session, fetch } = world.client()
    await fetch(SERVER)
    const before = world.count(metadataOf(ISSUER))
    world.routes.set(`POST ${ISSUER}/token`, answer)
    world.now += 3_650_000
    await expect(session.accessToken()).rejects.toThrow()
    const read = world.count(metadataOf(ISSUER))
    world.routes.delete(`POST ${ISSUER}/token`)
    world.now += 120_000
    await session.accessToken().catch(() => session.login())
    expect(read).toBe(before + 1)
    expect(world.count(metadataOf(ISSUER))).toBeGreaterThan(read)
  })

  it('R-ASM-6 a token rejected although fresh drops everything', async () => {
    const world = new World()
    const { fetch } = world.client()
    world.accepts = () => false
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'fresh_token_rejected' })
    world.accepts = token => world.live.has(token)
    await fetch(SERVER)
    world.now += 3_599_000
    const before = world.count(metadataOf(ISSUER))
    await fetch(SERVER)
    expect(world.count(metadataOf(ISSUER))).toBe(before + 1)
  })
})

describe('exceptions', () => {
  const exception = { issuer: ISSUER, resource: 'omit', reason: 'knows no resource', since: '2026-01-01' } as const

  it('R-EXC-1 is announced at login, shown by status, and applied to authorization, token and refresh requests alike', async () => {
    const world = new World()
    const { session, fetch } = world.client({ issuerExceptions: [exception] })
    await fetch(SERVER)
    world.revokeAccessTokens()
    await fetch(SERVER)
    expect(world.events).toContainEqual({
      type: 'exception',
      issuer: ISSUER,
      exception: 'knows no resource',
      source: 'configuration',
    })
    expect((await session.status()).exceptions).toEqual(['knows no resource'])
    expect(world.authorizations[0]?.url.searchParams.has('resource')).toBe(false)
    expect(world.tokenRequests.map(({ form }) => form.has('resource'))).toEqual([false, false])
  })

  it('R-EXC-1 never widens to another issuer', async () => {
    const world = new World()
    world.resourceMetadata = { resource: SERVER, authorization_servers: [OTHER_ISSUER] }
    const { session, fetch } = world.client({ issuerExceptions: [exception] })
    await fetch(SERVER)
    expect(world.authorizations[0]?.url.searchParams.get('resource')).toBe(SERVER)
    expect((await session.status()).exceptions).toBeUndefined()
  })

  it('R-EXC-1 takes the exact other issuer of an exception, and only that', async () => {
    const world = new World()
    world.serverMetadata = { issuer: 'https://renamed.example.com' }
    world.consent = () => ({ code: 'code', iss: 'https://renamed.example.com' })
    await expect(world.client().fetch(SERVER)).rejects.toMatchObject({ code: 'issuer_mismatch' })
    expect(world.authorizations).toHaveLength(0)
    const trustedIssuer = 'https://renamed.example.com'
    const trusting = world.client({
      issuerExceptions: [{ issuer: ISSUER, trustedIssuer, reason: 'renamed', since: '2026-01-01' }],
    })
    expect((await trusting.fetch(SERVER)).status).toBe(200)
  })

  it('R-ASM-3 field D2: a document of another issuer at the first place does not hide the right one at the next', async () => {
    const world = new World()
    world.routes.set(`GET ${ISSUER}/.well-known/oauth-authorization-server`, () =>
      json({ issuer: OTHER_ISSUER, token_endpoint: `${OTHER_ISSUER}/token` }),
    )
    world.routes.set(`GET ${ISSUER}/.well-known/openid-configuration`, () =>
      json({
        issuer: ISSUER,
        authorization_endpoint: `${ISSUER}/authorize`,
        token_endpoint: `${ISSUER}/token`,
        registration_endpoint: `${ISSUER}/register`,
        code_challenge_methods_supported: ['S256'],
      }),
    )
    expect((await world.client().fetch(SERVER)).status).toBe(200)
    expect(world.seen.some(({ url, method }) => method === 'POST' && url.origin === OTHER_ISSUER)).toBe(false)
  })

  it('R-EXC-1 an exception does no harm once the provider states its own issuer again', async () => {
    const world = new World()
    world.serverMetadata = { issuer: ISSUER }
    world.consent = () => ({ code: 'code', iss: ISSUER })
    const trusting = world.client({
      issuerExceptions: [
        { issuer: ISSUER, trustedIssuer: 'https://renamed.example.com', reason: 'renamed', since: '2026-01-01' },
      ],
    })
    expect((await trusting.fetch(SERVER)).status).toBe(200)
  })
})

it('refuses a server URL that cannot be one, before anything is sent', () => {
  expect(() => createOAuthSession({ server: 'ftp://mcp.example.com', grant: authorizationCode() })).toThrow(
    expect.objectContaining({ code: 'configuration' }),
  )
})
