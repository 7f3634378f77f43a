import { describe, expect, it } from 'vitest'
import { ISSUER, json, OTHER_ISSUER, REDIRECT_URI, SERVER, World } from './world.ts'

const DOCUMENT = 'https://client.example.com/client.json'
const REGISTER = `POST ${ISSUER}/register`
const clientIds = (world: World): (string | null)[] =>
  world.authorizations.map(({ url }) => url.searchParams.get('client_id'))

describe('the order of client identities', () => {
  it('R-REG-1 a pre-registered client wins over a stored one, a document and registration', async () => {
    const world = new World()
    world.serverMetadata = { client_id_metadata_document_supported: true }
    await world.client().fetch(SERVER)
    await world.client({}, { client: { clientId: 'mine' }, clientMetadataUrl: DOCUMENT }).session.login({ force: true })
    expect(clientIds(world)[1]).toBe('mine')
    expect(world.count(REGISTER)).toBe(1)
  })

  it('R-REG-1 a stored registration wins over a document, and is not registered again', async () => {
    const world = new World()
    await world.client().fetch(SERVER)
    world.serverMetadata = { client_id_metadata_document_supported: true }
    await world.client({}, { clientMetadataUrl: DOCUMENT }).session.login({ force: true })
    expect(clientIds(world)[1]).toBe(clientIds(world)[0])
    expect(world.count(REGISTER)).toBe(1)
  })

  it('R-REG-1 a document wins over registration', async () => {
    const world = new World()
    world.serverMetadata = { client_id_metadata_document_supported: true }
    await world.client({}, { clientMetadataUrl: DOCUMENT }).fetch(SERVER)
    expect(clientIds(world)).toEqual([DOCUMENT])
    expect(world.count(REGISTER)).toBe(0)
  })

  it('R-REG-1 with no way left, names the redirect URI a person must register', async () => {
    const world = new World()
    world.serverMetadata = { registration_endpoint: undefined }
    await expect(world.client().fetch(SERVER)).rejects.toMatchObject({
      code: 'registration_required',
      detail: { hint: expect.stringContaining(REDIRECT_URI) },
    })
    expect(world.authorizations).toHaveLength(0)
  })

  it('R-REG-1 sends a pre-registered secret by the advertised method, on refresh too', async () => {
    const world = new World()
    world.serverMetadata = { token_endpoint_auth_methods_supported: ['client_secret_post'] }
    world.routes.set(`POST ${ISSUER}/token`, seen =>
      seen.form.get('client_secret') === 'hush' ? undefined : json({ error: 'invalid_client' }, 401),
    )
    const { fetch } = world.client({}, { client: { clientId: 'mine', clientSecret: 'hush' } })
    await fetch(SERVER)
    world.revokeAccessTokens()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.tokenRequests).toHaveLength(2)
  })

  it('R-REG-1 field T4: after a restart the secret given at the login serves a session that only names the client', async () => {
    const world = new World()
    world.serverMetadata = { token_endpoint_auth_methods_supported: ['client_secret_post'] }
    await world.client({}, { client: { clientId: 'mine', clientSecret: 'hush' } }).fetch(SERVER)
    const sent = (): (string | null)[] => world.refreshes.map(({ form }) => form.get('client_secret'))
    world.now += 4_000_000
    expect(await world.session({}, { client: { clientId: 'mine' } }).accessToken()).toMatch(/^access-/)
    world.now += 4_000_000
    expect(await world.session().accessToken()).toMatch(/^access-/)
    world.now += 4_000_000
    const rotated = world.session({}, { client: { clientId: 'mine', clientSecret: 'rotated' } })
    expect(await rotated.accessToken()).toMatch(/^access-/)
    world.now += 4_000_000
    expect(await world.session().accessToken()).toMatch(/^access-/)
    expect(sent()).toEqual(['hush', 'hush', 'rotated', 'rotated'])
  })

  it('field D19: tokens of another client than the configured one are not used', async () => {
    const world = new World()
    await world.client().fetch(SERVER)
    const { fetch } = world.client({}, { client: { clientId: 'mine' } })
    await fetch(SERVER)
    expect(world.to(`GET ${SERVER}`).map(({ headers }) => headers.get('authorization'))).toEqual([
      null,
      expect.stringContaining('Bearer'),
      null,
      expect.stringContaining('Bearer'),
    ])
    expect(clientIds(world)[1]).toBe('mine')
  })
})

