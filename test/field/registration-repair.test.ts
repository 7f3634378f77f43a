import { describe, expect, it } from 'vitest'
import { ISSUER, json, SERVER, World } from '../oauth/world.ts'
import { createLife, failureOf } from './life.ts'

type Life = ReturnType<typeof createLife>

const DOCUMENT = 'https://client.example/metadata.json'
const bodies = (life: Life): any[] => life.server.requestsTo('registration').map(({ json: body }) => body)
const visitors = (life: Life) => life.authorizations().map(url => url.searchParams.get('client_id'))

/** Logged in, logged out with the registration kept, and forgotten by the authorization server. */
async function forgotten(options: Parameters<typeof createLife>[0] = {}) {
  const life = createLife(options)
  const client = life.client()
  await client.session.login()
  await client.session.logout()
  life.server.forgetClients()
  return { life, client }
}

describe('field cases: a client that is dead at the authorization page', () => {
  it.each(['page', 'json', 'redirect'] as const)(
    'field R3: is seen (%s) before the browser opens, and registered anew once, with the reason',
    async unknownClient => {
      const { life, client } = await forgotten({ unknownClient })
      await client.session.login()
      expect(visitors(life)).toEqual(['client-1', expect.stringMatching(/^client-(?!1$)/)])
      expect([bodies(life).length, life.looks().length]).toEqual([2, 1])
      expect(life.issues('registered')[1]).toMatchObject({
        kind: 'dynamic',
        reason: expect.stringMatching(/does not know the client: .*client/i),
      })
    },
  )

  it('field R3: the new registration is kept at once where no tokens belong to the old one', async () => {
    const { life } = await forgotten()
    const denied = life.client({ person: { deny: true } })
    await failureOf(denied.session.login())
    await life.client().session.login()
    expect(bodies(life)).toHaveLength(2)
  })

  it('field R3, A22: a page that fails in another way says nothing about the client', async () => {
    const { life, client } = await forgotten({ unknownClient: 'server-error' })
    expect(await failureOf(client.session.login())).toMatchObject({ code: 'login_timeout' })
    expect([bodies(life).length, life.looks().length]).toEqual([1, 1])
  })

  it('field R3: what is sent ahead serves nothing else: another state and another challenge than the login', async () => {
    const { life, client } = await forgotten({ unknownClient: 'server-error' })
    await failureOf(client.session.login())
    const [look, visit] = [life.looks()[0], life.authorizations()[1]]
    for (const name of ['state', 'code_challenge']) {
      expect(look?.searchParams.get(name)).toMatch(/^[\w-]{43}$/)
      expect(look?.searchParams.get(name)).not.toBe(visit?.searchParams.get(name))
    }
    for (const name of ['client_id', 'redirect_uri', 'scope', 'resource', 'response_type'])
      expect(look?.searchParams.get(name)).toBe(visit?.searchParams.get(name))
  })

  it('field R3: a client that was given tokens a moment ago is not doubted', async () => {
    const life = createLife()
    const client = life.client()
    await client.session.login()
    await client.session.login({ force: true })
    expect(life.looks()).toEqual([])
    life.clock.now += 600_000
    await client.session.login({ force: true })
    expect([life.looks().length, bodies(life).length]).toEqual([1, 1])
  })

  it('field R3: nor is one that a person configured', async () => {
    const redirectUris = ['http://127.0.0.1:33418/callback']
    const life = createLife({ clients: [{ clientId: 'mine', redirectUris }] })
    const client = life.client({ grant: { client: { clientId: 'mine' } } })
    await client.session.login()
    await client.session.logout()
    await client.session.login()
    expect(life.looks()).toEqual([])
  })

  it('field R3: web hosts, which open the browser themselves, get the repaired URL', async () => {
    const { life, client } = await forgotten()
    const { url } = await client.session.beginLogin({ redirectUri: 'http://127.0.0.1:33418/callback' })
    expect(url.searchParams.get('client_id')).not.toBe('client-1')
    expect(bodies(life)).toHaveLength(2)
  })
})

