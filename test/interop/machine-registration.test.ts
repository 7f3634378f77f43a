import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { answer, requestParameters } from '../../demo/src/leg.ts'
import { SCRIPTED_USER_AGENT } from '../../demo/src/scripted-user.ts'
import { connect } from '../../src/client.ts'
import {
  authorizationCode,
  type AuthorizationCodeOptions,
  createMemoryStore,
  type OAuthSession,
  withOAuth,
} from '../../src/oauth.ts'
import { CLIENT_METADATA_URL, CLIENTS, REDIRECT_URI, signingKey, WEB_CLIENT_ID } from './machine-clients.ts'
import { ACCESS_TOKEN_SECONDS, type MachineWorld, startMachineWorld } from './machine-world.ts'
import { scriptedAuthorizer } from './protected-notes.ts'

const text = (result: { content: readonly object[] }): string => (result.content[0] as { text: string }).text

const open = (session: OAuthSession, server: string) => connect(server, { fetch: withOAuth(fetch, session) })

const person = (options: Partial<AuthorizationCodeOptions> = {}) =>
  authorizationCode({ authorizer: scriptedAuthorizer(), ...options })

const tokenEndpointAuthMethod = 'client_secret_post'

/** What the person's browser opened, looks at the page in advance not included. */
const authorizationsOf = (world: MachineWorld): readonly URL[] =>
  world
    .at('/auth')
    .filter(leg => leg.requestHeaders.get('user-agent') === SCRIPTED_USER_AGENT)
    .map(leg => leg.url)

const clientMetadataDocument = {
  client_id: CLIENT_METADATA_URL,
  client_name: 'Latchkey',
  application_type: 'native',
  redirect_uris: [REDIRECT_URI],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
}

/** What a pruned database or a restart does. */
async function forget({ authorizationServer: { provider } }: MachineWorld, clientId: string): Promise<void> {
  const { adapter } = provider.Client as unknown as { adapter: { destroy(id: string): Promise<void> } }
  await adapter.destroy(clientId)
}

const clientMetadataUrl = CLIENT_METADATA_URL

