import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answer, type Leg, requestParameters } from '../../demo/src/leg.ts'
import { connect } from '../../src/client.ts'
import { createMemoryStore, type OAuthSession, withOAuth } from '../../src/oauth.ts'
import { ACCESS_TOKEN_SECONDS, type ProtectedNotes, startProtectedNotes } from './protected-notes.ts'

const text = (result: { content: readonly object[] }): string => (result.content[0] as { text: string }).text

const subject = (token: string): unknown =>
  (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: unknown }).sub

describe.each([
  ['an issuer without a path', ''],
  ['an issuer with a path', '/tenant'],
])('oidc-provider and the official server: %s', (_name, path) => {
  let world: ProtectedNotes
  beforeEach(async () => {
    world = await startProtectedNotes(path)
  })
  afterEach(async () => {
    await world[Symbol.asyncDispose]()
  })

  const open = (session: OAuthSession, revision: '2025-11-25' | '2026-07-28' | 'auto' = 'auto') =>
    connect(world.mcpUrl, { fetch: withOAuth(fetch, session), revision })
  const grants = (type: string): readonly Leg[] =>
    world.at('/token').filter(leg => requestParameters(leg)['grant_type'] === type)
  const authorizations = (): readonly URLSearchParams[] => world.at('/auth').map(leg => leg.url.searchParams)

  it.each(['2025-11-25', '2026-07-28'] as const)('logs in on the first call and calls a tool (%s)', async revision => {
    const session = world.session()
    const client = await open(session, revision)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')

    expect(authorizations()).toHaveLength(1)
    const [authorization] = authorizations()
    expect(authorization?.get('code_challenge_method')).toBe('S256')
    expect(authorization?.get('resource')).toBe(world.mcpUrl)
    expect(authorization?.get('scope')?.split(' ')).toContain('notes:read')
    expect(authorization?.get('scope')?.split(' ')).not.toContain('notes:write')
    expect(world.at('/reg')).toHaveLength(1)
    expect(requestParameters(world.at('/reg')[0]!)['application_type']).toBe('native')
    const [token] = grants('authorization_code')
    expect(requestParameters(token!)['resource']).toBe(world.mcpUrl)
    expect(requestParameters(token!)['code_verifier']).toMatch(/^[\w-]{43,128}$/)
    expect(await session.status()).toMatchObject({
      loggedIn: true,
      issuer: world.issuer,
      registration: 'dynamic',
      refreshable: true,
    })
    await client.close()
  })

  it('refreshes ahead of expiry, keeps the rotated token, and uses it the next time', async () => {
    const session = world.session()
    const client = await open(session)
    const { grantId } = await session.status()
    for (const round of [1, 2, 3]) {
      world.advance(ACCESS_TOKEN_SECONDS * 1000)
      await client.callTool('list_notes')
      expect(grants('refresh_token')).toHaveLength(round)
    }
    const used = grants('refresh_token').map(leg => requestParameters(leg)['refresh_token'])
    const issued = [...grants('authorization_code'), ...grants('refresh_token')].map(
      leg => answer(leg)['refresh_token'],
    )
    expect(used).toEqual(issued.slice(0, 3))
    expect(new Set(issued).size).toBe(4)
    expect(grants('refresh_token').map(leg => requestParameters(leg)['resource'])).toEqual(Array(3).fill(world.mcpUrl))
    expect(authorizations()).toHaveLength(1)
    expect((await session.status()).grantId).toBe(grantId)
    await client.close()
  })

  it('concurrent calls with an expired token make one refresh, so that replay detection revokes nothing', async () => {
    const session = world.session()
    const client = await open(session)
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    await Promise.all(Array.from({ length: 8 }, () => client.callTool('list_notes')))
    expect(grants('refresh_token')).toHaveLength(1)

    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    await client.callTool('list_notes')
    expect(grants('refresh_token').map(leg => leg.status)).toEqual([200, 200])
    expect(authorizations()).toHaveLength(1)
    await client.close()
  })

  it('two sessions over one store share a login and its refresh', async () => {
    const store = createMemoryStore()
    const first = await open(world.session({ store }))
    const second = await open(world.session({ store, interactive: false }))
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    await Promise.all([first.callTool('list_notes'), second.callTool('list_notes')])
    expect(grants('refresh_token').map(leg => leg.status)).toEqual([200])
    await Promise.all([first.close(), second.close()])
  })

  it('R-REFRESH-1 tokens that the server rejects are refreshed, once, before anybody is asked', async () => {
    const client = await open(world.session())
    world.revokeAccessTokens()
    const results = await Promise.all(Array.from({ length: 4 }, () => client.callTool('list_notes')))
    expect(results.map(text)).toEqual(Array(4).fill(expect.stringContaining('Otters')))
    expect(grants('refresh_token').map(leg => leg.status)).toEqual([200])
    expect(authorizations()).toHaveLength(1)
    await client.close()
  })

  it('R-SCOPE-8 steps up once for the union of scopes, and keeps it', async () => {
    const session = world.session()
    const client = await open(session)
    await client.callTool('list_notes')
    const before = await session.status()
    expect(text(await client.callTool('add_note', { text: 'Rivers are patient.' }))).toBe('Added note 2.')

    expect(authorizations()).toHaveLength(2)
    const asked = authorizations()[1]?.get('scope')?.split(' ') ?? []
    expect(asked).toEqual(expect.arrayContaining(['notes:read', 'notes:write']))
    expect(new Set(asked).size).toBe(asked.length)
    expect(world.at('/reg')).toHaveLength(1)
    const after = await session.status()
    expect(after.scope?.split(' ')).toEqual(expect.arrayContaining(['notes:read', 'notes:write']))
    expect(after.grantId).not.toBe(before.grantId)

    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    expect(text(await client.callTool('add_note', { text: 'Snow is quiet.' }))).toBe('Added note 3.')
    expect(text(await client.callTool('list_notes'))).toContain('Rivers')
    expect(authorizations()).toHaveLength(2)
    await client.close()
  })

  it('R-RETRY-4 without a person, a step-up is an error that names the scopes', async () => {
    const store = createMemoryStore()
    await world.session({ store }).login()
    const client = await open(world.session({ store, interactive: false }))
    await expect(client.callTool('add_note', { text: 'x' })).rejects.toMatchObject({
      code: 'step_up_required',
      detail: { scope: expect.stringContaining('notes:write') as string },
    })
    expect(text(await client.callTool('list_notes'))).not.toContain('x')
    expect(authorizations()).toHaveLength(1)
    await client.close()
  })

  it('a person who cancels is told so, and nothing is stored', async () => {
    const session = world.session({ user: { deny: true } })
    await expect(session.login()).rejects.toMatchObject({
      code: 'authorization_refused',
      detail: { oauthError: 'access_denied' },
    })
    expect(grants('authorization_code')).toHaveLength(0)
    expect((await session.status()).loggedIn).toBe(false)
  })

  it('R-REFRESH-6 a login as somebody else inherits nothing', async () => {
    const store = createMemoryStore()
    const ada = world.session({ store })
    await ada.login()
    expect(subject(await ada.accessToken())).toBe('ada')
    const bob = world.session({ store, user: { login: 'bob' } })
    await bob.login({ force: true })
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    expect(subject(await ada.accessToken())).toBe('bob')
    expect(grants('refresh_token').map(leg => requestParameters(leg)['refresh_token'])).toEqual([
      answer(grants('authorization_code')[1]!)['refresh_token'],
    ])
  })

  it('logout revokes: the refresh token is dead at the server, and the next call needs a login', async () => {
    const store = createMemoryStore()
    const session = world.session({ store })
    await session.login()
    const [login] = grants('authorization_code')
    const report = await session.logout()
    expect(report.revocations).toContainEqual(expect.objectContaining({ token: 'refresh_token', ok: true }))
    expect(world.at('/token/revocation').length).toBeGreaterThan(0)

    const { client_id: clientId = '' } = requestParameters(login!)
    const replay = await fetch(login!.url, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: clientId,
        refresh_token: String(answer(login!)['refresh_token']),
      }),
    })
    expect(replay.status).toBe(400)
    expect(await replay.json()).toMatchObject({ error: 'invalid_grant' })
    expect((await session.status()).loggedIn).toBe(false)
    await expect(open(world.session({ store, interactive: false }))).rejects.toMatchObject({ code: 'login_required' })
  })
})

describe('oidc-provider holding clients to the scope they registered with', () => {
  it('R-SCOPE-8 a step-up beyond the registered scope registers anew', async () => {
    await using world = await startProtectedNotes('', { keepsRegisteredScope: true })
    const client = await connect(world.mcpUrl, { fetch: withOAuth(fetch, world.session()) })
    await client.callTool('list_notes')
    expect(text(await client.callTool('add_note', { text: 'Rivers are patient.' }))).toBe('Added note 2.')
  })
})
