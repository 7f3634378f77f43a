import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { answer, type Leg, requestParameters } from '../../demo/src/leg.ts'
import { connect } from '../../src/client.ts'
import {
  authorizationCode,
  clientCredentials,
  createMemoryStore,
  type CredentialStore,
  type OAuthSession,
  withOAuth,
} from '../../src/oauth.ts'
import { CLIENTS } from './machine-clients.ts'
import { startMachineWorld } from './machine-world.ts'
import { scriptedAuthorizer } from './protected-notes.ts'

/** Both servers want proofs and nonces. Short tokens, for a proof may not be made in the far future. */
const BOUND = { dpop: 'nonces', notesDpop: 'required', notesNonces: true, accessTokenSeconds: 60 } as const

const text = (result: { content: readonly object[] }): string => (result.content[0] as { text: string }).text

const open = (session: OAuthSession, server: string) => connect(server, { fetch: withOAuth(fetch, session) })

const robot = clientCredentials(CLIENTS.basic)
const person = () => authorizationCode({ client: CLIENTS.desktop, authorizer: scriptedAuthorizer() })

const proofOf = (leg: Leg): string => leg.requestHeaders.get('dpop') ?? 'none'

/** The key that a request was proven with. */
const keyOf = (leg: Leg): Promise<string> => calculateJwkThumbprint(decodeProtectedHeader(proofOf(leg)).jwk as JWK)

/** The key that the token in an answer is bound to. */
const boundTo = (leg: Leg): unknown =>
  (decodeJwt(String(answer(leg)['access_token']))['cnf'] as { jkt?: string } | undefined)?.jkt

/** What a store that lost the key of a login would hold. */
async function loseKey(store: CredentialStore): Promise<void> {
  const [key] = await store.list()
  const { record, version } = (await store.get(key!))!
  const [[issuer, credentials]] = Object.entries(record.issuers) as [[string, (typeof record.issuers)[string]]]
  const { dpopJwk, ...grant } = credentials.grant!
  expect(dpopJwk).toBeDefined()
  await store.compareAndSet(key!, version, { ...record, issuers: { [issuer]: { ...credentials, grant } } })
}

