import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { answer, type Leg, requestParameters } from '../../demo/src/leg.ts'
import { connect } from '../../src/client.ts'
import {
  createMemoryStore,
  type GrantStrategy,
  identityAssertion,
  openIdLogin,
  type OAuthSession,
  workloadIdentity,
  withOAuth,
} from '../../src/oauth.ts'
import { ID_JAG, JWT_BEARER, TOKEN_EXCHANGE } from './machine-assertions.ts'
import { CLIENTS, ENTERPRISE_SSO_CLIENT } from './machine-clients.ts'
import { singleSignOn } from './machine-single-sign-on.ts'
import { ACCESS_TOKEN_SECONDS, type MachineWorld, startMachineWorld } from './machine-world.ts'
import { scriptedAuthorizer } from './protected-notes.ts'

const BOUND = { dpop: 'nonces', notesDpop: 'required', notesNonces: true, accessTokenSeconds: 60 } as const

const text = (result: { content: readonly object[] }): string => (result.content[0] as { text: string }).text

const open = (session: OAuthSession, server: string) => connect(server, { fetch: withOAuth(fetch, session) })

const claimsOf = (leg: Leg) => decodeJwt(String(answer(leg)['access_token']))

describe('workload identity against oidc-provider', () => {
  it('R-WIF-1 redeems the token of the platform without naming a client, and calls a tool', async () => {
    await using world = await startMachineWorld()
    const audiences: string[] = []
    const grant = workloadIdentity({
      token: ({ audience }) => {
        audiences.push(audience)
        return world.workloadToken({ aud: audience })
      },
    })
    const session = world.session({ grant, interactive: false })
    const client = await open(session, world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')

    const [request, ...more] = world.tokenRequests()
    expect(more).toEqual([])
    expect(request!.requestHeaders.get('authorization')).toBeNull()
    expect(requestParameters(request!)).toEqual({
      grant_type: JWT_BEARER,
      assertion: expect.stringMatching(/^ey/) as string,
      resource: world.mcpUrl,
      scope: 'notes:read',
    })
    expect(audiences).toEqual([world.issuer])
    expect(claimsOf(request!)).toMatchObject({ sub: 'spiffe://jobs/1' })
    expect(world.at('/reg')).toEqual([])
    expect(await session.status()).toMatchObject({ loggedIn: true, withoutPerson: true, refreshable: false })
    await client.close()
  })

  it('R-WIF-1 asks the platform anew when the token expires, once for fifty calls', async () => {
    await using world = await startMachineWorld()
    const grant = workloadIdentity({ token: () => world.workloadToken() })
    const client = await open(world.session({ grant }), world.mcpUrl)
    await client.callTool('list_notes')
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    await Promise.all(Array.from({ length: 50 }, () => client.callTool('list_notes')))
    const assertions = world.tokenRequests().map(leg => requestParameters(leg)['assertion'])
    expect(new Set(assertions).size).toBe(2)
    expect(assertions).toHaveLength(2)
    await client.close()
  })

  it.each([
    ['made for somebody else', { aud: 'https://elsewhere.example' }],
    ['of another platform', { iss: 'https://elsewhere.example' }],
  ])('R-WIF-1 a refused token, %s, is exactly one token request and no other grant', async (_name, claims) => {
    await using world = await startMachineWorld()
    const grant = workloadIdentity({ token: () => world.workloadToken(claims) })
    const connecting = open(world.session({ grant }), world.mcpUrl)
    await expect(connecting).rejects.toMatchObject({ code: 'token_refused', detail: { oauthError: 'invalid_grant' } })
    expect(world.tokenRequests()).toHaveLength(1)
    expect([...world.at('/reg'), ...world.at('/auth')]).toEqual([])
  })

  it('R-SCOPE-8 steps up without a person', async () => {
    await using world = await startMachineWorld()
    const grant = workloadIdentity({ token: () => world.workloadToken() })
    const client = await open(world.session({ grant, interactive: false }), world.mcpUrl)
    expect(text(await client.callTool('add_note', { text: 'Rivers are patient.' }))).toBe('Added note 2.')
    expect(requestParameters(world.tokenRequests().at(-1)!)['scope']).toBe('notes:read notes:write')
    await client.close()
  })

  it('R-DPOP-1 tokens of a workload are bound, too', async () => {
    await using world = await startMachineWorld(BOUND)
    const grant = workloadIdentity({ token: () => world.workloadToken() })
    const client = await open(world.session({ grant }), world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    world.advance(60_000)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    expect(world.notes.refusals).toEqual(['nonce'])
    await client.close()
  })

  it('logout revokes the access token where the server can', async () => {
    await using world = await startMachineWorld({ accessTokens: 'opaque' })
    const grant = workloadIdentity({ token: () => world.workloadToken(), clientId: CLIENTS.workload.clientId })
    const session = world.session({ grant })
    const accessToken = await session.accessToken()
    const { revocations } = await session.logout()
    expect(revocations).toEqual([expect.objectContaining({ token: 'access_token', ok: true })])
    const replay = await fetch(world.mcpUrl, { method: 'POST', headers: { authorization: `Bearer ${accessToken}` } })
    expect(replay.status).toBe(401)
  })
})

/** The enterprise's application, with a person who is logged in at its identity provider. */
async function employee(
  world: MachineWorld,
  changes: { issuer?: string; idToken?: string } = {},
): Promise<GrantStrategy> {
  const { issuer } = world.identityProvider
  const idToken = changes.idToken ?? (await singleSignOn(issuer))
  return identityAssertion({
    identityProvider: { issuer, client: ENTERPRISE_SSO_CLIENT, idToken: () => idToken },
    client: CLIENTS.enterprise,
    issuer: changes.issuer ?? world.issuer,
  })
}

const exchanges = (world: MachineWorld): readonly Leg[] =>
  world.legs.filter(
    leg => leg.server === 'identity provider' && requestParameters(leg)['grant_type'] === TOKEN_EXCHANGE,
  )

describe('enterprise-managed authorization between two oidc-providers', () => {
  it('R-IDJAG-1 exchanges the ID token for an assertion, redeems it, and calls a tool as the person', async () => {
    await using world = await startMachineWorld()
    const session = world.session({ grant: await employee(world), interactive: false })
    world.forget()
    const client = await open(session, world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')

    const [exchange, ...moreExchanges] = exchanges(world)
    expect(moreExchanges).toEqual([])
    expect(requestParameters(exchange!)).toMatchObject({
      requested_token_type: ID_JAG,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      audience: world.issuer,
      resource: world.mcpUrl,
      scope: 'notes:read',
    })
    const [redemption, ...moreRedemptions] = world.tokenRequests()
    expect(moreRedemptions).toEqual([])
    const { grant_type: grantType, assertion } = requestParameters(redemption!)
    expect(grantType).toBe(JWT_BEARER)
    expect(assertion).toBe(answer(exchange!)['access_token'])
    expect(decodeProtectedHeader(assertion!).typ).toBe('oauth-id-jag+jwt')
    // Each server is told the secret that it knows, and only that.
    const secret = (leg: Leg) => atob(String(leg.requestHeaders.get('authorization')).slice('Basic '.length))
    expect(secret(exchange!)).toContain(ENTERPRISE_SSO_CLIENT.clientSecret)
    expect(secret(redemption!)).toContain(CLIENTS.enterprise.clientSecret)
    expect(claimsOf(redemption!)).toMatchObject({ sub: 'ada', client_id: CLIENTS.enterprise.clientId })
    expect([...world.at('/auth'), ...world.at('/reg')]).toEqual([])
    await client.close()
  })

  it('R-IDJAG-1 renews with another exchange, without the person, and after a restart', async () => {
    await using world = await startMachineWorld()
    const store = createMemoryStore()
    const grant = await employee(world)
    await world.session({ grant, store }).login()
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    const client = await open(world.session({ grant, store, interactive: false }), world.mcpUrl)
    const results = await Promise.all(Array.from({ length: 50 }, () => client.callTool('list_notes')))
    expect(results.map(text)).toEqual(Array(50).fill(expect.stringContaining('Otters')))
    expect(exchanges(world)).toHaveLength(2)
    expect(world.tokenRequests().map(leg => leg.status)).toEqual([200, 200])
    await client.close()
  })

  it('R-IDJAG-1 logs the person in at the identity provider, once, and refreshes that login when it is not taken any more', async () => {
    await using world = await startMachineWorld()
    const { issuer } = world.identityProvider
    await using identityProvider = openIdLogin({
      issuer,
      client: ENTERPRISE_SSO_CLIENT,
      authorizer: scriptedAuthorizer(),
      now: world.now,
    })
    const grant = identityAssertion({ identityProvider, client: CLIENTS.enterprise, issuer: world.issuer })
    const client = await open(world.session({ grant }), world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    const first = requestParameters(exchanges(world)[0]!)['subject_token']!
    expect(requestParameters(exchanges(world)[1]!)['subject_token']).toBe(first)
    expect(decodeJwt(first)).toMatchObject({ iss: issuer, aud: ENTERPRISE_SSO_CLIENT.clientId, sub: 'ada' })

    world.misissue({ refuses: idToken => idToken === first })
    world.revokeAccessTokens()
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    const grants = world.legs
      .filter(leg => leg.server === 'identity provider' && leg.url.pathname === '/token')
      .map(leg => requestParameters(leg)['grant_type'])
    expect(grants).toEqual([
      'authorization_code',
      TOKEN_EXCHANGE,
      TOKEN_EXCHANGE,
      TOKEN_EXCHANGE,
      'refresh_token',
      TOKEN_EXCHANGE,
    ])
    await client.close()
  })

  it('R-SCOPE-8 steps up by an assertion for the union of scopes', async () => {
    await using world = await startMachineWorld()
    const client = await open(world.session({ grant: await employee(world), interactive: false }), world.mcpUrl)
    expect(text(await client.callTool('add_note', { text: 'Rivers are patient.' }))).toBe('Added note 2.')
    expect(requestParameters(exchanges(world).at(-1)!)['scope']).toBe('notes:read notes:write')
    await client.close()
  })

  it('R-DPOP-1 the token is bound, and the exchange at the identity provider is not disturbed', async () => {
    await using world = await startMachineWorld(BOUND)
    const session = world.session({ grant: await employee(world) })
    const client = await open(session, world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    expect(world.tokenRequests().map(leg => leg.status)).toEqual([400, 200])
    expect(exchanges(world)).toHaveLength(1)
    expect(await session.status()).toMatchObject({ dpop: true })
    await client.close()
  })

  it('R-IDJAG-1 an assertion for another authorization server is refused there', async () => {
    await using world = await startMachineWorld()
    world.misissue({ claims: claims => ({ ...claims, aud: 'https://elsewhere.example' }) })
    const connecting = open(world.session({ grant: await employee(world) }), world.mcpUrl)
    await expect(connecting).rejects.toMatchObject({ code: 'token_refused', detail: { oauthError: 'invalid_grant' } })
    expect(world.tokenRequests()).toHaveLength(1)
  })

  it.each([
    ['issued_token_type', { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' }],
    ['token_type', { token_type: 'Bearer' }],
  ])('R-IDJAG-1 what is no assertion by its %s is sent nowhere', async (_name, wrong) => {
    await using world = await startMachineWorld()
    world.misissue({ answer: said => ({ ...said, ...wrong }) })
    const connecting = open(world.session({ grant: await employee(world) }), world.mcpUrl)
    await expect(connecting).rejects.toMatchObject({ code: 'token_response_invalid' })
    expect(world.tokenRequests()).toEqual([])
  })

  it('R-IDJAG-1 an authorization server that was not agreed on gets nothing, and no assertion is asked for', async () => {
    await using world = await startMachineWorld()
    const grant = await employee(world, { issuer: 'https://pinned.example' })
    world.forget()
    await expect(open(world.session({ grant }), world.mcpUrl)).rejects.toMatchObject({ name: 'OAuthError' })
    expect([...exchanges(world), ...world.tokenRequests()]).toEqual([])
  })

  it('R-IDJAG-1 a refusal of the identity provider is told with its reason, and shows no token', async () => {
    await using world = await startMachineWorld()
    const grant = await employee(world, { idToken: 'canary.id.token' })
    const failure = await open(world.session({ grant }), world.mcpUrl).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'token_refused', detail: { oauthError: 'invalid_request' } })
    expect(JSON.stringify(failure) + String(failure)).not.toContain('canary')
    expect(world.tokenRequests()).toEqual([])
  })

  it('logout revokes the access token where the server can', async () => {
    await using world = await startMachineWorld({ accessTokens: 'opaque' })
    const session = world.session({ grant: await employee(world) })
    const accessToken = await session.accessToken()
    const { revocations } = await session.logout()
    expect(revocations).toEqual([expect.objectContaining({ token: 'access_token', ok: true })])
    const replay = await fetch(world.mcpUrl, { method: 'POST', headers: { authorization: `Bearer ${accessToken}` } })
    expect(replay.status).toBe(401)
  })
})
