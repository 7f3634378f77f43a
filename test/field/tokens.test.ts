import { describe, expect, it } from 'vitest'
import type { Misbehaviours } from '../../src/testing/misbehaviours.ts'
import { createLife, deferred, failureOf, type Life, until } from './life.ts'

const tokenStatuses = (life: Life) => life.server.requestsTo('token').map(({ status }) => status)

describe('field cases: tokens', () => {
  it.each<[string, Partial<Misbehaviours>]>([
    ['form-encoded unless JSON is asked for', { tokenFormat: 'form-unless-asked' }],
    ['form-encoded always', { tokenFormat: 'form' }],
    ['JSON that calls itself text', { tokenFormat: 'json-as-text' }],
    ['a lower-case token type', { tokenType: 'bearer' }],
    ['no token type', { tokenType: null }],
    ['null for every absent member', { nullMembers: true, expiresIn: 'absent', scopeMember: 'absent' }],
    ['a foreign issuer member', { issuerMember: 'https://attacker.example' }],
  ])('field T1 R-TOKEN-1 reads an answer that is %s, at login and at refresh', async (_, switches) => {
    const life = createLife(switches)
    expect((await life.client().call('read')).status).toBe(200)
    life.expire()
    expect((await life.client({ interactive: false }).call('read')).status).toBe(200)
    expect(life.server.requestsTo('token').map(({ headers }) => headers['accept'])).toEqual([
      'application/json',
      'application/json',
    ])
  })

  it.each(['json', 'form'] as const)(
    'field T2: a 200 with an error (%s) is a refusal, at login and at refresh',
    async tokenFormat => {
      const life = createLife({ errorStatus: 200, tokenFormat })
      const client = life.client()
      await client.call('echo')
      life.server.revokeEverything()
      life.expire()
      const failure = await failureOf(life.client({ interactive: false }).session.accessToken())
      expect(failure).toMatchObject({ code: 'login_required', cause: { code: 'refresh_refused' } })
      life.server.set({ faults: { token: { kind: 'oauth-error', error: 'invalid_grant', status: 200 } } })
      expect(await failureOf(client.session.login({ force: true }))).toMatchObject({ code: 'token_refused' })
    },
  )

  it.each(['client_secret_basic', 'client_secret_post'])(
    'field T4: a refresh after a restart authenticates as the login did (%s)',
    async registrationMethod => {
      const life = createLife({ registrationMethod })
      await life.client().call('echo')
      for (let restarts = 0; restarts < 3; restarts += 1) {
        life.expire()
        expect((await life.client({ interactive: false }).call('echo')).status).toBe(200)
      }
      expect(tokenStatuses(life)).toEqual([200, 200, 200, 200])
    },
  )

  it('field T5: basic that is advertised and not read is answered by post, once, and remembered', async () => {
    const redirectUris = ['http://127.0.0.1:33418/callback']
    const life = createLife({
      clients: [{ clientId: 'app', clientSecret: 'canary-secret', redirectUris }],
      advertisedMethods: ['client_secret_basic', 'client_secret_post'],
      honouredMethods: ['client_secret_post'],
    })
    const grant = { client: { clientId: 'app', clientSecret: 'canary-secret' } }
    expect((await life.client({ grant }).call('echo')).status).toBe(200)
    expect(tokenStatuses(life)).toEqual([401, 200])
    life.expire()
    expect((await life.client({ grant, interactive: false }).call('echo')).status).toBe(200)
    expect(tokenStatuses(life)).toEqual([401, 200, 200])
  })

  it.each<[string, Partial<Misbehaviours>]>([
    ['omits the refresh token', { rotation: 'none-omitted' }],
    ['sends null for it', { rotation: 'none-omitted', nullMembers: true }],
    ['repeats it', { rotation: 'none-repeated' }],
    ['omits the scope', { scopeMember: 'absent-on-refresh' }],
  ])('field T7: a refresh answer that %s keeps the old one, again and again', async (_, switches) => {
    const life = createLife(switches)
    await life.client().call('read')
    for (let hours = 0; hours < 3; hours += 1) {
      life.expire()
      expect((await life.client({ interactive: false }).call('read')).status).toBe(200)
    }
    expect(await life.client().session.status()).toMatchObject({
      refreshable: true,
      scope: expect.stringContaining('files:read'),
    })
    expect(life.authorizations()).toHaveLength(1)
  })

  it('field T7: a new login inherits no refresh token', async () => {
    const life = createLife()
    const client = life.client()
    await client.session.login()
    life.server.set({ refreshToken: 'never' })
    const bob = life.client({ person: { account: 'bob' } })
    await bob.session.login({ force: true })
    expect((await bob.call('whoami')).text).toBe('bob')
    life.expire()
    expect(await failureOf(bob.session.accessToken())).toMatchObject({ code: 'login_required' })
    expect(life.refreshes()).toEqual([])
  })

  it('field T8: a rotated refresh token survives a restart, many times', async () => {
    const life = createLife()
    await life.client().call('echo')
    for (let restarts = 0; restarts < 4; restarts += 1) {
      life.expire()
      expect((await life.client({ interactive: false }).call('echo')).status).toBe(200)
    }
    expect(new Set(life.refreshes().map(({ form }) => form?.get('refresh_token'))).size).toBe(4)
  })

  it.each([['absent'], [{ value: 'soon' }], [{ value: -1 }], [{ value: {} }], [{ value: null }]] as const)(
    'field T9: expires_in %j means valid until a 401, then refreshed',
    async expiresIn => {
      const life = createLife({ expiresIn, accessTokenLifetimeS: 1_000_000 })
      const client = life.client()
      await client.call('echo')
      life.clock.now += 500_000_000
      expect((await client.call('echo')).status).toBe(200)
      expect(life.refreshes()).toEqual([])
      life.server.rejectAccessTokens()
      expect((await client.call('echo')).status).toBe(200)
      expect(life.refreshes()).toHaveLength(1)
      expect(life.authorizations()).toHaveLength(1)
    },
  )

  it('field T9: a numeric string counts, and 0 is expired', async () => {
    const life = createLife({ expiresIn: { value: '3600' } })
    const client = life.client()
    expect((await client.session.login()).expiresAt).toBe(life.clock.now + 3_600_000)
    life.server.set({ expiresIn: { value: 0 } })
    expect((await client.session.login({ force: true })).expiresAt).toBe(life.clock.now)
    life.server.set({ expiresIn: 'truth' })
    await client.session.accessToken()
    expect(life.refreshes()).toHaveLength(1)
  })

  it('field T11: no person is asked while a refresh token is untried, however the request began', async () => {
    const life = createLife({ expiresIn: 'absent' })
    await life.client().call('echo')
    for (const use of ['call', 'login', 'accessToken'] as const) {
      life.server.rejectAccessTokens()
      const client = life.client()
      if (use === 'call') await client.call('echo')
      else await client.session[use]()
      await client.call('echo')
    }
    expect(life.authorizations()).toHaveLength(1)
  })

  it('field T14: offline_access is asked for where it is advertised, and brings the refresh token', async () => {
    const life = createLife({ refreshToken: 'with-offline-access' })
    const client = life.client()
    expect(await client.session.login()).toMatchObject({ refreshable: true })
    expect(life.authorizations()[0]?.searchParams.get('scope')).toBe('files:read offline_access')
    expect(life.issues('warning')).toEqual([])
  })

  it('field T14: a login without a refresh token says that it will end', async () => {
    const life = createLife({ refreshToken: 'never' })
    await life.client().session.login()
    expect(life.issues('warning')).toMatchObject([{ message: expect.stringMatching(/refresh token/) }])
  })

  it('field T15: offline_access that is refused is left out once and for all at this issuer', async () => {
    const life = createLife({ offlineAccess: 'refused' })
    expect((await life.client().call('read')).status).toBe(200)
    await life.client().session.login({ force: true })
    expect(life.authorizations().map(url => url.searchParams.get('scope'))).toEqual([
      'files:read offline_access',
      'files:read',
      'files:read',
    ])
  })

  it('field T16: a refresh sends the resource of the login and no scope', async () => {
    const life = createLife()
    await life.client().call('echo')
    life.expire()
    await life.client().call('echo')
    expect(life.refreshes().map(({ form }) => [form?.get('resource'), form?.has('scope')])).toEqual([
      [life.server.mcpUrl, false],
    ])
  })

  it("field T16: a derived resource has no query string, the server's requests keep it", async () => {
    const life = createLife({ issuers: ['https://mcp.example'], resourceMetadataAt: 'nowhere' })
    const client = life.client({ server: `${life.server.mcpUrl}?tenant=7` })
    expect((await client.call('echo')).status).toBe(200)
    expect(life.authorizations()[0]?.searchParams.get('resource')).toBe('https://mcp.example/mcp')
    expect(life.server.requestsTo('mcp').at(-1)?.url).toBe('https://mcp.example/mcp?tenant=7')
  })

  it('field T18: the first request after a login carries its token, in this session and in another one', async () => {
    const life = createLife()
    await life.client().session.login()
    for (const client of [life.client({ interactive: false }), life.client({ interactive: false })]) {
      expect((await client.call('whoami')).text).toBe('alice')
    }
    expect(life.server.requestsTo('mcp').at(-1)?.headers['authorization']).toMatch(/^Bearer canary-access/)
  })

  it('field T19: a token of ten seconds is not refreshed with every request', async () => {
    const life = createLife({ accessTokenLifetimeS: 10 })
    const client = life.client()
    await client.call('echo')
    for (let calls = 0; calls < 8; calls += 1) {
      life.clock.now += 1_000
      await client.call('echo')
    }
    expect(life.refreshes()).toEqual([])
    life.clock.now += 1_500
    await client.call('echo')
    expect(life.refreshes()).toHaveLength(1)
  })

  it('field T21: without expiry and refresh token, a token is kept until a 401', async () => {
    const life = createLife({ expiresIn: 'absent', refreshToken: 'never', accessTokenLifetimeS: 1e9 })
    await life.client().call('echo')
    life.clock.now += 365 * 86_400_000
    expect((await life.client().call('echo')).status).toBe(200)
    expect(life.authorizations()).toHaveLength(1)
    expect(await life.client().session.status()).toMatchObject({ loggedIn: true })
  })

  it('field T22: the client never looks into an access token', async () => {
    const life = createLife()
    const foreign = `${btoa('{"alg":"none"}')}.${btoa('{"aud":"0f6c2a9e","exp":1}')}.`.replaceAll('=', '')
    const sent: (string | null)[] = []
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input)
      if (url.pathname === '/token') {
        const answer: any = await (await life.server.fetch(input, init)).json()
        return Response.json({ ...answer, access_token: foreign })
      }
      const authorization = new Headers(init?.headers).get('authorization')
      if (url.pathname === '/mcp' && authorization !== null) {
        sent.push(authorization)
        return Response.json({ jsonrpc: '2.0', id: 1, result: {} })
      }
      return life.server.fetch(input, init)
    }
    expect((await life.client({ fetch }).call('echo')).status).toBe(200)
    expect(sent).toEqual([`Bearer ${foreign}`])
  })

  it('field T23: a server that rejects fresh tokens gets one retry for each new token, then the reason is told', async () => {
    const life = createLife({ tokens: 'rejected' })
    const client = life.client()
    const error = await failureOf(client.call('echo'))
    expect(error.code).toBe('fresh_token_rejected')
    expect(error.message).toContain('invalid_token, The token is not accepted here')
    expect(client.person.visits).toHaveLength(1)
    expect(life.server.requestsTo('mcp').length).toBe(2)
    expect(await failureOf(client.call('echo'))).toMatchObject({ code: 'fresh_token_rejected' })
    expect(client.person.visits).toHaveLength(1)
  })

  it('R-TOKEN-1 an unknown token type is refused', async () => {
    const life = createLife({ tokenType: 'mac' })
    expect(await failureOf(life.client().call('echo'))).toMatchObject({ code: 'token_response_invalid' })
  })

  it('R-TOKEN-3 a caller who gives up ends only its own wait', async () => {
    const life = createLife()
    const client = life.client()
    await client.call('echo')
    life.expire()
    const held = deferred()
    life.server.set({ faults: { token: { kind: 'held-answer', until: held.promise } } })
    const controller = new AbortController()
    const failure = failureOf(client.session.accessToken({ signal: controller.signal }))
    await until(() => life.refreshes().length === 1)
    controller.abort()
    expect(await failure).toMatchObject({ code: 'aborted' })
    held.release()
    await client.session.close()
    expect((await life.client({ interactive: false }).call('echo')).status).toBe(200)
    expect(life.refreshes()).toHaveLength(1)
  })
})
