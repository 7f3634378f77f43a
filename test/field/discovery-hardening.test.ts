import { describe, expect, it } from 'vitest'
import { ISSUER, json, notFound, OTHER_ISSUER, SERVER, World } from '../oauth/world.ts'
import { createLife } from './life.ts'

const metadataOf = (issuer: string): string => `GET ${issuer}/.well-known/oauth-authorization-server`
const documentOf = (tool: string): string => `https://mcp.example.com/metadata/${tool}`

interface ToolDocument {
  readonly resource?: string
  readonly issuer?: string
  readonly scope?: string
  /** What its tokens really need; default: `scope`. */
  readonly needs?: string
}

/** A server whose tools each name a protected resource metadata document of their own, and take tokens for it only. */
function worldOfTools(tools: Readonly<Record<string, ToolDocument>>): { world: World; call: Caller } {
  const world = new World()
  const issued = new Map<string, { issuer: string; resource: string; scope: string }>()
  for (const issuer of [ISSUER, OTHER_ISSUER]) {
    world.routes.set(`POST ${issuer}/token`, async seen => {
      const response = world.token(seen)
      const answer = await response.clone().json()
      if (typeof answer.access_token !== 'string') return response
      const code = world.authorizations.filter(({ url }) => url.origin === issuer).at(-1)
      const scope = code?.url.searchParams.get('scope') ?? ''
      issued.set(answer.access_token, { issuer, resource: seen.form.get('resource') ?? '', scope })
      return response
    })
  }
  for (const [tool, { resource = SERVER, issuer = ISSUER, scope }] of Object.entries(tools)) {
    const document = { resource, authorization_servers: [issuer], ...(scope && { scopes_supported: [scope] }) }
    world.routes.set(`GET ${documentOf(tool)}`, () => json(document))
  }
  world.routes.set(`POST ${SERVER}`, ({ headers }) => {
    const tool = headers.get('mcp-name') ?? 'mail'
    const { resource = SERVER, issuer = ISSUER, scope = '', needs = scope } = tools[tool] ?? {}
    const token = issued.get(headers.get('authorization')?.replace('Bearer ', '') ?? '')
    const fits = token?.issuer === issuer && token.resource === resource && token.scope.split(' ').includes(needs)
    if (fits) return json({ tool })
    const error = token ? ', error="invalid_token"' : ''
    const challenge = `Bearer resource_metadata="${documentOf(tool)}"${error}`
    return new Response('', { status: 401, headers: { 'www-authenticate': challenge } })
  })
  const { fetch } = world.client()
  const call: Caller = (tool, through = fetch) =>
    through(SERVER, { method: 'POST', headers: { 'mcp-method': 'tools/call', 'mcp-name': tool }, body: '{}' })
  return { world, call }
}
type Caller = (tool: string, through?: typeof globalThis.fetch) => Promise<Response>

describe('field cases: a challenge on any request', () => {
  it('field X7: an open server that protects its tools is used without a token, and logged in to at the first call', async () => {
    const life = createLife({ protection: 'tool-calls' })
    const client = life.client()
    const list = () =>
      client.fetch(life.server.mcpUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
      })
    expect((await list()).status).toBe(200)
    expect(life.authorizations()).toEqual([])
    expect((await client.call('echo')).status).toBe(200)
    expect((await list()).status).toBe(200)
    expect(life.authorizations()).toHaveLength(1)
  })
})

