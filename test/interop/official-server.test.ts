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

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.()
  hanging = undefined
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
    const { progressToken: token } = context.mcpReq['_meta'] ?? {}
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

function statelessHandler(mode: Mode): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const handle = toNodeHandler(createMcpHandler(makeServer, mode === 'stateless-sse' ? { responseMode: 'sse' } : {}))
  return async (request, response) => {
    await handle(request as Parameters<typeof handle>[0], response)
  }
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

    it('reports progress as it happens', async () => {
      const { url } = await serve(mode)
      const client = await connected(url)
      const seen: unknown[] = []
      const answer = await client.callTool('slow', {}, { onProgress: progress => seen.push(progress) })
      expect(answer.content).toEqual([{ type: 'text', text: 'done' }])
      // A JSON answer has no room for progress.
      expect(seen).toEqual(mode === 'session-json' ? [] : [1, 2].map(progress => ({ progress, total: 2 })))
    })

    it("cancels a call by its signal, and the server's handler hears of it", async () => {
      const { url } = await serve(mode)
      const client = await connected(url)
      const states: string[] = []
      const controller = new AbortController()
      const reachedAbort = new Promise<void>(resolve => {
        hanging = state => {
          states.push(state)
          if (state === 'started') controller.abort()
          else resolve()
        }
      })
      await expect(client.callTool('hang', {}, { signal: controller.signal })).rejects.toMatchObject({
        code: 'aborted',
      })
      await reachedAbort
      expect(states).toEqual(['started', 'aborted'])
    })

    it("gives the server's error for an unknown resource", async () => {
      const { url } = await serve(mode)
      const client = await connected(url)
      await expect(client.readResource('file:///nowhere')).rejects.toMatchObject({ name: 'RpcError' })
    })
  },
)

describe('sessions of the official v2 server', () => {
  it.each<Mode>(['session-json', 'session-sse'])('%s: DELETE on close ends the session', async mode => {
    const { url, requests, sessions } = await serve(mode)
    const client = await connect(url)
    expect(sessions.size).toBe(1)
    await client.close()
    expect(sessions.size).toBe(0)
    expect(requests.at(-1)).toMatchObject({ method: 'DELETE' })
  })

  it.each<Mode>(['session-json', 'session-sse'])(
    'field X1: %s: a session the server forgot is renewed, and the call is made once more',
    async mode => {
      const { url, sessions } = await serve(mode)
      const client = await connected(url)
      const { sessionId } = client
      sessions.clear()
      expect((await client.callTool('add', { a: 1, b: 1 })).content).toEqual([{ type: 'text', text: '2' }])
      expect(client.sessionId).not.toBe(sessionId)
    },
  )

  it('speaks each handshake revision it is pinned to', async () => {
    for (const revision of ['2025-03-26', '2025-06-18', '2025-11-25'] as const) {
      const { url } = await serve('session-sse')
      const client = await connected(url, { revision })
      expect(client.revision).toBe(revision)
      expect((await client.callTool('add', { a: 1, b: 1 })).isError).toBeFalsy()
    }
  })
})
