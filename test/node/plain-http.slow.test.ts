import { describe, expect, it } from 'vitest'
import { connect } from '../../src/node/connect.ts'
import { createDefaultSession } from '../../src/node/default-session.ts'
import { listen } from '../../src/node/listen.ts'
import { authorizationCode } from '../../src/oauth/flows/authorization-code.ts'
import { createMemoryStore } from '../../src/oauth/store/memory-store.ts'
import { createMisbehavingServer, type MisbehavingServer } from '../../src/testing/misbehaving-server.ts'

describe.skipIf(process.platform === 'win32')('a server that speaks plain http inside a network', () => {
  const refused = {
    name: 'OAuthError',
    code: 'url_refused',
    message: expect.stringContaining('http://0.0.0.0:'),
    detail: {
      expected: 'an https URL, or http on a loopback host',
      hint: expect.stringContaining('never sent in the clear'),
    },
  }

  it('field P7: gets no login and no token, and the error says that https or loopback is needed, and how to have it', async () => {
    const hosted: { server?: MisbehavingServer } = {}
    const listener = await listen(async request => hosted.server?.handle(request) ?? new Response(), {
      host: '0.0.0.0',
    })
    const server = createMisbehavingServer({
      issuers: [listener.url, `${listener.url}/two`],
      mcpUrl: `${listener.url}/mcp`,
    })
    hosted.server = server
    const oauth = { store: createMemoryStore(), grant: authorizationCode({ authorizer: server.authorizer() }) }
    await using session = createDefaultSession(server.mcpUrl, oauth)
    await expect(session.login()).rejects.toMatchObject(refused)
    await expect(connect(server.mcpUrl, { oauth })).rejects.toMatchObject(refused)
    expect(new Set(server.requests.map(({ step }) => step))).toEqual(new Set(['mcp']))
    const headers = { authorization: 'Bearer key' }
    await expect(connect(server.mcpUrl, { oauth, headers })).rejects.toMatchObject({ name: 'TransportError' })
    await listener.close()
  })

  it('field P7: is used without a login where it asks for none', async () => {
    const hosted: { server?: MisbehavingServer } = {}
    const listener = await listen(async request => hosted.server?.handle(request) ?? new Response(), {
      host: '0.0.0.0',
    })
    hosted.server = createMisbehavingServer({ mcpUrl: `${listener.url}/mcp`, protection: 'nothing' })
    await using client = await connect(`${listener.url}/mcp`, { oauth: { store: createMemoryStore() } })
    await client.callTool('echo')
    await listener.close()
  })
})
