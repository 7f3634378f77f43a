import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { requestParameters } from '../../demo/src/leg.ts'
import { type OAuthSession, withOAuth } from '../../src/oauth.ts'
import { ACCESS_TOKEN_SECONDS, type ProtectedNotes, startProtectedNotes } from './protected-notes.ts'

describe.each([
  ['handshake', 'legacy'],
  ['stateless', 'auto'],
] as const)('the official client over withOAuth, %s family', (_family, mode) => {
  let world: ProtectedNotes
  beforeEach(async () => {
    world = await startProtectedNotes()
  })
  afterEach(async () => {
    await world[Symbol.asyncDispose]()
  })

  async function open(session: OAuthSession): Promise<Client> {
    const client = new Client({ name: 'official', version: '1.0.0' }, { versionNegotiation: { mode } })
    const transport = new StreamableHTTPClientTransport(new URL(world.mcpUrl), { fetch: withOAuth(fetch, session) })
    await client.connect(transport)
    return client
  }
  const refreshes = () => world.at('/token').filter(leg => requestParameters(leg)['grant_type'] === 'refresh_token')

  it('logs in, lists and calls, with no other glue', async () => {
    const client = await open(world.session())
    const { tools } = await client.listTools()
    expect(tools.map(tool => tool.name)).toEqual(['list_notes', 'add_note'])
    const { content } = await client.callTool({ name: 'list_notes', arguments: {} })
    expect(content).toEqual([{ type: 'text', text: expect.stringContaining('Otters') as string }])
    expect(world.at('/auth')).toHaveLength(1)
    await client.close()
  })

  it('is refreshed silently and stepped up when a tool needs more', async () => {
    const client = await open(world.session())
    world.advance(ACCESS_TOKEN_SECONDS * 1000)
    await Promise.all([client.listTools(), client.callTool({ name: 'list_notes', arguments: {} })])
    expect(refreshes()).toHaveLength(1)
    expect(world.at('/auth')).toHaveLength(1)

    const { content } = await client.callTool({ name: 'add_note', arguments: { text: 'Rivers are patient.' } })
    expect(content).toEqual([{ type: 'text', text: 'Added note 2.' }])
    expect(world.at('/auth')).toHaveLength(2)
    expect(world.at('/auth')[1]?.url.searchParams.get('scope')).toContain('notes:write')
    await client.close()
  })
})
