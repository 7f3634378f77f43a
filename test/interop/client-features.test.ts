import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect as connectSocket, createServer as createTcpServer, type Socket } from 'node:net'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { acceptedContent, createMcpHandler, inputRequired, McpServer as NewServer } from '@modelcontextprotocol/server'
import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js'
import { McpServer as OldServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { type EventStore, StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { ElicitResultSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Change, type Client, connect, type ConnectOptions } from '../../src/client.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.()
})

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<number> {
  const server: Server = createServer((request, response) => void handle(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(
    () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return (server.address() as AddressInfo).port
}

async function open(port: number, options?: ConnectOptions): Promise<Client> {
  const client = await connect(`http://127.0.0.1:${port}/mcp`, options)
  cleanups.push(() => client.close())
  return client
}

/** Passes bytes on, until its connections are destroyed. */
async function proxyTo(port: number): Promise<{ readonly port: number; cutConnections(): number }> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
  }
  const proxy = createTcpServer(near => {
    const far = connectSocket(port, '127.0.0.1')
    keep(near)
    keep(far)
    near.pipe(far).once('close', () => near.destroy())
    far.pipe(near).once('close', () => far.destroy())
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  const cutConnections = (): number => {
    const { size } = sockets
    for (const socket of sockets) socket.destroy()
    return size
  }
  cleanups.push(() => {
    cutConnections()
    proxy.close()
  })
  return { port: (proxy.address() as AddressInfo).port, cutConnections }
}

/** The official example finds nothing of the listening stream, whose name it takes apart wrongly. */
function orderedEventStore(): EventStore {
  const events: { readonly streamId: string; readonly message: JSONRPCMessage }[] = []
  return {
    storeEvent: async (streamId, message) => String(events.push({ streamId, message })),
    async replayEventsAfter(lastEventId, { send }) {
      const streamId = events[Number(lastEventId) - 1]?.streamId ?? ''
      for (const [index, event] of events.entries())
        if (index >= Number(lastEventId) && event.streamId === streamId) await send(String(index + 1), event.message)
      return streamId
    },
  }
}

/** The official v1 server with sessions; every stream can be taken up again. */
function oldHandler(register: (server: OldServer) => void, createStore = () => new InMemoryEventStore() as EventStore) {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  return {
    sessions,
    handle: async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const id = request.headers['mcp-session-id']
      let transport = typeof id === 'string' ? sessions.get(id) : undefined
      if (!transport && id !== undefined) {
        response.writeHead(404).end()
        return
      }
      if (!transport) {
        const created = new StreamableHTTPServerTransport({
          sessionIdGenerator: randomUUID,
          eventStore: createStore(),
          retryInterval: 50,
          onsessioninitialized: given => void sessions.set(given, created),
        })
        transport = created
        const server = new OldServer({ name: 'v1', version: '1.0.0' }, { capabilities: { logging: {} } })
        register(server)
        await server.connect(created)
      }
      await transport.handleRequest(request, response)
    },
  }
}

describe('resumption with the event store of the official v1 server', () => {
  it.each([1, 2, 3])('a call outlives %d destroyed connections, and runs once', async cuts => {
    let runs = 0
    const reached: (() => void)[] = []
    const passed: Promise<void>[] = []
    for (let cut = 0; cut <= cuts; cut += 1) passed.push(new Promise(resolve => reached.push(resolve)))
    const { handle } = oldHandler(server =>
      server.registerTool('steps', { inputSchema: {} }, async (_args, { sendNotification, _meta }) => {
        runs += 1
        for (let step = 0; step <= cuts; step += 1) {
          const params = { progressToken: _meta?.progressToken ?? 0, progress: step + 1 }
          await sendNotification({ method: 'notifications/progress', params })
          await passed[step]
        }
        return { content: [{ type: 'text', text: 'done' }] }
      }),
    )
    const proxy = await proxyTo(await serve(handle))
    const client = await open(proxy.port)
    const seen: number[] = []
    const result = await client.callTool(
      'steps',
      {},
      {
        onProgress: ({ progress }) => {
          seen.push(progress)
          // The server goes on while nobody is connected.
          if (progress <= cuts) expect(proxy.cutConnections()).toBeGreaterThan(0)
          reached[progress - 1]?.()
        },
      },
    )
    expect(result.content).toEqual([{ type: 'text', text: 'done' }])
    expect(runs).toBe(1)
    expect(seen).toEqual(Array.from({ length: cuts + 1 }, (_, step) => step + 1))
  })

  it('a question asked while the connection was down is answered all the same', async () => {
    let resume: (() => void) | undefined
    const disconnected = new Promise<void>(resolve => (resume = resolve))
    const { handle } = oldHandler(server =>
      server.registerTool('ask', { inputSchema: {} }, async (_args, { sendNotification, sendRequest, _meta }) => {
        const params = { progressToken: _meta?.progressToken ?? 0, progress: 1 }
        await sendNotification({ method: 'notifications/progress', params })
        await disconnected
        const ask = {
          message: 'Name?',
          requestedSchema: { type: 'object', properties: { name: { type: 'string', default: 'Ada' } } },
        } as const
        const { action, content } = await sendRequest({ method: 'elicitation/create', params: ask }, ElicitResultSchema)
        return { content: [{ type: 'text', text: `${action} ${JSON.stringify(content)}` }] }
      }),
    )
    const proxy = await proxyTo(await serve(handle))
    const client = await open(proxy.port, { elicitation: { form: () => ({ action: 'accept' }) } })
    const onProgress = (): void => {
      proxy.cutConnections()
      resume?.()
    }
    expect((await client.callTool('ask', {}, { onProgress })).content).toEqual([
      { type: 'text', text: 'accept {"name":"Ada"}' },
    ])
  })

  it('the listening stream is opened again where it broke off', async () => {
    const servers: OldServer[] = []
    const { handle, sessions } = oldHandler(server => {
      servers.push(server)
      server.registerTool('first', { inputSchema: {} }, () => ({ content: [] }))
    }, orderedEventStore)
    const proxy = await proxyTo(await serve(handle))
    const client = await open(proxy.port)
    const changes: Change[] = []
    await client.subscribe({ tools: true }, change => changes.push(change))
    const add = (name: string): unknown =>
      servers.at(-1)?.registerTool(name, { inputSchema: {} }, () => ({ content: [] }))
    await expect
      .poll(() => {
        if (changes.length === 0) add(`early${Math.random()}`)
        return changes.length
      })
      .toBeGreaterThan(0)
    proxy.cutConnections()
    changes.length = 0
    // Told while nobody listens: the event store keeps it.
    add('late')
    await expect.poll(() => changes, { timeout: 10_000 }).toContainEqual({ kind: 'tools' })
    expect(sessions.size).toBe(1)
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('late')
  })
})

describe('the features of the official v2 server on revision 2026-07-28', () => {
  function newHandler(register: (server: NewServer) => void) {
    const capabilities = { resources: { subscribe: true, listChanged: true }, tools: { listChanged: true } }
    return createMcpHandler(() => {
      const server = new NewServer({ name: 'v2', version: '2.0.0' }, { capabilities })
      register(server)
      return server
    })
  }
  const serveNew = (handler: ReturnType<typeof newHandler>): Promise<number> => {
    const handle = toNodeHandler(handler)
    return serve(async (request, response) => handle(request as Parameters<typeof handle>[0], response))
  }

  it('input-required: a form, a model, roots and a URL in one round, and state over two', async () => {
    const handler = newHandler(server =>
      server.registerTool('deploy', { inputSchema: z.object({ env: z.string() }) }, ({ env }, { mcpReq }) => {
        const { inputResponses } = mcpReq
        const state = mcpReq.requestState<string>()
        if (state === undefined)
          return inputRequired({
            requestState: 'one',
            inputRequests: {
              form: inputRequired.elicit({
                message: `Deploy to ${env}?`,
                requestedSchema: {
                  type: 'object',
                  properties: { sure: { type: 'boolean', default: true }, name: { type: 'string' } },
                  required: ['name'],
                },
              }),
              url: inputRequired.elicitUrl({ message: 'Pay', url: 'https://pay.example/1' }),
              model: inputRequired.createMessage({
                messages: [{ role: 'user', content: { type: 'text', text: 'hm?' } }],
                maxTokens: 5,
              }),
              roots: inputRequired.listRoots(),
            },
          })
        if (state === 'one')
          return inputRequired({
            requestState: JSON.stringify([acceptedContent(inputResponses, 'form'), Object.keys(inputResponses ?? {})]),
          })
        return { content: [{ type: 'text', text: `${env} ${state}` }] }
      }),
    )
    const opened: string[] = []
    const client = await open(await serveNew(handler), {
      elicitation: {
        form: () => ({ action: 'accept', content: { name: 'Ada' } }),
        url: ({ url }) => {
          opened.push(url)
          return { action: 'accept' }
        },
      },
      sampling: () => ({ role: 'assistant', content: { type: 'text', text: 'yes' }, model: 'm' }),
      roots: [{ uri: 'file:///work' }],
    })
    expect(client.revision).toBe('2026-07-28')
    const { content } = await client.callTool('deploy', { env: 'test' })
    const [answer] = content
    expect(answer?.type === 'text' && answer.text).toBe(
      'test [{"name":"Ada","sure":true},["form","url","model","roots"]]',
    )
    expect(opened).toEqual(['https://pay.example/1'])
  })

  it('a client without the handlers is refused by the server, or refuses', async () => {
    const handler = newHandler(server =>
      server.registerTool('ask', { inputSchema: z.object({}) }, () =>
        inputRequired({ inputRequests: { roots: inputRequired.listRoots() } }),
      ),
    )
    const client = await open(await serveNew(handler))
    await expect(client.callTool('ask')).rejects.toThrow()
  })

  it('subscriptions: lists and resources, each to who wants it, over a destroyed connection', async () => {
    const handler = newHandler(server => {
      server.registerResource('one', 'x://one', {}, uri => ({ contents: [{ uri: uri.href, text: '1' }] }))
      server.registerTool('t', { inputSchema: z.object({}) }, () => ({ content: [] }))
    })
    const proxy = await proxyTo(await serveNew(handler))
    const client = await open(proxy.port)
    const resources: Change[] = []
    const tools: Change[] = []
    const subscription = await client.subscribe({ uris: ['x://one'] }, change => resources.push(change))
    await client.subscribe({ tools: true }, change => tools.push(change))
    expect(subscription.granted.uris).toEqual(['x://one'])
    handler.notify.resourceUpdated('x://one')
    handler.notify.resourceUpdated('x://two')
    handler.notify.toolsChanged()
    await expect.poll(() => [resources, tools]).toEqual([[{ kind: 'resource', uri: 'x://one' }], [{ kind: 'tools' }]])
    resources.length = 0
    proxy.cutConnections()
    // What changed meanwhile is not known: everything wanted is told once.
    await expect.poll(() => resources, { timeout: 10_000 }).toEqual([{ kind: 'resource', uri: 'x://one' }])
    handler.notify.resourceUpdated('x://one')
    await expect.poll(() => resources).toHaveLength(2)
    await subscription.close()
    handler.notify.resourceUpdated('x://one')
    handler.notify.toolsChanged()
    await expect.poll(() => tools.length).toBeGreaterThan(1)
    expect(resources).toHaveLength(2)
  })

  it('a server that ends its subscriptions and is replaced is listened to again', async () => {
    const make = () =>
      newHandler(server => server.registerTool('t', { inputSchema: z.object({}) }, () => ({ content: [] })))
    const old = make()
    let handle = toNodeHandler(old)
    let refusals = 0
    const port = await serve(async (request, response) => {
      response.once('finish', () => (refusals += response.statusCode >= 500 ? 1 : 0))
      await handle(request as Parameters<typeof handle>[0], response)
    })
    const client = await open(port)
    const changes: Change[] = []
    await client.subscribe({ tools: true }, change => changes.push(change))
    await old.close()
    await expect.poll(() => refusals, { timeout: 5_000 }).toBeGreaterThan(0)
    handle = toNodeHandler(make())
    await expect.poll(() => changes, { timeout: 10_000 }).toEqual([{ kind: 'tools' }])
  })
})