describe('client-id metadata documents', () => {
  it('R-CIMD-3 is never stored, and each flow decides anew', async () => {
    const world = new World()
    world.serverMetadata = { client_id_metadata_document_supported: true }
    const { session, fetch } = world.client({}, { clientMetadataUrl: DOCUMENT })
    await fetch(SERVER)
    const stored = await world.store.get({ server: SERVER, profile: 'default' })
    expect(JSON.stringify(stored)).not.toContain(DOCUMENT)
    expect((await session.status()).registration).toBe('client-id-metadata-document')
    world.serverMetadata = {}
    await session.login({ force: true })
    expect(clientIds(world)).toEqual([DOCUMENT, expect.stringMatching(/^client-/)])
  })

  it('R-CIMD-4 a registered client whose id merely looks like a URL is refreshed as what it is', async () => {
    const world = new World()
    const urlId = 'https://as.example.com/clients/7'
    world.routes.set(REGISTER, () => json({ client_id: urlId, token_endpoint_auth_method: 'none' }, 201))
    const { session, fetch } = world.client({}, { clientMetadataUrl: DOCUMENT })
    await fetch(SERVER)
    world.serverMetadata = { client_id_metadata_document_supported: true }
    world.revokeAccessTokens()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.refreshes[0]?.form.get('client_id')).toBe(urlId)
    expect((await session.status()).registration).toBe('dynamic')
  })

  it.each([
    ['the token endpoint', (world: World): void => rejectAtToken(world)],
    ['the authorization endpoint', (world: World): void => rejectAtAuthorization(world)],
  ])('R-CIMD-7 rejected at %s, falls back to registration once and remembers it', async (_, reject) => {
    const world = new World()
    world.serverMetadata = { client_id_metadata_document_supported: true }
    reject(world)
    const { session, fetch } = world.client({}, { clientMetadataUrl: DOCUMENT })
    expect((await fetch(SERVER)).status).toBe(200)
    expect(clientIds(world)).toEqual([DOCUMENT, expect.stringMatching(/^client-/)])
    await session.logout({ client: false })
    await session.login()
    expect(clientIds(world)[2]).toBe(clientIds(world)[1])
  })

  it('R-REFRESH-6 a login as a document does not inherit the registration that was there before', async () => {
    const world = new World()
    await world.client().fetch(SERVER)
    world.serverMetadata = { client_id_metadata_document_supported: true }
    world.port++
    const { session } = world.client({}, { clientMetadataUrl: DOCUMENT })
    await session.login({ force: true })
    world.now += 4_000_000
    expect(await session.accessToken()).toMatch(/^access-/)
    expect(world.refreshes.map(({ form }) => form.get('client_id'))).toEqual([DOCUMENT])
    expect(await session.status()).toMatchObject({ clientId: DOCUMENT, registration: 'client-id-metadata-document' })
  })

  it('R-CIMD-7 what is refused as a registered client does not count against the document', async () => {
    const world = new World()
    await world.client().fetch(SERVER)
    const [registered] = clientIds(world)
    world.serverMetadata = { client_id_metadata_document_supported: true }
    world.routes.set(`POST ${ISSUER}/token`, ({ form }) =>
      form.get('client_id') === registered ? json({ error: 'invalid_client' }, 401) : undefined,
    )
    await world.client({}, { clientMetadataUrl: DOCUMENT }).session.login({ force: true })
    expect(clientIds(world)).toEqual([registered, registered, DOCUMENT])
  })

  it('R-ISS-BIND a configured client that is refused stays bound to its issuer', async () => {
    const world = new World()
    const client = { clientId: 'mine', clientSecret: 'hush' }
    await world.client({}, { client }).fetch(SERVER)
    world.routes.set(`POST ${ISSUER}/token`, () => json({ error: 'invalid_client' }, 401))
    const { session } = world.client({}, { client })
    await expect(session.login({ force: true })).rejects.toMatchObject({ code: 'token_refused' })
    expect(world.authorizations).toHaveLength(2)
    world.resourceMetadata = { resource: SERVER, authorization_servers: [OTHER_ISSUER] }
    await expect(session.login({ force: true })).rejects.toMatchObject({ code: 'registration_issuer_changed' })
    expect(world.seen.some(({ url, body }) => url.origin === OTHER_ISSUER && body !== '')).toBe(false)
  })

  it('R-REFRESH-7 a document that is no longer advertised is a configuration error that says so', async () => {
    const world = new World()
    world.serverMetadata = { client_id_metadata_document_supported: true }
    const { session, fetch } = world.client({}, { clientMetadataUrl: DOCUMENT })
    await fetch(SERVER)
    world.serverMetadata = {}
    world.now += 4_000_000
    await expect(session.accessToken()).rejects.toMatchObject({
      code: 'login_required',
      message: expect.stringContaining('no longer accepts client-id metadata documents'),
      cause: { code: 'configuration' },
    })
    expect(world.refreshes).toHaveLength(0)
  })

  it('R-REFRESH-7 a login whose client is not known here says "no client information"', async () => {
    const world = new World()
    world.serverMetadata = { client_id_metadata_document_supported: true }
    await world.client({}, { clientMetadataUrl: DOCUMENT }).fetch(SERVER)
    world.now += 4_000_000
    await expect(world.session().accessToken()).rejects.toMatchObject({
      message: expect.stringContaining('no client information'),
    })
  })

  it('R-REFRESH-7 a login without a refresh token needs a new one when it ends', async () => {
    const world = new World()
    world.givesRefreshToken = false
    const { session, fetch } = world.client({ interactive: true })
    await fetch(SERVER)
    world.now += 4_000_000
    await expect(session.accessToken()).rejects.toMatchObject({ code: 'login_required' })
    expect(world.authorizations).toHaveLength(1)
  })
})

