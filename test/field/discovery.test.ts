import { describe, expect, it } from 'vitest'
import { createLife, failureOf } from './life.ts'

const pathsTo = (life: ReturnType<typeof createLife>, step: 'server-metadata' | 'resource-metadata') =>
  life.server.requestsTo(step).map(({ url }) => new URL(url).pathname)

describe('field cases: discovery', () => {
  it('field D1: finds metadata that is only at the OIDC path-append URL, trying the three forms in order', async () => {
    const life = createLife({ issuers: ['https://auth.example/realms/main'], serverMetadataAt: ['oidc-append'] })
    expect((await life.client().call('echo')).status).toBe(200)
    expect(pathsTo(life, 'server-metadata').slice(0, 3)).toEqual([
      '/.well-known/oauth-authorization-server/realms/main',
      '/.well-known/openid-configuration/realms/main',
      '/realms/main/.well-known/openid-configuration',
    ])
  })

  it('field D1: when no form has it, the error tells each URL that was tried and what was there', async () => {
    const life = createLife({ issuers: ['https://auth.example/realms/main'], serverMetadataAt: [] })
    const { detail, code } = await failureOf(life.client().session.login())
    expect(code).toBe('discovery_failed')
    for (const path of pathsTo(life, 'server-metadata')) expect(detail.received).toContain(path)
    expect(detail.received).toContain('404')
    expect(detail.received).toContain('text/plain')
  })

  it("field D2: never truncates an issuer's path, although another issuer lives at the root", async () => {
    const custom = 'https://auth.example/oauth2/custom'
    const life = createLife({ issuers: [custom, 'https://auth.example'] })
    await life.client().call('echo')
    expect(pathsTo(life, 'server-metadata')).not.toContain('/.well-known/oauth-authorization-server')
    expect(life.authorizations()[0]?.pathname).toBe('/oauth2/custom/authorize')
  })

  it('field D4: refuses another issuer in the document, shows both, and asks nobody', async () => {
    const life = createLife({ metadataIssuer: { value: 'https://elsewhere.example' } })
    const { code, detail } = await failureOf(life.client().session.login())
    expect([code, detail.expected, detail.received]).toEqual([
      'issuer_mismatch',
      'https://auth.example',
      'https://elsewhere.example',
    ])
    expect(life.authorizations()).toEqual([])
    expect(life.server.requestsTo('registration')).toEqual([])
  })

  it('field D4: an exception admits the exact other string, and no third one', async () => {
    const issuerExceptions = [
      { issuer: 'https://auth.example', trustedIssuer: 'https://elsewhere.example', reason: 'x', since: '2026-01-01' },
    ]
    // The document's own issuer is what comes back as iss, so that is not sent here.
    const life = createLife({
      metadataIssuer: { value: 'https://elsewhere.example' },
      issAdvertised: false,
      iss: 'missing',
    })
    expect((await life.client({ issuerExceptions }).call('echo')).status).toBe(200)
    life.server.set({ metadataIssuer: { value: 'https://third.example' } })
    expect(await failureOf(life.client({ issuerExceptions }).session.login({ force: true }))).toMatchObject({
      code: 'issuer_mismatch',
    })
  })

  it('field D5: a trailing slash has its own code and a hint with the exception to add', async () => {
    const life = createLife({ metadataIssuer: 'other-slash' })
    const { code, detail } = await failureOf(life.client().session.login())
    expect(code).toBe('issuer_trailing_slash')
    expect(detail.hint).toContain('trustedIssuer: "https://auth.example/"')
  })

  it('field D6: an HTML 200 at a guessed URL means "not here"', async () => {
    const life = createLife({
      challenge: 'without-metadata',
      resourceMetadataAt: 'root',
      serverMetadataAt: ['oidc'],
      unknownPages: 'html',
    })
    expect((await life.client().call('echo')).status).toBe(200)
    expect(pathsTo(life, 'resource-metadata').slice(0, 2)).toEqual([
      '/.well-known/oauth-protected-resource/mcp',
      '/.well-known/oauth-protected-resource',
    ])
  })

  it('field D6: an HTML 200 at the URL that the server named is an error that says so', async () => {
    const life = createLife({ resourceMetadataBody: 'html' })
    const error = await failureOf(life.client().session.login())
    expect(error.code).toBe('resource_metadata_invalid')
    expect(error.message).toContain('The server names https://mcp.example/.well-known/oauth-protected-resource/mcp')
  })

  it('field D7: a 401 without any OAuth metadata is told as "probably wants an API key", not as an OAuth failure', async () => {
    const life = createLife({ challenge: 'none', resourceMetadataAt: 'nowhere' })
    const { code, detail } = await failureOf(life.client().session.login())
    expect(code).toBe('discovery_failed')
    expect(detail.hint).toMatch(/API key/)
  })

  it('field D8: one 500 at a well-known URL is tried again', async () => {
    for (const point of ['resource-metadata', 'server-metadata'] as const) {
      const life = createLife({ faults: { [point]: { kind: 'status', status: 500, times: 1 } } })
      expect((await life.client().call('echo')).status).toBe(200)
    }
  })

  it('field D8: a candidate that stays down is passed over; alone, it is reported as transient', async () => {
    const life = createLife({
      serverMetadataAt: ['oidc'],
      faults: { 'server-metadata:oauth': { kind: 'status', status: 502 } },
    })
    expect((await life.client().call('echo')).status).toBe(200)
    const alone = createLife({ faults: { 'server-metadata': { kind: 'status', status: 502 } } })
    expect(await failureOf(alone.client().session.login())).toMatchObject({
      code: 'discovery_unavailable',
      retryable: true,
    })
  })

  it('field D9: a 401 without WWW-Authenticate is answered by probing the well-known URLs', async () => {
    const life = createLife({ challenge: 'none' })
    expect((await life.client().call('echo')).status).toBe(200)
  })

  it.each(['403', '302'] as const)(
    'field D10: a %s instead of a 401 leads to a login when metadata is found',
    async unauthenticated => {
      const life = createLife({ unauthenticated })
      expect((await life.client().call('echo')).status).toBe(200)
    },
  )

  it.each(['403', '302'] as const)(
    'field D10: a %s stands as it is when no metadata is found',
    async unauthenticated => {
      const life = createLife({ unauthenticated, resourceMetadataAt: 'nowhere', serverMetadataAt: [] })
      expect((await life.client().call('echo')).status).toBe(Number(unauthenticated))
      expect(life.authorizations()).toEqual([])
    },
  )

  it('field D10: with a token, a 403 is only ever what R-RETRY-2 says', async () => {
    const life = createLife({ insufficientScope: 'plain-403' })
    const client = life.client()
    await client.call('echo')
    const before = life.server.requests.length
    expect((await client.call('write')).status).toBe(403)
    expect(life.server.requests.length).toBe(before + 1)
  })

  it('field D11: a same-origin parent as resource is accepted and sent verbatim', async () => {
    const life = createLife({ resource: 'https://mcp.example' })
    expect((await life.client().call('echo')).status).toBe(200)
    expect(life.authorizations()[0]?.searchParams.get('resource')).toBe('https://mcp.example')
  })

  it.each([
    ['another origin', 'https://auth.example/mcp', /Another origin is never accepted/],
    ['a sibling path', 'https://mcp.example/mcp-two', /Same origin, another path/],
  ])(
    'field D11: %s as resource is refused before anybody is asked, with both values and the side to fix',
    async (_, resource, hint) => {
      const life = createLife({ resource })
      const { code, detail } = await failureOf(life.client().session.login())
      expect(code).toBe('resource_mismatch')
      expect(detail.expected).toContain('https://mcp.example/mcp')
      expect([detail.received, detail.hint]).toEqual([resource, expect.stringMatching(hint)])
      expect(life.authorizations()).toEqual([])
    },
  )

  it('field D12: a difference in scheme only is recognized as a proxy', async () => {
    const life = createLife({ resource: 'http://mcp.example/mcp' })
    const { code, detail } = await failureOf(life.client().session.login())
    expect([code, detail.hint]).toEqual(['resource_mismatch', expect.stringContaining('X-Forwarded-Proto')])
  })

  it('field D13: the URL in the challenge is the only one used, also for step-up and after a restart', async () => {
    const life = createLife({ resourceMetadataAt: 'named' })
    const client = life.client()
    expect((await client.call('write')).status).toBe(200)
    life.expire()
    expect((await life.client({ interactive: false }).call('echo')).status).toBe(200)
    expect(life.authorizations()).toHaveLength(2)
    expect(new Set(life.authorizations().map(url => url.searchParams.get('resource')))).toEqual(
      new Set([life.server.mcpUrl]),
    )
    expect(life.refreshes()).toHaveLength(1)
  })

  it('field D14: a configured metadata URL is used alone, at login and at refresh after a restart', async () => {
    const metadataUrl = 'https://auth.example/.well-known/openid-configuration'
    const issuerExceptions = [
      { issuer: 'https://auth.example', metadataUrl, reason: 'metadata is elsewhere', since: '2026-01-01' },
    ]
    const life = createLife({ serverMetadataAt: ['oidc'] })
    expect((await life.client({ issuerExceptions }).call('echo')).status).toBe(200)
    life.expire()
    expect((await life.client({ issuerExceptions, interactive: false }).call('echo')).status).toBe(200)
    expect(new Set(pathsTo(life, 'server-metadata'))).toEqual(new Set(['/.well-known/openid-configuration']))
  })

  it('field D15: S256 in the other document only is found there', async () => {
    const life = createLife({ serverMetadataAt: ['oauth', 'oidc'], pkceAdvertised: 'oidc-only' })
    expect((await life.client().call('echo')).status).toBe(200)
  })

  it('field D15: S256 nowhere is refused precisely, and an exception for the issuer admits it; S256 is sent regardless', async () => {
    const life = createLife({ serverMetadataAt: ['oauth', 'oidc'], pkceAdvertised: 'nowhere' })
    const { code, detail } = await failureOf(life.client().session.login())
    expect([code, detail.hint]).toEqual(['pkce_unsupported', expect.stringContaining('assumeS256')])
    expect(pathsTo(life, 'server-metadata')).toHaveLength(2)
    const issuerExceptions = [
      { issuer: life.server.issuer, assumeS256: true, reason: 'known to support it', since: '2026-01-01' },
    ]
    expect((await life.client({ issuerExceptions }).call('echo')).status).toBe(200)
    expect(life.authorizations()[0]?.searchParams.get('code_challenge_method')).toBe('S256')
  })

  it('field D15: the exception does not admit a list without S256', async () => {
    const life = createLife({ pkceAdvertised: 'plain-only' })
    const issuerExceptions = [{ issuer: life.server.issuer, assumeS256: true, reason: 'x', since: '2026-01-01' }]
    expect(await failureOf(life.client({ issuerExceptions }).session.login())).toMatchObject({
      code: 'pkce_unsupported',
    })
  })

  it.each([
    ['ENOTFOUND', 'dns'],
    ['ECONNREFUSED', 'connect'],
    ['CERT_HAS_EXPIRED', 'tls'],
  ] as const)(
    'field D17: %s is told as a %s failure at every step of a login, and is retryable',
    async (code, word) => {
      for (const point of ['mcp', 'resource-metadata', 'server-metadata', 'registration', 'token'] as const) {
        const life = createLife({ faults: { [point]: { kind: 'connection-error', code } } })
        const error = await failureOf(life.client().session.login())
        expect([point, error.code, error.retryable]).toEqual([point, 'network', true])
        expect(error.message).toContain(`(${word})`)
      }
    },
  )

  it('field D19: tokens of another client id are not used after the configuration changed', async () => {
    const redirectUris = ['http://127.0.0.1:33418/callback']
    const life = createLife({
      clients: [
        { clientId: 'one', redirectUris },
        { clientId: 'two', redirectUris },
      ],
    })
    await life.client({ grant: { client: { clientId: 'one' } } }).call('echo')
    life.expire()
    expect((await life.client({ grant: { client: { clientId: 'two' } } }).call('echo')).status).toBe(200)
    expect(life.refreshes()).toEqual([])
    expect(life.authorizations().map(url => url.searchParams.get('client_id'))).toEqual(['one', 'two'])
  })

  it('field D20: when the server moves to another issuer, neither sees what belongs to the other', async () => {
    const life = createLife()
    const client = life.client()
    await client.call('echo')
    const before = life.server.secrets()
    life.server.set({ authorizationServers: ['https://auth-two.example'] })
    life.expire()
    expect((await client.call('echo')).status).toBe(200)
    expect(life.refreshes()).toEqual([])
    const sentToTwo = life.server.requests
      .filter(({ url }) => url.startsWith('https://auth-two.example'))
      .map(request => JSON.stringify(request) + request.form)
    expect(sentToTwo.length).toBeGreaterThan(0)
    for (const secret of before) expect(sentToTwo.join()).not.toContain(secret)
    expect(await client.session.status()).toMatchObject({ issuer: 'https://auth-two.example' })
  })

  it('field D20: a token endpoint that moved is found again after a 404', async () => {
    const life = createLife({ accessTokenLifetimeS: 100 })
    const client = life.client()
    await client.call('echo')
    life.clock.now += 100_000
    life.server.set({ faults: { token: { kind: 'status', status: 404, times: 1 } } })
    const before = pathsTo(life, 'server-metadata').length
    expect(await failureOf(client.session.accessToken())).toMatchObject({ code: 'token_unavailable' })
    life.clock.now += 60_000
    expect(await client.session.accessToken()).toMatch(/^canary-access/)
    expect(pathsTo(life, 'server-metadata').length).toBe(before + 1)
  })
})