/** The authorization page as the client sees it when it looks; people see the real one. */
function lookMeets(world: World, answer: () => Response | Promise<Response>): void {
  world.routes.set(`GET ${ISSUER}/authorize`, ({ headers }) => (headers.has('user-agent') ? answer() : undefined))
}

const DEAD = (): Response => json({ message: 'Unrecognized client_id' }, 422)

describe('field cases: what a look may not do', () => {
  async function loggedIn(): Promise<World> {
    const world = new World()
    await world.client().fetch(SERVER)
    world.now += 700_000
    return world
  }

  it('field R3: a page that is wrong about the client costs no login: tokens keep their client until the new one completes', async () => {
    const world = await loggedIn()
    lookMeets(world, DEAD)
    world.consent = () => ({ error: 'access_denied' })
    const { session } = world.client()
    await expect(session.login({ force: true })).rejects.toMatchObject({ code: 'authorization_refused' })
    expect(world.authorizations.map(({ url }) => url.searchParams.get('client_id'))).toHaveLength(2)
    world.now += 3_600_000
    expect(await session.accessToken()).toMatch(/^access-/)
    expect(world.refreshes).toHaveLength(1)
  })

  it('field R3: a page that refuses everybody leads to one registration for each login, and the person sees it', async () => {
    const world = await loggedIn()
    lookMeets(world, DEAD)
    await world.client().session.login({ force: true })
    expect(world.count(`POST ${ISSUER}/register`)).toBe(2)
    expect([world.looks.length, world.authorizations.length]).toEqual([1, 2])
  })

  it.each([
    ['is down', () => Promise.reject(new TypeError('fetch failed'))],
    ['is busy', () => new Response('unknown client', { status: 503 })],
    ['keeps robots out', () => new Response('<title>Just a moment...</title>', { status: 403 })],
    ['logs in by itself', () => Response.redirect('http://127.0.0.1:4711/callback?code=x&state=y', 302)],
  ])('field R3: an authorization page that %s for the look hinders nothing', async (_, answer) => {
    const world = await loggedIn()
    lookMeets(world, answer)
    await world.client().session.login({ force: true })
    expect([world.looks.length, world.count(`POST ${ISSUER}/register`)]).toEqual([1, 1])
  })

  it('field R3: a registration that cannot be replaced any more is kept', async () => {
    const world = await loggedIn()
    await world.client().session.logout()
    world.serverMetadata = { registration_endpoint: undefined }
    lookMeets(world, DEAD)
    await world.client().session.login()
    const clients = world.authorizations.map(({ url }) => url.searchParams.get('client_id'))
    expect(clients).toEqual([clients[0], clients[0]])
  })

  it('field R3: where requests are pushed, the push tells, and a request URI is not spent by looking', async () => {
    const world = await loggedIn()
    world.serverMetadata = { pushed_authorization_request_endpoint: `${ISSUER}/par` }
    world.routes.set(`POST ${ISSUER}/par`, () => json({ request_uri: 'urn:x:1', expires_in: 600 }, 201))
    world.consent = () => ({ code: 'code', state: world.to(`POST ${ISSUER}/par`)[0]?.form.get('state') ?? '' })
    await world.client().session.login({ force: true })
    expect(world.looks).toEqual([])
    expect(world.authorizations[1]?.url.searchParams.get('request_uri')).toBe('urn:x:1')
  })
})

