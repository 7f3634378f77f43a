import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Client, connect, type ConnectOptions } from '../../src/client.ts'

interface Recorded {
  readonly method: string
  readonly headers: IncomingMessage['headers']
}

interface Running {
  readonly url: string
  readonly requests: Recorded[]
  readonly sessions: Map<string, NodeStreamableHTTPServerTransport>
}

let cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
  cleanups = []
})

function makeServer(): McpServer {
  const server = new McpServer({ name: 'official', version: '2.0.0' }, { instructions: 'Be kind.' })
  server.registerTool(
    'add',
    { description: 'Adds', inputSchema: z.object({ a: z.number(), b: z.number() }) },
    ({ a, b }) => ({
      content: [{ type: 'text', text: String(a + b) }],
    }),
  )
  server.registerTool('slow', { inputSchema: z.object({}) }, async (_args, context) => {
    const token = context.mcpReq._meta?.progressToken
    for (const progress of [1, 2]) {
      if (token !== undefined)
        await context.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken: token, progress, total: 2 },
        })
    }
    return { content: [{ type: 'text', text: 'done' }] }
  })
  server.registerTool('hang', { inputSchema: z.object({}) }, async (_args, context) => {
    hanging?.('started')
    await new Promise<void>(resolve => context.mcpReq.signal.addEventListener('abort', () => resolve()))
    hanging?.('aborted')
    return { content: [] }
  })
  server.registerTool('fails', { inputSchema: z.object({}) }, () => ({
    content: [{ type: 'text', text: 'no' }],
    isError: true,
  }))
  server.registerResource('readme', 'file:///read%20me.txt', { mimeType: 'text/plain' }, uri => ({
    contents: [{ uri: uri.href, text: 'Hello' }],
  }))
  server.registerPrompt('greet', { argsSchema: z.object({ name: z.string() }) }, ({ name }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Hello ${name}` } }],
  }))
  return server
}

let hanging: ((state: 'started' | 'aborted') => void) | undefined

type Mode = 'stateless' | 'stateless-sse' | 'session-json' | 'session-sse'

async function serve(mode: Mode): Promise<Running> {
  const requests: Recorded[] = []
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>()
  const handle = mode.startsWith('stateless') ? statelessHandler(mode) : sessionHandler(mode, sessions)
  const server: Server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', headers: request.headers })
    void handle(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(
    () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, requests, sessions }
}

function statelessHandler(mode: Mode): (request: IncomingMessage, response: ServerResponse) => unknown {
  return toNodeHandler(createMcpHandler(makeServer, mode === 'stateless-sse' ? { responseMode: 'sse' } : {}))
}

function sessionHandler(mode: Mode, sessions: Map<string, NodeStreamableHTTPServerTransport>) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const id = request.headers['mcp-session-id']
    let transport = typeof id === 'string' ? sessions.get(id) : undefined
    if (!transport && id !== undefined) {
      response.writeHead(404).end()
      return
    }
    if (!transport) {
      const created = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        enableJsonResponse: mode === 'session-json',
        onsessioninitialized: given => void sessions.set(given, created),
        onsessionclosed: given => void sessions.delete(given),
      })
      transport = created
      await makeServer().connect(transport)
    }
    await transport.handleRequest(request, response)
  }
}

async function connected(url: string, options?: ConnectOptions): Promise<Client> {
  const client = await connect(url, options)
  cleanups.push(() => client.close())
  return client
}

describe.each<Mode>(['stateless', 'stateless-sse', 'session-json', 'session-sse'])(
  'the official v2 server, %s',
  mode => {
    const isStateless = mode.startsWith('stateless')

    it('negotiates, lists, calls, reads and gets', async () => {
      const { url } = await serve(mode)
      const client = await connected(url)

      expect(client.revision).toBe(isStateless ? '2026-07-28' : '2025-11-25')
      expect(client.serverInfo?.name).toBe('official')
      expect(client.instructions).toBe('Be kind.')
      expect(client.serverCapabilities.tools).toBeDefined()
      expect(client.sessionId === undefined).toBe(isStateless)
      expect((await client.listTools()).tools.map(tool => tool.name)).toEqual(['add', 'slow', 'hang', 'fails'])
      expect((await client.callTool('add', { a: 2, b: 3 })).content).toEqual([{ type: 'text', text: '5' }])
      expect((await client.callTool('fails', {})).isError).toBe(true)
      expect((await client.listResources()).resources.map(resource => resource.uri)).toEqual(['file:///read%20me.txt'])
      expect((await client.readResource('file:///read%20me.txt')).contents).toMatchObject([{ text: 'Hello' }])
      expect((await client.listPrompts()).prompts.map(prompt => prompt.name)).toEqual(['greet'])
      expect((await client.getPrompt('greet', { name: 'Ada' })).messages).toMatchObject([
        { content: { text: 'Hello Ada' } },
      ])
      await client.ping()
    })
  },
)