function rejectAtToken(world: World): void {
  world.routes.set(`POST ${ISSUER}/token`, ({ form }) =>
    form.get('client_id') === DOCUMENT ? json({ error: 'invalid_client' }, 400) : undefined,
  )
}

function rejectAtAuthorization(world: World): void {
  const consent = world.consent
  world.consent = url =>
    url.searchParams.get('client_id') === DOCUMENT ? { error: 'unauthorized_client' } : consent(url)
}

describe('registrations and the tokens they belong to', () => {
  it('R-DCR-4 the stored redirect URI is what the authorizer is asked to bind', async () => {
    const world = new World()
    await world.client().fetch(SERVER)
    let preferred: readonly string[] | undefined
    const { prepare } = world.authorizer
    const authorizer = {
      prepare: (options: Parameters<typeof prepare>[0]) => {
        preferred = options.preferredRedirectUris
        return prepare(options)
      },
    }
    await world.client({}, { authorizer }).session.login({ force: true })
    expect(preferred).toEqual([REDIRECT_URI])
    expect(world.count(REGISTER)).toBe(1)
  })

  it('R-DCR-4 two pending logins, the second denied, and the first grant still refreshes with its own client', async () => {
    const world = new World()
    const { session } = world.client()
    const first = await session.beginLogin({ redirectUri: REDIRECT_URI })
    const second = await session.beginLogin({ redirectUri: 'https://web.example.com/callback' })
    await session.finishLogin(await world.approve(first.url))
    world.consent = () => ({ error: 'access_denied' })
    await expect(session.finishLogin(await world.approve(second.url))).rejects.toMatchObject({
      code: 'authorization_refused',
      detail: { oauthError: 'access_denied' },
    })
    world.now += 3_599_000
    await session.accessToken()
    const [one, two] = clientIds(world)
    expect(one).not.toBe(two)
    expect(world.refreshes[0]?.form.get('client_id')).toBe(one)
  })

  it.each(['denied', 'abandoned'])(
    'R-DCR-4 tokens keep their client while another login is pending, and after it is %s',
    async end => {
      const world = new World()
      const { session, fetch } = world.client()
      await fetch(SERVER)
      const begun = await session.beginLogin({ redirectUri: 'https://web.example.com/callback' })
      expect(world.count(REGISTER)).toBe(2)
      world.consent = () => ({ error: 'access_denied' })
      if (end === 'denied') await expect(session.finishLogin(await world.approve(begun.url))).rejects.toThrow()
      world.now += 3_599_000
      await session.accessToken()
      expect(world.refreshes[0]?.form.get('client_id')).toBe(clientIds(world)[0])
    },
  )

  it('R-DCR-4 a new registration replaces the old one together with its tokens when its login completes', async () => {
    const world = new World()
    const { session, fetch } = world.client()
    await fetch(SERVER)
    world.port = 9999
    await session.login({ force: true })
    const [one, two] = clientIds(world)
    expect(two).not.toBe(one)
    expect(await session.status()).toMatchObject({ clientId: two })
    world.now += 3_599_000
    await session.accessToken()
    expect(world.refreshes[0]?.form.get('client_id')).toBe(two)
    expect(world.events).toContainEqual(
      expect.objectContaining({ type: 'registered', reason: expect.stringContaining('9999') }),
    )
  })

  it('R-DCR-4 an expired secret is a reason to register again', async () => {
    const world = new World()
    const expiry = world.now / 1000 + 5000
    world.routes.set(REGISTER, () =>
      json(
        {
          client_id: 'c',
          client_secret: 's',
          client_secret_expires_at: expiry,
          token_endpoint_auth_method: 'client_secret_post',
        },
        201,
      ),
    )
    const { session, fetch } = world.client()
    await fetch(SERVER)
    world.now += 6_000_000
    await session.login({ force: true })
    expect(world.count(REGISTER)).toBe(2)
  })

  it('R-DCR-4 where a client may ask for its registered scope only, a step-up registers anew and the old tokens keep their client until then', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a"'
    world.serverMetadata = { scopes_supported: ['a', 'b', 'offline_access'] }
    const registered = new Map<string, string>()
    world.routes.set(REGISTER, ({ body }) => {
      const { scope } = JSON.parse(body) as { scope: string }
      registered.set(`c${registered.size}`, scope)
      return json({ client_id: `c${registered.size - 1}`, token_endpoint_auth_method: 'none' }, 201)
    })
    const { consent } = world
    world.consent = url => {
      const [client, scope] = [url.searchParams.get('client_id') ?? '', url.searchParams.get('scope') ?? '']
      const allowed = registered.get(client)?.split(' ') ?? []
      return scope.split(' ').every(each => allowed.includes(each)) ? consent(url) : { error: 'invalid_scope' }
    }
    const { session, fetch } = world.client()
    await fetch(SERVER)
    world.routes.set(`POST ${SERVER}`, async () => {
      const { scope = '' } = await session.status()
      const challenge = 'Bearer error="insufficient_scope", scope="b"'
      return scope.includes('b')
        ? undefined
        : new Response('', { status: 403, headers: { 'www-authenticate': challenge } })
    })
    expect((await fetch(SERVER, { method: 'POST' })).status).toBe(200)
    expect([...registered.values()]).toEqual(['a offline_access', 'a offline_access b'])
    expect(clientIds(world)).toEqual(['c0', 'c0', 'c1'])
    world.now += 3_599_000
    await session.accessToken()
    expect(world.refreshes.map(({ form }) => form.get('client_id'))).toEqual(['c1'])
  })

  it('R-DCR-4 an abandoned first login does not register again', async () => {
    const world = new World()
    const { session } = world.client()
    await session.beginLogin({ redirectUri: REDIRECT_URI })
    await session.beginLogin({ redirectUri: REDIRECT_URI })
    expect(world.count(REGISTER)).toBe(1)
  })

  it('field R9: a registration refused with 400 is tried once more with the minimal body', async () => {
    const world = new World()
    world.routes.set(REGISTER, ({ body }) =>
      'application_type' in (JSON.parse(body) as object) ? json({ error: 'invalid_client_metadata' }, 400) : undefined,
    )
    expect((await world.client().fetch(SERVER)).status).toBe(200)
    expect(world.count(REGISTER)).toBe(2)
  })
})