describe('field cases: a client-id metadata document that is refused', () => {
  const grant = { clientMetadataUrl: DOCUMENT }

  it('field R12 R-CIMD-7 at the authorization page: falls back to registration once, before anybody sees it, remembered for the issuer', async () => {
    const life = createLife({
      clientIdMetadataDocumentSupported: true,
      clientIdMetadataDocument: 'refused-at-authorize',
    })
    const client = life.client({ grant })
    await client.session.login()
    await client.session.logout({ client: true })
    await client.session.login()
    expect(visitors(life)).not.toContain(DOCUMENT)
    expect(life.looks().map(url => url.searchParams.get('client_id'))).toEqual([DOCUMENT, DOCUMENT])
    await client.session.logout()
    await life.client({ grant }).session.login()
    expect(life.issues('registered').filter(event => 'kind' in event && event.kind === 'dynamic')).toHaveLength(2)
  })

  it('R-CIMD-7 it stays refused when the registration that took its place needs another redirect URI', async () => {
    const life = createLife({
      clientIdMetadataDocumentSupported: true,
      clientIdMetadataDocument: 'refused-at-authorize',
    })
    await life.client({ grant }).session.login()
    const person = { takesPreferred: false, redirectUri: 'http://127.0.0.1:5/callback' }
    await life.client({ grant, person }).session.login({ force: true })
    expect(bodies(life)).toHaveLength(2)
    expect(life.looks().map(url => url.searchParams.get('client_id'))).toEqual([DOCUMENT])
  })

  it.each(['refused-at-authorize', 'refused-at-token'] as const)(
    'field R15: %s where clients cannot register: says what to look at, and is tried again when it was mended',
    async clientIdMetadataDocument => {
      const life = createLife({
        clientIdMetadataDocumentSupported: true,
        clientIdMetadataDocument,
        registrationOffered: false,
      })
      const client = life.client({ grant })
      const { code, detail } = await failureOf(client.session.login())
      expect(code).toBe(clientIdMetadataDocument === 'refused-at-token' ? 'token_refused' : 'authorization_refused')
      expect(detail.hint).toMatch(/unable to fetch https:\/\/client\.example\/metadata\.json.*cimd validate/)
      life.server.set({ clientIdMetadataDocument: 'accepted' })
      await client.session.login()
      expect(await client.session.status()).toMatchObject({ loggedIn: true, clientId: DOCUMENT })
    },
  )
})

describe('field cases: registrations that need more', () => {
  const TOKEN = 'initial-access-token-0001'

  it('R-DCR-1 field R2: an initial access token opens the registration, and is shown nowhere', async () => {
    const life = createLife({ initialAccessToken: TOKEN })
    const { detail } = await failureOf(life.client().session.login())
    expect([detail.status, detail.hint]).toEqual([401, expect.stringContaining('initial access token')])
    const client = life.client({ grant: { initialAccessToken: TOKEN } })
    await client.session.login()
    expect(await client.session.status()).toMatchObject({ loggedIn: true })
    expect(
      JSON.stringify([life.events, await life.store.get({ server: client.session.server, profile: 'default' })]),
    ).not.toContain(TOKEN)
  })

  it('field R2: one that is refused is named in the hint', async () => {
    const life = createLife({ initialAccessToken: TOKEN })
    const error = await failureOf(life.client({ grant: { initialAccessToken: 'expired-token' } }).session.login())
    expect(error.detail.hint).toMatch(/initial access token.*expired/)
    expect(JSON.stringify([error.message, error.detail])).not.toContain('expired-token')
  })

  it('R-ISS-BIND it goes to no second authorization server, unless that is the one configured', async () => {
    const life = createLife()
    const grant = { initialAccessToken: TOKEN }
    await life.client({ grant }).session.login()
    life.server.set({ authorizationServers: ['https://auth-two.example'] })
    await life.client({ grant }).session.login({ force: true })
    await life.client({ grant: { ...grant, issuer: 'https://auth-two.example' } }).session.logout({ client: true })
    const sent = life.server.requestsTo('registration').map(({ headers }) => headers['authorization'])
    expect(sent).toEqual([`Bearer ${TOKEN}`, undefined])
  })

  it('R-DCR-1 a software statement is sent with the registration', async () => {
    const life = createLife({ registration: 'strict' })
    await life.client({ grant: { clientMetadata: { softwareStatement: 'a.signed.jwt' } } }).session.login()
    expect(bodies(life)[0].software_statement).toBe('a.signed.jwt')
  })

  it("field R10: a policy of Keycloak's is named, with what an administrator can do", async () => {
    const description =
      "Policy 'Trusted Hosts' rejected request to client-registration service. Details: Host not trusted."
    const life = createLife({
      faults: { registration: { kind: 'oauth-error', error: 'insufficient_scope', description, status: 403 } },
    })
    const { detail } = await failureOf(life.client().session.login())
    expect([detail.received, detail.hint]).toEqual([
      description,
      expect.stringMatching(/policy.*initial access token/i),
    ])
  })
})