describe('field cases: tools that name metadata of their own', () => {
  const twoServers = { mail: {}, drive: { issuer: OTHER_ISSUER } }
  const twoResources = { mail: {}, drive: { resource: 'https://mcp.example.com' } }

  it('field S2, D13: scopes of two documents: one login each, for the union, and then none', async () => {
    const { world, call } = worldOfTools({ mail: { scope: 'mail' }, drive: { scope: 'drive' } })
    for (const tool of ['mail', 'drive', 'mail', 'drive']) expect((await call(tool)).status).toBe(200)
    expect(world.authorizations.map(({ url }) => url.searchParams.get('scope'))).toEqual(['mail', 'mail drive'])
  })

  it('field S3: where nobody may be asked, the scope of the other document is named and kept for the next login', async () => {
    const { world, call } = worldOfTools({ mail: { scope: 'mail' }, drive: { scope: 'drive' } })
    await call('mail')
    const session = world.client({ interactive: false })
    await expect(call('drive', session.fetch)).rejects.toMatchObject({
      code: 'step_up_required',
      detail: { scope: 'mail drive' },
    })
    await world.client().session.login({ force: true })
    expect(world.authorizations.at(-1)?.url.searchParams.get('scope')).toBe('mail drive')
  })

  it('R-RETRY-4 a scope of a document that was asked for and did not help is not asked for again', async () => {
    const { world, call } = worldOfTools({ mail: { scope: 'mail' }, drive: { scope: 'drive', needs: 'secret' } })
    await call('mail')
    await expect(call('drive')).rejects.toMatchObject({ code: 'fresh_token_rejected' })
    await expect(call('drive')).rejects.toMatchObject({ code: 'fresh_token_rejected' })
    expect(world.authorizations).toHaveLength(2)
  })

  it('field S11: nor one that was asked for and not granted', async () => {
    const { world, call } = worldOfTools({ mail: { scope: 'mail' }, drive: { scope: 'drive', needs: 'secret' } })
    world.tokenResponse = { expires_in: 3600, scope: 'mail' }
    await call('mail')
    for (const _ of [1, 2, 3]) await expect(call('drive')).rejects.toMatchObject({ code: 'fresh_token_rejected' })
    expect((await call('mail')).status).toBe(200)
    expect(world.authorizations).toHaveLength(2)
  })

  it('field D13: two authorization servers: one login at each, then none, and neither sees what is for the other', async () => {
    const { world, call } = worldOfTools(twoServers)
    for (const tool of ['mail', 'drive', 'mail', 'drive', 'mail', 'drive']) expect((await call(tool)).status).toBe(200)
    expect(world.authorizations.map(({ url }) => url.origin)).toEqual([ISSUER, OTHER_ISSUER])
    const codes = [ISSUER, OTHER_ISSUER].map(issuer =>
      world.to(`POST ${issuer}/token`).map(({ form }) => form.get('code')),
    )
    expect(codes).toEqual([['code-2'], ['code-5']])
    expect(world.refreshes).toEqual([])
  })

  it('field D13: the login at the other server is refreshed there when it has expired, and nobody is asked', async () => {
    const { world, call } = worldOfTools(twoServers)
    await call('mail')
    await call('drive')
    world.now += 3_600_000
    for (const tool of ['mail', 'drive', 'mail']) expect((await call(tool)).status).toBe(200)
    expect(world.authorizations).toHaveLength(2)
    const refreshed = [ISSUER, OTHER_ISSUER].map(
      issuer => world.to(`POST ${issuer}/token`).filter(({ form }) => form.has('refresh_token')).length,
    )
    expect(refreshed).toEqual([1, 1])
  })

  it('field D13: a login at the other server that is over is made anew, once', async () => {
    const { world, call } = worldOfTools(twoServers)
    await call('mail')
    await call('drive')
    world.refreshTokens.clear()
    world.now += 3_600_000
    for (const tool of ['drive', 'mail', 'drive', 'mail']) expect((await call(tool)).status).toBe(200)
    expect(world.authorizations.map(({ url }) => url.origin)).toEqual([ISSUER, OTHER_ISSUER, OTHER_ISSUER, ISSUER])
  })

  it('field D13: another process that goes over to the other login is followed', async () => {
    const { world, call } = worldOfTools(twoServers)
    await call('mail')
    await call('drive')
    const other = world.client()
    for (const tool of ['mail', 'drive']) {
      expect((await call(tool, other.fetch)).status).toBe(200)
      expect((await call(tool)).status).toBe(200)
    }
    expect(world.authorizations).toHaveLength(2)
  })

  it.each(['that was there all the time', 'that has seen the other tool only'])(
    'field D13: a process %s refreshes the login that another one went over to, at its own server',
    async which => {
      const { world, call } = worldOfTools(twoServers)
      for (const tool of ['mail', 'drive', 'mail']) await call(tool)
      const quiet = world.client({ interactive: false })
      const mine = which.includes('all the time') ? call : (tool: string) => call(tool, quiet.fetch)
      await mine('drive')
      const another = world.client()
      expect((await call('mail', another.fetch)).status).toBe(200)
      world.now += 3_595_000
      expect((await mine('mail')).status).toBe(200)
      expect(world.authorizations).toHaveLength(2)
      expect(world.refreshes).toHaveLength(1)
    },
  )

  it('field D13: two resources at one authorization server: said clearly, and no login chases the other', async () => {
    const { world, call } = worldOfTools(twoResources)
    expect((await call('mail')).status).toBe(200)
    for (const _ of [1, 2, 3])
      await expect(call('drive')).rejects.toMatchObject({
        code: 'fresh_token_rejected',
        detail: {
          expected: 'a token for https://mcp.example.com',
          received: `one for ${SERVER}`,
          hint: expect.stringMatching(/one login holds tokens for one.*login --force.*profile of their own/),
        },
      })
    expect((await call('mail')).status).toBe(200)
    expect([world.authorizations.length, world.refreshes.length]).toEqual([1, 1])
  })

  it('field D13: a profile for each keeps tokens for both', async () => {
    const { world, call } = worldOfTools(twoResources)
    const own = world.client({ profile: 'drive' })
    for (const _ of [1, 2]) {
      expect((await call('mail')).status).toBe(200)
      expect((await call('drive', own.fetch)).status).toBe(200)
    }
    expect(world.authorizations.map(({ url }) => url.searchParams.get('resource'))).toEqual([
      SERVER,
      'https://mcp.example.com',
    ])
  })
})