describe('credentials are bound to their issuer', () => {
  it('R-ISS-BIND another issuer in the metadata means a new registration there, and nothing of the old one is sent', async () => {
    const world = new World()
    const { session, fetch } = world.client()
    await fetch(SERVER)
    const old = clientIds(world)[0] ?? ''
    world.resourceMetadata = { resource: SERVER, authorization_servers: [OTHER_ISSUER] }
    world.revokeAccessTokens()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.refreshes).toHaveLength(0)
    const there = world.seen.filter(({ url }) => url.origin === OTHER_ISSUER)
    expect(there.some(({ url }) => url.pathname === '/register')).toBe(true)
    expect(there.map(({ url, body }) => url.href + body).join()).not.toMatch(new RegExp(`${old}\\b|refresh-|access-`))
    expect(await session.status()).toMatchObject({ issuer: OTHER_ISSUER })
  })

  it('R-ISS-BIND a pre-registered client is bound on first success, and refused at another issuer', async () => {
    const world = new World()
    const { session, fetch } = world.client({}, { client: { clientId: 'mine' } })
    await fetch(SERVER)
    expect((await session.status()).registration).toBe('pre-registered')
    world.resourceMetadata = { resource: SERVER, authorization_servers: [OTHER_ISSUER] }
    world.revokeAccessTokens()
    await expect(fetch(SERVER)).rejects.toMatchObject({
      code: 'registration_issuer_changed',
      detail: { expected: ISSUER, received: OTHER_ISSUER },
    })
    expect(world.seen.some(({ url }) => url.href.includes('mine') && url.origin === OTHER_ISSUER)).toBe(false)
  })

  it('R-ISS-BIND a client-id metadata document is portable', async () => {
    const world = new World()
    world.serverMetadata = { client_id_metadata_document_supported: true }
    const { fetch } = world.client({}, { clientMetadataUrl: DOCUMENT })
    await fetch(SERVER)
    world.resourceMetadata = { resource: SERVER, authorization_servers: [OTHER_ISSUER] }
    world.revokeAccessTokens()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(clientIds(world)).toEqual([DOCUMENT, DOCUMENT])
  })

  it('R-ISS-BIND profiles do not see each other', async () => {
    const world = new World()
    await world.client({ profile: 'work' }).fetch(SERVER)
    expect(await world.session({ profile: 'home' }).status()).toMatchObject({ loggedIn: false })
    expect(await world.session({ profile: 'work' }).status()).toMatchObject({ loggedIn: true })
  })
})