describe('client-id metadata documents against oidc-provider', () => {
  it('R-CIMD-1 is the client named by its document: nothing is registered, refreshing and revoking work', async () => {
    await using world = await startMachineWorld({ clientMetadataDocument })
    const session = world.session({ grant: person({ clientMetadataUrl }) })
    const client = await open(session, world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')

    expect(world.at('/reg')).toEqual([])
    expect(authorizationsOf(world)[0]?.searchParams.get('client_id')).toBe(CLIENT_METADATA_URL)
    const requests = world.tokenRequests()
    expect(requests.map(leg => [leg.status, requestParameters(leg)['client_id']])).toEqual([
      [200, CLIENT_METADATA_URL],
      [200, CLIENT_METADATA_URL],
    ])
    expect(await session.status()).toMatchObject({
      clientId: CLIENT_METADATA_URL,
      registration: 'client-id-metadata-document',
    })
    const { revocations } = await session.logout()
    expect(revocations).toContainEqual(expect.objectContaining({ token: 'refresh_token', ok: true }))
    await client.close()
  })

  it('R-CIMD-5 signs as the client whose document names its keys', async () => {
    const { privateJwk, publicJwk } = await signingKey('ES256')
    await using world = await startMachineWorld({
      clientMetadataDocument: {
        ...clientMetadataDocument,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [publicJwk] },
      },
    })
    const grant = person({ clientMetadataUrl, clientMetadataKey: { key: privateJwk } })
    const session = world.session({ grant })
    const client = await open(session, world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')

    const requests = world.tokenRequests()
    expect(requests.map(leg => leg.status)).toEqual([200, 200])
    const assertions = requests.map(leg => requestParameters(leg)['client_assertion']!)
    expect(decodeProtectedHeader(assertions[0]!)).toMatchObject({ alg: 'ES256', kid: privateJwk.kid })
    expect(decodeJwt(assertions[1]!)).toMatchObject({
      iss: CLIENT_METADATA_URL,
      sub: CLIENT_METADATA_URL,
      aud: world.issuer,
    })
    const { revocations } = await session.logout()
    expect(revocations).toContainEqual(expect.objectContaining({ token: 'refresh_token', ok: true }))
    await client.close()
  })

  it('R-CIMD-1 registers where documents are not supported', async () => {
    await using world = await startMachineWorld()
    const session = world.session({ grant: person({ clientMetadataUrl }) })
    const client = await open(session, world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    expect(world.at('/reg')).toHaveLength(1)
    expect(await session.status()).toMatchObject({ registration: 'dynamic' })
    await client.close()
  })

  const ANOTHER = { ...clientMetadataDocument, client_id: 'https://client.example/another.json' }

  it.each([
    ['cannot be fetched', null, 'off'],
    ['names another client', ANOTHER, 'off'],
    ['cannot be fetched, as the pushed request is told', null, 'required'],
    ['names another client, as the pushed request is told', ANOTHER, 'required'],
  ] as const)('R-CIMD-7 field R12: registers once where the document %s', async (_name, document, pushed) => {
    await using world = await startMachineWorld({
      clientMetadataDocument: document,
      pushedAuthorizationRequests: pushed,
    })
    const session = world.session({ grant: person({ clientMetadataUrl }) })
    const client = await open(session, world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    expect(world.at('/reg')).toHaveLength(1)
    expect(authorizationsOf(world)).toHaveLength(1)
    expect(await session.status()).toMatchObject({ registration: 'dynamic' })
    await session.login({ force: true })
    expect(world.at('/reg')).toHaveLength(1)
    await client.close()
  })
})

describe('dynamic registration against oidc-provider', () => {
  it.each([
    ['page', 'off'],
    ['answer to a pushed request', 'required'],
  ] as const)(
    'field R3: a client that the %s refuses is registered anew before a browser opens',
    async (_name, pushed) => {
      await using world = await startMachineWorld({ pushedAuthorizationRequests: pushed })
      const store = createMemoryStore()
      const session = world.session({ grant: person(), store })
      await session.login()
      const { clientId } = await session.status()
      await forget(world, clientId!)
      // Long enough ago for the registration to be doubted.
      world.advance(3_600_000)
      const again = world.session({ grant: person(), store })
      await again.login({ force: true })
      expect(world.at('/reg').map(leg => leg.status)).toEqual([201, 201])
      expect(authorizationsOf(world)).toHaveLength(2)
      expect((await again.status()).clientId).not.toBe(clientId)
    },
  )
})

describe('a person and a client with a key against oidc-provider', () => {
  it('R-JWT-1 signs for pushed request, code, refresh and revocation, each time anew', async () => {
    const { privateJwk } = await signingKey('PS256')
    await using world = await startMachineWorld({ pushedAuthorizationRequests: 'required' })
    const session = world.session({
      grant: person({ client: { clientId: WEB_CLIENT_ID, privateKey: { key: privateJwk } } }),
    })
    const client = await open(session, world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    const { revocations } = await session.logout()
    expect(revocations).toContainEqual(expect.objectContaining({ token: 'refresh_token', ok: true }))

    const asClient = [...world.at('/request'), ...world.tokenRequests(), ...world.at('/token/revocation')]
    const assertions = asClient.map(leg => requestParameters(leg)['client_assertion']!)
    expect(assertions.length).toBeGreaterThanOrEqual(4)
    expect(new Set(assertions.map(assertion => decodeJwt(assertion).jti)).size).toBe(assertions.length)
    expect(new Set(assertions.map(assertion => decodeProtectedHeader(assertion).alg))).toEqual(new Set(['PS256']))
    await client.close()
  })
})

describe('pushed authorization requests against oidc-provider', () => {
  it('are pushed where required: the browser sees a reference', async () => {
    await using world = await startMachineWorld({ pushedAuthorizationRequests: 'required' })
    const client = await open(world.session({ grant: person() }), world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')

    const [pushed, ...more] = world.at('/request')
    expect(more).toEqual([])
    const { client_id: clientId, ...parameters } = requestParameters(pushed!)
    expect(parameters).toMatchObject({
      response_type: 'code',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge_method: 'S256',
      redirect_uri: REDIRECT_URI,
      resource: world.mcpUrl,
      scope: expect.stringContaining('notes:read') as string,
      state: expect.stringMatching(/^[\w-]{22,}$/) as string,
    })
    expect(authorizationsOf(world).map(url => Object.fromEntries(url.searchParams))).toEqual([
      { client_id: clientId, request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:/) as string },
    ])
    await client.close()
  })

  it('name the client although HTTP Basic does so, too', async () => {
    await using world = await startMachineWorld({ pushedAuthorizationRequests: 'required' })
    const client = await open(world.session({ grant: person({ client: CLIENTS.intranet }) }), world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    const [pushed] = world.at('/request')
    expect(pushed!.requestHeaders.get('authorization')).toMatch(/^Basic /)
    expect(requestParameters(pushed!)['client_id']).toBe(CLIENTS.intranet.clientId)
    await client.close()
  })

  it('are pushed where advertised; a reference that lives a minute is not shown to a person, who may be slower', async () => {
    await using world = await startMachineWorld({ pushedAuthorizationRequests: 'advertised' })
    const client = await open(world.session({ grant: person() }), world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    const pushed = world.at('/request')
    expect(pushed.map(leg => leg.status)).toEqual([201])
    expect(answer(pushed[0]!)['expires_in']).toBe(60)
    const [opened, ...more] = authorizationsOf(world)
    expect(more).toEqual([])
    expect(opened!.searchParams.get('state')).toBe(requestParameters(pushed[0]!)['state'])
    await client.close()
  })

  it('what is refused is told before a browser opens', async () => {
    await using world = await startMachineWorld({ pushedAuthorizationRequests: 'required' })
    const client = { clientId: CLIENTS.desktop.clientId, clientSecret: 'wrong', tokenEndpointAuthMethod } as const
    const login = world.session({ grant: person({ client }) }).login()
    await expect(login).rejects.toMatchObject({
      code: 'authorization_refused',
      detail: { oauthError: 'invalid_client' },
    })
    expect(authorizationsOf(world)).toEqual([])
  })

  it('are not pushed where nobody offers it', async () => {
    await using world = await startMachineWorld()
    const client = await open(world.session({ grant: person() }), world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    expect(world.at('/request')).toEqual([])
    expect(authorizationsOf(world)[0]?.searchParams.get('code_challenge_method')).toBe('S256')
    await client.close()
  })

  it('R-SCOPE-8 a step-up is pushed, too', async () => {
    await using world = await startMachineWorld({ pushedAuthorizationRequests: 'required' })
    const client = await open(world.session({ grant: person({ client: CLIENTS.desktop }) }), world.mcpUrl)
    await client.callTool('list_notes')
    expect(text(await client.callTool('add_note', { text: 'Rivers are patient.' }))).toBe('Added note 2.')
    const scopes = world.at('/request').map(leg => requestParameters(leg)['scope']?.split(' '))
    expect(scopes).toHaveLength(2)
    expect(scopes[1]).toEqual(expect.arrayContaining(['notes:read', 'notes:write']))
    await client.close()
  })

  it('R-DPOP-1 bind the code to the key that its tokens are bound to', async () => {
    const { privateJwk, publicJwk } = await signingKey('ES256')
    await using world = await startMachineWorld({
      pushedAuthorizationRequests: 'required',
      dpop: 'nonces',
      notesDpop: 'required',
      notesNonces: true,
      clientMetadataDocument: {
        ...clientMetadataDocument,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [publicJwk] },
      },
    })
    const grant = person({ clientMetadataUrl, clientMetadataKey: { key: privateJwk } })
    const client = await open(world.session({ grant }), world.mcpUrl)
    expect(text(await client.callTool('list_notes'))).toContain('Otters')
    const pushed = world.at('/request').map(leg => requestParameters(leg))
    expect(pushed.at(-1)).toMatchObject({ dpop_jkt: expect.stringMatching(/^[\w-]{43}$/) as string })
    expect(new Set(pushed.map(({ client_assertion: assertion }) => decodeJwt(assertion!).jti)).size).toBe(pushed.length)
    await client.close()
  })
})
