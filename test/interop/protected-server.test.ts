import {
  auth,
  Client as OfficialClient,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listenRecorded } from '../../demo/src/recorded-server.ts'
import { approve } from '../../demo/src/scripted-user.ts'
import { connect } from '../../src/client.ts'
import { toNodeHandler } from '../../src/node.ts'
import { authorizationCode, createOAuthSession, withOAuth } from '../../src/oauth.ts'
import { jwtVerifier, protect } from '../../src/resource-server.ts'
import { createServer } from '../../src/server.ts'
import { type ProtectedNotes, scriptedAuthorizer, startProtectedNotes } from './protected-notes.ts'

let world: ProtectedNotes
beforeEach(async () => {
  world = await startProtectedNotes('', { server: 'ours' })
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
})

/** Whether it may refresh is between a client and the authorization server: no server of ours says so. */
const scopesAsked = (): readonly (readonly string[])[] =>
  world.at('/auth').map(leg => {
    const scopes = leg.url.searchParams.get('scope')?.split(' ') ?? []
    return scopes.filter(scope => scope !== 'offline_access').sort()
  })
const calls = (status: number) => world.legs.filter(leg => leg.server === 'notes server' && leg.status === status)

describe.each(['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26'] as const)(
  'our client, our server: %s',
  revision => {
    it('logs in once, sees what it may use, steps up once, and sees more', async () => {
      const client = await connect(world.mcpUrl, { fetch: withOAuth(fetch, world.session()), revision })
      const names = async (): Promise<readonly string[]> => (await client.listTools()).tools.map(({ name }) => name)
      expect(await names()).toEqual(['list_notes'])
      expect(scopesAsked()).toEqual([['notes:read']])
      expect(calls(401).length).toBeGreaterThan(0)
      for (const { responseHeaders } of calls(401))
        expect(responseHeaders.get('www-authenticate')).not.toContain('error=')

      const { content } = await client.callTool('add_note', { text: 'Rivers are patient.' })
      expect(content).toEqual([{ type: 'text', text: 'Added note 2.' }])
      expect(await names()).toEqual(['list_notes', 'add_note'])
      expect(scopesAsked()).toEqual([['notes:read'], ['notes:read', 'notes:write']])
      expect(calls(403)).toHaveLength(1)
      expect(world.at('/reg')).toHaveLength(1)
      await client.close()
    })

    it('a token that was revoked is refused at once, and renewed without asking anybody', async () => {
      const client = await connect(world.mcpUrl, { fetch: withOAuth(fetch, world.session()), revision })
      await client.callTool('list_notes')
      world.revokeAccessTokens()
      expect((await client.callTool('list_notes')).isError).not.toBe(true)
      expect(world.at('/auth')).toHaveLength(1)
      await client.close()
    })
  },
)

describe.each(['legacy', 'auto'] as const)('the official client, our server: negotiation %s', mode => {
  const open = async (options: ConstructorParameters<typeof StreamableHTTPClientTransport>[1]) => {
    const client = new OfficialClient({ name: 'official', version: '1.0.0' }, { versionNegotiation: { mode } })
    const transport = new StreamableHTTPClientTransport(new URL(world.mcpUrl), options)
    await client.connect(transport)
    return client
  }
  const names = async (client: OfficialClient) => (await client.listTools()).tools.map(({ name }) => name)
  const add = { name: 'add_note', arguments: { text: 'Rivers are patient.' } }
  const added = [{ type: 'text', text: 'Added note 2.' }]

  it('over withOAuth: logs in once, steps up once, and its list grows', async () => {
    const client = await open({ fetch: withOAuth(fetch, world.session()) })
    expect(await names(client)).toEqual(['list_notes'])
    expect((await client.callTool(add)).content).toEqual(added)
    expect(await names(client)).toEqual(['list_notes', 'add_note'])
    expect(scopesAsked()).toEqual([['notes:read'], ['notes:read', 'notes:write']])
    await client.close()
  })

  it('with its own authorization: logs in once, steps up once, and its list grows', async () => {
    const person = new OfficialPerson()
    const authorized = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof UnauthorizedError)) throw error
        await person.approve(world.mcpUrl)
        return work()
      }
    }
    const client = await authorized(() => open({ authProvider: person }))
    expect(await names(client)).toEqual(['list_notes'])
    expect(scopesAsked()).toEqual([['notes:read']])
    expect((await authorized(() => client.callTool(add))).content).toEqual(added)
    expect(await names(client)).toEqual(['list_notes', 'add_note'])
    expect(scopesAsked()).toEqual([['notes:read'], ['notes:read', 'notes:write']])
    expect(world.at('/reg')).toHaveLength(1)
    await client.close()
  })
})