describe('proof of possession against oidc-provider and oauth4webapi', () => {
  it('R-DPOP-1 every token and MCP request has a proof of its own, and one nonce retry at each server is enough', async () => {
    await using world = await startMachineWorld(BOUND)
    const session = world.session({ grant: robot, interactive: false })
    const client = await open(session, world.mcpUrl)
    for (let round = 0; round < 5; round += 1) expect(text(await client.callTool('list_notes'))).toContain('Otters')

    expect(world.tokenRequests().map(leg => leg.status)).toEqual([400, 200])
    expect(world.notes.refusals).toEqual(['nonce'])
    const proven = world.legs.filter(leg => leg.requestHeaders.has('dpop'))
    expect(proven.length).toBeGreaterThan(7)
    expect(new Set(proven.map(leg => decodeJwt(proofOf(leg)).jti)).size).toBe(proven.length)
    expect(new Set(await Promise.all(proven.map(keyOf))).size).toBe(1)
    const schemes = proven
      .filter(leg => leg.server === 'notes server')
      .map(leg => leg.requestHeaders.get('authorization'))
    expect(new Set(schemes.map(value => value?.split(' ')[0]))).toEqual(new Set(['DPoP']))
    expect(await session.status()).toMatchObject({ loggedIn: true, dpop: true })
    await client.close()
  })

  it('R-DPOP-1 a nonce that changes costs one more request, and no token', async () => {
    await using world = await startMachineWorld(BOUND)
    const client = await open(world.session({ grant: robot }), world.mcpUrl)
    await client.callTool('list_notes')
    world.forget()
    for (let round = 0; round < 3; round += 1) {
      world.notes.rotateNonce()
      expect(text(await client.callTool('list_notes'))).toContain('Otters')
    }
    expect(world.notes.refusals).toEqual(Array(4).fill('nonce'))
    expect(world.legs.filter(leg => leg.server === 'authorization server')).toEqual([])
    await client.close()
  })

  it.each([
    ['a machine', robot],
    ['a person', person()],
  ])('R-DPOP-1 nonces that others use up first cost further tries, and no token: %s', async (_name, grant) => {
    await using world = await startMachineWorld(BOUND)
    const client = await open(world.session({ grant }), world.mcpUrl)
    world.forget()
    world.notes.rotateNonce(3)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    expect(world.legs.map(leg => `${leg.server} ${leg.status}`)).toEqual([
      ...Array(3).fill('notes server 401'),
      'notes server 200',
    ])
    await client.close()
  })

  it('R-DPOP-1 a server that is never content with a nonce is given up; nobody logs in for it', async () => {
    await using world = await startMachineWorld(BOUND)
    const client = await open(world.session({ grant: person() }), world.mcpUrl)
    world.forget()
    world.notes.rotateNonce(1_000)
    await expect(client.callTool('list_notes')).rejects.toMatchObject({
      name: 'TransportError',
      detail: { status: 401 },
    })
    expect(world.legs.length).toBeLessThan(10)
    expect(new Set(world.legs.map(leg => `${leg.server} ${leg.status}`))).toEqual(new Set(['notes server 401']))
    world.notes.rotateNonce(0)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    await client.close()
  })

  it('R-DPOP-1 fifty concurrent calls through a changing nonce: one token, and no proof comes twice', async () => {
    await using world = await startMachineWorld(BOUND)
    const client = await open(world.session({ grant: robot }), world.mcpUrl)
    world.notes.rotateNonce()
    const results = await Promise.all(Array.from({ length: 50 }, () => client.callTool('list_notes')))
    expect(results.map(text)).toEqual(Array(50).fill(expect.stringContaining('Otters')))
    expect(world.tokenRequests().filter(leg => leg.status === 200)).toHaveLength(1)
    expect(new Set(world.notes.refusals)).toEqual(new Set(['nonce']))
    await client.close()
  })

  it.each(['get', 'POST', 'DELETE'])(
    'R-DPOP-1 a proof is for its method and address, query apart: %s',
    async method => {
      await using world = await startMachineWorld(BOUND)
      const authorized = withOAuth(fetch, world.session({ grant: robot }))
      await (await authorized(world.mcpUrl, { method: 'POST' })).body?.cancel()
      const response = await authorized(`${world.mcpUrl}?page=2#top`, { method })
      await response.body?.cancel()
      // What the MCP server makes of such a request does not matter here; its guard let it through.
      expect([401, 403]).not.toContain(response.status)
      expect(world.notes.refusals).toEqual(['nonce'])
    },
  )

  it('R-DPOP-1 a person logs in: code, tokens and refresh tokens are bound to one key', async () => {
    await using world = await startMachineWorld(BOUND)
    const client = await open(world.session({ grant: person() }), world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    world.advance(60_000)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')

    const issued = world.tokenRequests().filter(leg => leg.status === 200)
    expect(issued.map(leg => requestParameters(leg)['grant_type'])).toEqual(['authorization_code', 'refresh_token'])
    expect(issued.map(leg => answer(leg)['token_type'])).toEqual(['DPoP', 'DPoP'])
    const key = boundTo(issued[0]!)
    expect(key).toBeTypeOf('string')
    expect(boundTo(issued[1]!)).toBe(key)
    expect(world.at('/auth')[0]?.url.searchParams.get('dpop_jkt')).toBe(key)
    await client.close()
  })

  it('R-DPOP-1 another process over the same store goes on with the same key', async () => {
    await using world = await startMachineWorld(BOUND)
    const store = createMemoryStore()
    await world.session({ grant: person(), store }).login()
    world.advance(60_000)
    const restarted = await open(world.session({ grant: person(), store, interactive: false }), world.mcpUrl)
    expect(text(await restarted.callTool('list_notes'))).toContain('Otters')
    const issued = world.tokenRequests().filter(leg => leg.status === 200)
    expect(issued).toHaveLength(2)
    expect(boundTo(issued[1]!)).toBe(boundTo(issued[0]!))
    expect(world.at('/auth')).toHaveLength(1)
    await restarted.close()
  })

  it('R-REFRESH-3 sessions over one store refresh a bound login once, and all go on', async () => {
    await using world = await startMachineWorld(BOUND)
    const store = createMemoryStore()
    await world.session({ grant: person(), store }).login()
    world.advance(60_000)
    const sessions = Array.from({ length: 5 }, () => world.session({ grant: person(), store, interactive: false }))
    const clients = await Promise.all(sessions.map(session => open(session, world.mcpUrl)))
    const results = await Promise.all(clients.map(client => client.callTool('list_notes')))
    expect(results.map(text)).toEqual(Array(5).fill(expect.stringContaining('Otters')))
    expect(world.tokenRequests('refresh_token').filter(leg => leg.status === 200)).toHaveLength(1)
    await Promise.all(clients.map(client => client.close()))
  })

  it('R-DPOP-1 a lost key needs a new login, and the token is never sent without its proof', async () => {
    await using world = await startMachineWorld(BOUND)
    const store = createMemoryStore()
    await world.session({ grant: person(), store }).login()
    await loseKey(store)
    world.forget()
    const alone = world.session({ grant: person(), store, interactive: false })
    await expect(open(alone, world.mcpUrl)).rejects.toMatchObject({ code: 'login_required' })
    world.advance(60_000)
    await expect(open(alone, world.mcpUrl)).rejects.toMatchObject({ code: 'login_required' })
    const sent = world.legs.map(leg => leg.requestHeaders.get('authorization')).filter(value => value !== null)
    expect(sent).toEqual([])
    expect(world.tokenRequests()).toEqual([])

    const client = await open(world.session({ grant: person(), store }), world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    await client.close()
  })

  it('R-DPOP-1 a machine that lost its key gets a new token for a new one', async () => {
    await using world = await startMachineWorld(BOUND)
    const store = createMemoryStore()
    await world.session({ grant: robot, store }).login()
    await loseKey(store)
    const client = await open(world.session({ grant: robot, store, interactive: false }), world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    const [first, second, ...more] = world.tokenRequests().filter(leg => leg.status === 200)
    expect(more).toEqual([])
    expect(boundTo(second!)).not.toBe(boundTo(first!))
    await client.close()
  })

  it('R-SCOPE-8 a step-up is bound, too', async () => {
    await using world = await startMachineWorld(BOUND)
    const client = await open(world.session({ grant: person() }), world.mcpUrl)
    await client.callTool('list_notes')
    expect(text(await client.callTool('add_note', { text: 'Rivers are patient.' }))).toBe('Added note 2.')
    const issued = world.tokenRequests().filter(leg => leg.status === 200)
    expect(issued).toHaveLength(2)
    expect(boundTo(issued[1]!)).toBeTypeOf('string')
    expect(await keyOf(issued[1]!)).toBe(boundTo(issued[1]!))
    const scopes = String(world.at('/auth')[1]?.url.searchParams.get('scope')).split(' ')
    expect(scopes).toEqual(expect.arrayContaining(['notes:read', 'notes:write']))
    await client.close()
  })

  it.each(['2025-11-25', '2026-07-28'] as const)('R-SCOPE-8 a machine steps up, bound (%s)', async revision => {
    await using world = await startMachineWorld(BOUND)
    const session = world.session({ grant: robot, interactive: false })
    const client = await connect(world.mcpUrl, { fetch: withOAuth(fetch, session), revision })
    expect(text(await client.callTool('add_note', { text: 'Rivers are patient.' }))).toBe('Added note 2.')
    expect(world.notes.refusals).toEqual(['nonce', 'notes:write is missing'])
    expect(world.tokenRequests().map(leg => leg.status)).toEqual([400, 200, 200])
    await client.close()
  })

  it('R-DPOP-1 a clock that is an hour off still gets tokens where the authorization server gives nonces', async () => {
    await using world = await startMachineWorld(BOUND)
    world.advance(3_600_000)
    const token = await world.session({ grant: robot }).accessToken()
    expect(decodeJwt(token)['cnf']).toMatchObject({ jkt: expect.any(String) as string })
    expect(world.tokenRequests().map(leg => answer(leg)['error'])).toEqual(['use_dpop_nonce', undefined])
  })

  it('R-TOKEN-1 a bearer token is refused where proof was asked for', async () => {
    await using world = await startMachineWorld({ dpop: 'off', notesDpop: 'required' })
    const session = world.session({ grant: robot })
    await expect(open(session, world.mcpUrl)).rejects.toMatchObject({ code: 'token_response_invalid' })
    expect((await session.status()).loggedIn).toBe(false)
    expect(
      world.legs.map(leg => leg.requestHeaders.get('authorization')).filter(value => /^bearer/i.test(value ?? '')),
    ).toEqual([])
  })

  it.each([
    ['the MCP server knows nothing of it', { dpop: 'nonces', notesDpop: 'off' }],
    ['the authorization server knows nothing of it', { dpop: 'off', notesDpop: 'offered' }],
  ] as const)('bearer tokens are used where %s', async (_name, servers) => {
    await using world = await startMachineWorld(servers)
    const session = world.session({ grant: robot })
    const client = await open(session, world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    expect(world.legs.filter(leg => leg.requestHeaders.has('dpop'))).toEqual([])
    expect((await session.status()).dpop).toBeUndefined()
    await client.close()
  })

  it('R-DPOP-1 proofs are used where both offer them', async () => {
    await using world = await startMachineWorld({ dpop: 'offered', notesDpop: 'offered' })
    const session = world.session({ grant: robot })
    const client = await open(session, world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    expect(await session.status()).toMatchObject({ dpop: true })
    expect(world.notes.refusals).toEqual([])
    await client.close()
  })

  it('R-DPOP-1 logout revokes the refresh token of a bound login', async () => {
    await using world = await startMachineWorld(BOUND)
    const session = world.session({ grant: person() })
    await session.login()
    const report = await session.logout()
    expect(report.revocations).toContainEqual(expect.objectContaining({ token: 'refresh_token', ok: true }))
  })
})
