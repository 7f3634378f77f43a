import { describe, expect, it } from 'vitest'
import { createLife, deferred, failureOf, until } from './life.ts'

describe('field cases: authorization', () => {
  it('field A6: state is always sent, new each time, with 128 bits or more', async () => {
    const life = createLife()
    const client = life.client()
    await client.session.login()
    await client.session.login({ force: true })
    const states = life.authorizations().map(url => url.searchParams.get('state') ?? '')
    expect(new Set(states).size).toBe(2)
    for (const state of states) expect(state).toMatch(/^[\w-]{22,}$/)
  })

  it('field A7: the older of two tabs completes with its own verifier, and so does the younger after it', async () => {
    const life = createLife()
    const { session } = life.client()
    const redirectUri = 'http://127.0.0.1:33418/callback'
    const older = await session.beginLogin({ redirectUri })
    const younger = await session.beginLogin({ redirectUri })
    for (const { url } of [older, younger]) {
      const redirect = await life.server.approve(url)
      expect(await session.finishLogin(redirect.searchParams)).toMatchObject({ loggedIn: true })
    }
    expect(life.server.requestsTo('token').map(({ status }) => status)).toEqual([200, 200])
  })

  it('field A9: the page tells the outcome of the exchange, not of the redirect', async () => {
    const life = createLife({ faults: { token: { kind: 'oauth-error', error: 'server_error', status: 500 } } })
    const client = life.client()
    expect(await failureOf(client.session.login())).toMatchObject({ code: 'token_unavailable' })
    expect(client.person.outcomes).toEqual([{ status: 'failed', message: expect.stringContaining('token endpoint') }])
  })

  it('field A9: "completed" is told once the tokens are in the store', async () => {
    const held = deferred()
    const life = createLife({ faults: { token: { kind: 'held-answer', until: held.promise } } })
    const client = life.client()
    const login = client.session.login()
    await until(() => life.server.requestsTo('token').length === 1)
    expect(client.person.outcomes).toEqual([])
    held.release()
    await login
    expect(client.person.outcomes).toEqual([{ status: 'completed' }])
  })

  it('field A10: an error in the callback is a typed error, and the login is over', async () => {
    const life = createLife({ authorizationError: 'temporarily_unavailable' })
    const client = life.client()
    const { code, detail } = await failureOf(client.session.login())
    expect([code, detail.oauthError]).toEqual(['authorization_refused', 'temporarily_unavailable'])
    expect(client.person.outcomes).toMatchObject([{ status: 'failed' }])
    expect(client.person.open()).toBe(0)
    const stored = await life.store.get({ server: client.session.server, profile: 'default' })
    expect(Object.keys(stored?.record.pendingLogins ?? {})).toEqual([])
  })

  it('field A10: nothing of an error is believed or shown while iss is wrong', async () => {
    const life = createLife({ authorizationError: 'made_up_error', iss: 'wrong' })
    const error = await failureOf(life.client().session.login())
    expect(error.code).toBe('authorization_response_invalid')
    expect(`${error.message} ${JSON.stringify(error.detail)}`).not.toContain('made_up_error')
  })

  it('field A10: the person who says no ends the login and is not asked again', async () => {
    const life = createLife()
    const client = life.client({ person: { deny: true } })
    const { code, detail } = await failureOf(client.call('echo'))
    expect([code, detail.oauthError]).toEqual(['authorization_refused', 'access_denied'])
    expect(client.person.visits).toHaveLength(1)
  })

  it('field A11, A12: an exception omits resource alike in authorization, token and refresh requests', async () => {
    const life = createLife({ resourceIndicator: 'refused' })
    expect(await failureOf(life.client().call('echo'))).toMatchObject({ detail: { oauthError: 'invalid_target' } })
    life.server.requests.length = 0
    const issuerExceptions = [
      { issuer: life.server.issuer, resource: 'omit', reason: 'refuses resource', since: '2026-03-01' },
    ]
    const client = life.client({ issuerExceptions })
    expect((await client.call('echo')).status).toBe(200)
    life.expire()
    expect((await client.call('echo')).status).toBe(200)
    expect(life.authorizations().some(url => url.searchParams.has('resource'))).toBe(false)
    expect(life.server.requestsTo('token').map(({ form }) => form?.has('resource'))).toEqual([false, false])
  })

  it('field A11: the built-in exception covers Microsoft issuers without any configuration', async () => {
    const life = createLife({
      issuers: ['https://login.microsoftonline.com/0f6c2a9e-1111-2222-3333-444455556666/v2.0'],
      serverMetadataAt: ['oidc-append'],
      pkceAdvertised: 'nowhere',
      resourceIndicator: 'refused',
      clients: [{ clientId: 'app', redirectUris: ['http://127.0.0.1:33418/callback'] }],
    })
    const client = life.client({ grant: { client: { clientId: 'app' } } })
    expect((await client.call('echo')).status).toBe(200)
    expect((await client.session.status()).exceptions).toHaveLength(1)
    expect(life.issues('exception')).toMatchObject([{ source: 'built-in table' }])
  })

  it.each(['https://mcp.example', 'https://mcp.example/mcp/', 'https://mcp.example/MCP'])(
    'field A14: %s goes out exactly as written, everywhere',
    async mcpUrl => {
      const life = createLife({ mcpUrl })
      const client = life.client()
      expect((await client.call('echo')).status).toBe(200)
      life.expire()
      expect((await client.call('echo')).status).toBe(200)
      const sent = [life.authorizations()[0]?.searchParams, ...life.server.requestsTo('token').map(({ form }) => form)]
      expect(sent.map(parameters => parameters?.getAll('resource'))).toEqual([[mcpUrl], [mcpUrl], [mcpUrl]])
    },
  )

  it('field A14: without a document, no slash is added that the user did not write', async () => {
    const life = createLife({
      mcpUrl: 'https://mcp.example',
      issuers: ['https://mcp.example'],
      resourceMetadataAt: 'nowhere',
    })
    expect((await life.client().call('echo')).status).toBe(200)
    expect(life.authorizations()[0]?.searchParams.get('resource')).toBe('https://mcp.example')
  })

  it('field A15: provider parameters of an exception reach authorization, token and refresh requests', async () => {
    const life = createLife()
    const audience = { audience: 'https://api.example' }
    const issuerExceptions = [
      {
        issuer: life.server.issuer,
        authorizationParameters: audience,
        tokenParameters: audience,
        reason: 'needs audience',
        since: '2026-01-01',
      },
    ]
    const client = life.client({ issuerExceptions })
    await client.call('echo')
    life.expire()
    await client.call('echo')
    expect(life.authorizations()[0]?.searchParams.get('audience')).toBe('https://api.example')
    expect(life.server.requestsTo('token').map(({ form }) => form?.get('audience'))).toEqual([
      'https://api.example',
      'https://api.example',
    ])
  })

  it('field A16: Google is asked for access_type=offline with consent, and never for offline_access', async () => {
    const life = createLife({
      issuers: ['https://accounts.google.com'],
      serverScopes: ['openid', 'email', 'files:read'],
      resourceScopes: ['files:read', 'offline_access'],
      clients: [{ clientId: 'app', clientSecret: 'canary-secret', redirectUris: ['http://127.0.0.1:33418/callback'] }],
    })
    const client = life.client({ grant: { client: { clientId: 'app', clientSecret: 'canary-secret' } } })
    expect((await client.call('echo')).status).toBe(200)
    const sent = life.authorizations()[0]?.searchParams
    expect([sent?.get('access_type'), sent?.getAll('prompt'), sent?.get('scope')]).toEqual([
      'offline',
      ['consent'],
      'files:read',
    ])
  })

  it("field A17: prompt is set once, and the caller's own wins", async () => {
    const life = createLife()
    await life.client().session.login()
    await life
      .client({ grant: { authorizationParameters: { prompt: 'select_account' } } })
      .session.login({ force: true })
    expect(life.authorizations().map(url => url.searchParams.getAll('prompt'))).toEqual([
      ['consent'],
      ['select_account'],
    ])
  })

  it('field A20: an authorization endpoint that is no web page is refused before anybody is asked', async () => {
    for (const authorizationEndpoint of ['javascript:alert(1)//', 'file:///bin/sh', 'http://auth.example/authorize']) {
      const life = createLife({ authorizationEndpoint })
      const client = life.client()
      expect(await failureOf(client.session.login())).toMatchObject({ code: 'url_refused' })
      expect(client.person.preparations).toEqual([])
    }
  })

  it.each(['wrong', 'missing', 'duplicated'] as const)(
    'field A21: iss %s is rejected although the person agreed, and no code is redeemed',
    async iss => {
      const life = createLife({ iss })
      const { code, detail } = await failureOf(life.client().session.login())
      expect(code).toBe('authorization_response_invalid')
      if (iss === 'wrong')
        expect([detail.expected, detail.received]).toEqual([life.server.issuer, 'https://attacker.example'])
      expect(life.server.requestsTo('token')).toEqual([])
    },
  )

  it('R-AUTHZ-2 a missing iss is fine where it was never promised', async () => {
    const life = createLife({ iss: 'missing', issAdvertised: false })
    expect((await life.client().call('echo')).status).toBe(200)
  })

  it('R-AUTHZ-3 forged answers are ignored politely and the real one completes the login', async () => {
    const life = createLife()
    const forgedFirst = (url: URL) => [
      new URLSearchParams({ code: 'forged', state: 'forged', iss: life.server.issuer }),
      new URLSearchParams({ error: 'access_denied', state: `${url.searchParams.get('state')}x` }),
      new URLSearchParams(),
    ]
    const client = life.client({ person: { forgedFirst } })
    expect((await client.call('echo')).status).toBe(200)
    expect(client.person.outcomes.map(({ status }) => status)).toEqual(['ignored', 'ignored', 'ignored', 'completed'])
    expect(life.server.requestsTo('token')).toHaveLength(1)
  })

  it.each(['altered', 'missing'] as const)('R-AUTHZ-3 a state that comes back %s redeems nothing', async state => {
    const life = createLife({ state })
    expect(await failureOf(life.client().session.login())).toMatchObject({ code: 'login_timeout' })
    expect(life.server.requestsTo('token')).toEqual([])
  })
})