describe('field V18: where a token is optional', () => {
  const start = () => {
    const server = createServer({ name: 'notes', version: '1.0.0' })
    server.tool('open', {}, () => 'for everybody')
    server.tool('mine', { scopes: ['notes:read'] }, (_args, { auth }) => `of ${auth?.subject ?? 'nobody'}`)
    return listenRecorded('optional', origin => {
      const { issuer } = world
      const verify = jwtVerifier({ issuer })
      const resource = `${origin}/mcp`
      return toNodeHandler(protect(server, { resource, authorizationServers: [issuer], verify, optional: true }))
    })
  }
  const sessionOf = (server: string) =>
    createOAuthSession({ server, grant: authorizationCode({ authorizer: scriptedAuthorizer() }) })

  it.each(['2026-07-28', '2025-11-25'] as const)(
    'our client logs in at the call that asks for it (%s)',
    async revision => {
      const running = await start()
      await using session = sessionOf(`${running.url}/mcp`)
      const client = await connect(`${running.url}/mcp`, { fetch: withOAuth(fetch, session), revision })
      expect((await client.callTool('open')).content).toEqual([{ type: 'text', text: 'for everybody' }])
      expect(world.at('/auth')).toHaveLength(0)
      expect((await client.callTool('mine')).content).toEqual([{ type: 'text', text: 'of ada' }])
      expect((await client.callTool('open')).content).toEqual([{ type: 'text', text: 'for everybody' }])
      expect(scopesAsked()).toEqual([['notes:read']])
      await client.close()
      await running.close()
    },
  )

  it.each(['legacy', 'auto'] as const)('the official client does, in its session (negotiation %s)', async mode => {
    const running = await start()
    await using session = sessionOf(`${running.url}/mcp`)
    const client = new OfficialClient({ name: 'official', version: '1.0.0' }, { versionNegotiation: { mode } })
    const options = { fetch: withOAuth(fetch, session) }
    await client.connect(new StreamableHTTPClientTransport(new URL(`${running.url}/mcp`), options))
    const text = async (name: string) => (await client.callTool({ name, arguments: {} })).content
    expect(await text('open')).toEqual([{ type: 'text', text: 'for everybody' }])
    expect(await text('mine')).toEqual([{ type: 'text', text: 'of ada' }])
    expect(await text('open')).toEqual([{ type: 'text', text: 'for everybody' }])
    expect(scopesAsked()).toEqual([['notes:read']])
    await client.close()
    await running.close()
  })
})

const REDIRECT_URI = 'http://127.0.0.1:18080/callback'

/** What an application writes for the official client, kept in memory; the person's browser is scripted. */
class OfficialPerson implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT_URI
  readonly clientMetadata = { client_name: 'official', redirect_uris: [REDIRECT_URI], application_type: 'native' }
  #client: Awaited<ReturnType<OAuthClientProvider['clientInformation']>>
  #tokens: Awaited<ReturnType<OAuthClientProvider['tokens']>>
  #discovery: Awaited<ReturnType<NonNullable<OAuthClientProvider['discoveryState']>>>
  #verifier = ''
  #url: URL | undefined

  clientInformation() {
    return this.#client
  }
  saveClientInformation(information: NonNullable<Awaited<ReturnType<OAuthClientProvider['clientInformation']>>>) {
    this.#client = information
  }
  tokens() {
    return this.#tokens
  }
  saveTokens(tokens: NonNullable<Awaited<ReturnType<OAuthClientProvider['tokens']>>>) {
    this.#tokens = tokens
  }
  redirectToAuthorization(url: URL) {
    this.#url = url
  }
  discoveryState() {
    return this.#discovery
  }
  saveDiscoveryState(state: NonNullable<Awaited<ReturnType<NonNullable<OAuthClientProvider['discoveryState']>>>>) {
    this.#discovery = state
  }
  saveCodeVerifier(verifier: string) {
    this.#verifier = verifier
  }
  codeVerifier() {
    return this.#verifier
  }

  /** Goes to the page that the client asked for, and brings back the code. */
  async approve(serverUrl: string): Promise<void> {
    const page = await approve(this.#url!, { stopAt: REDIRECT_URI })
    const { searchParams } = new URL(page.url)
    const iss = searchParams.get('iss')
    await auth(this, {
      serverUrl,
      authorizationCode: searchParams.get('code')!,
      ...(iss !== null && { iss }),
    })
  }
}