describe('field cases: several authorization servers', () => {
  const both = { resource: SERVER, authorization_servers: [ISSUER, OTHER_ISSUER] }

  it.each([
    ['is dead', () => Promise.reject(new TypeError('fetch failed'))],
    ['is down', () => new Response('', { status: 503 })],
    ['publishes nothing', notFound],
    ['names another issuer', () => json({ issuer: 'https://evil.example.com', token_endpoint: `${ISSUER}/token` })],
    ['knows no S256', () => json({ ...new World().metadataOf(ISSUER), code_challenge_methods_supported: ['plain'] })],
    ['has an endpoint without TLS', () => json({ issuer: ISSUER, token_endpoint: 'http://as.example.com/token' })],
  ])('R-PRM-4 the first %s: the next one is logged in to, and stays the one after a restart', async (_, answer) => {
    const world = new World()
    world.resourceMetadata = both
    world.routes.set(metadataOf(ISSUER), answer)
    expect((await world.client().fetch(SERVER)).status).toBe(200)
    const read = world.count(metadataOf(ISSUER))
    world.routes.delete(metadataOf(ISSUER))
    world.revokeAccessTokens()
    expect((await world.client().fetch(SERVER)).status).toBe(200)
    expect(world.authorizations.map(({ url }) => url.origin)).toEqual([OTHER_ISSUER])
    // The stored login is tried first, so the first one of the list is not even asked.
    expect(world.count(metadataOf(ISSUER))).toBe(read)
  })

  it('R-PRM-4 none of them: the first failure is told, which may pass when it may', async () => {
    const world = new World()
    world.resourceMetadata = both
    world.routes.set(metadataOf(ISSUER), () => new Response('', { status: 503 }))
    world.routes.set(metadataOf(OTHER_ISSUER), notFound)
    await expect(world.client().fetch(SERVER)).rejects.toMatchObject({ code: 'discovery_unavailable', retryable: true })
    expect(world.authorizations).toEqual([])
  })

  it.each([
    ['a blip', () => new Response('', { status: 503 })],
    ['a network fault', () => Promise.reject(new TypeError('fetch failed'))],
  ])(
    'R-PRM-4 %s at the one that holds the login moves it nowhere, at the refresh of a machine too',
    async (_, answer) => {
      const world = new World()
      world.resourceMetadata = { ...both, authorization_servers: [OTHER_ISSUER, ISSUER] }
      world.routes.set(metadataOf(OTHER_ISSUER), notFound)
      await world.client().fetch(SERVER)
      world.routes.delete(metadataOf(OTHER_ISSUER))
      world.routes.set(metadataOf(ISSUER), answer)
      world.now += 3_700_000
      const quiet = world.client({ interactive: false })
      await expect(quiet.session.accessToken()).rejects.toMatchObject({ retryable: true })
      world.routes.delete(metadataOf(ISSUER))
      world.now += 600_000
      expect(await quiet.session.accessToken()).toMatch(/^access-/)
      expect(await quiet.session.status()).toMatchObject({ issuer: ISSUER, loggedIn: true })
      expect(world.authorizations).toHaveLength(1)
    },
  )

  it('R-PRM-4 each keeps its own registration', async () => {
    const world = new World()
    world.resourceMetadata = both
    await world.client().session.login()
    world.resourceMetadata = { ...both, authorization_servers: [OTHER_ISSUER] }
    await world.client().session.login({ force: true })
    world.resourceMetadata = { ...both, authorization_servers: [ISSUER] }
    await world.client().session.login({ force: true })
    expect([ISSUER, OTHER_ISSUER].map(issuer => world.count(`POST ${issuer}/register`))).toEqual([1, 1])
    const clients = world.authorizations.map(({ url }) => url.searchParams.get('client_id'))
    expect(clients[2]).toBe(clients[0])
    expect(clients[1]).not.toBe(clients[0])
  })
})
