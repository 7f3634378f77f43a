import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TRACE_CONTEXT_META_KEYS } from '../../src/client.ts'
import { connect, type ConnectOptions } from '../../src/http/connect.ts'
import type { Client } from '../../src/client/client.ts'
import {
  createHandshakeServer,
  createStatelessServer,
  event,
  eventStream,
  type Methods,
  result,
  type ScriptedRequest,
  type ScriptedServer,
} from '../http/scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp'

const TOOL = { name: 'echo', inputSchema: { type: 'object' } }
const CACHE = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }

const METHODS: Methods = {
  'tools/list': { ...CACHE, tools: [TOOL] },
  'tools/call': { ...CACHE, content: [{ type: 'text', text: 'hi' }] },
  'resources/list': { ...CACHE, resources: [{ uri: 'x:1', name: 'one' }] },
  'resources/templates/list': { ...CACHE, resourceTemplates: [{ uriTemplate: 'x:{n}', name: 'any' }] },
  'resources/read': { ...CACHE, contents: [{ uri: 'x:1', text: 'one' }] },
  'prompts/list': { ...CACHE, prompts: [{ name: 'greet' }] },
  'prompts/get': { ...CACHE, messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }] },
}

const CALLS: readonly [string, (client: Client, options?: object) => Promise<unknown>][] = [
  ['tools/list', (client, options) => client.listTools(options)],
  ['tools/call', (client, options) => client.callTool('echo', { a: 1 }, options)],
  ['resources/list', (client, options) => client.listResources(options)],
  ['resources/templates/list', (client, options) => client.listResourceTemplates(options)],
  ['resources/read', (client, options) => client.readResource('x:1', options)],
  ['prompts/list', (client, options) => client.listPrompts(options)],
  ['prompts/get', (client, options) => client.getPrompt('greet', { a: 'b' }, options)],
]

const FAMILIES: readonly [string, (methods: Methods) => ScriptedServer, string][] = [
  ['handshake', createHandshakeServer, 'ping'],
  ['stateless', createStatelessServer, 'server/discover'],
]

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

const identityKeys = (meta: object): string[] =>
  Object.keys(meta).filter(key => key.startsWith('io.modelcontextprotocol/'))

describe.each(FAMILIES)('a client of the %s family', (family, createServer, pingMethod) => {
  const calls = [...CALLS, [pingMethod, (client: Client, options?: object) => client.ping(options)] as const]

  it.each(calls)('R-META-2 %s takes meta, which adds to _meta and is not changed', async (method, call) => {
    const server = createServer(METHODS)
    const client = await connect(URL_OF_SERVER, server)
    const meta = Object.freeze({ 'example.com/tag': 'x' })
    await call(client, { meta })
    const { message } = server.requests.at(-1) as ScriptedRequest
    expect(message.method).toBe(method)
    expect(message.params._meta['example.com/tag']).toBe('x')
    expect(identityKeys(message.params._meta)).toHaveLength(family === 'stateless' ? 3 : 0)
    expect(meta).toEqual({ 'example.com/tag': 'x' })
  })

  it.each(calls)('R-META-2 %s with an empty meta adds nothing', async (_method, call) => {
    const server = createServer(METHODS)
    const client = await connect(URL_OF_SERVER, server)
    await call(client)
    const without = server.requests.at(-1)?.message.params
    await call(client, { meta: {} })
    expect(server.requests.at(-1)?.message.params).toEqual(without)
    if (family === 'handshake') expect(without?._meta).toBeUndefined()
  })

  it('R-META-2 the progress token wins over one in meta, and stays when nobody asks for progress', async () => {
    const server = createServer(METHODS)
    const client = await connect(URL_OF_SERVER, server)
    await client.callTool('echo', {}, { meta: { progressToken: 'mine' }, onProgress: () => undefined })
    const { message } = server.requests.at(-1) as ScriptedRequest
    expect(message.params._meta.progressToken).toBe(message.id)
    await client.callTool('echo', {}, { meta: { progressToken: 'mine' } })
    expect(server.requests.at(-1)?.message.params._meta.progressToken).toBe('mine')
  })

  it('R-TRACE-1 trace context passes untouched on every method, and comes back untouched', async () => {
    const trace = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01',
      tracestate: 'a=1',
      baggage: 'k=v;p',
    }
    const server = createServer({ ...METHODS, 'tools/call': { ...CACHE, content: [], _meta: trace } })
    const client = await connect(URL_OF_SERVER, server)
    for (const [, call] of calls) {
      await call(client, { meta: trace })
      expect(server.requests.at(-1)?.message.params._meta).toMatchObject(trace)
    }
    const answer = await client.callTool('echo')
    for (const key of TRACE_CONTEXT_META_KEYS) expect(answer._meta?.[key]).toBe(trace[key])
  })

  it('sends arguments as they are, and none when none are given', async () => {
    const server = createServer(METHODS)
    const client = await connect(URL_OF_SERVER, server)
    const args = Object.freeze({ verbose: null, deep: { x: [1] } })
    await client.callTool('echo', args)
    expect(server.requests.at(-1)?.message.params).toMatchObject({ name: 'echo', arguments: args })
    await client.callTool('echo')
    expect(server.requests.at(-1)?.message.params).not.toHaveProperty('arguments')
  })

  it('callTool lists nothing on its own', async () => {
    const server = createServer(METHODS)
    const client = await connect(URL_OF_SERVER, server)
    await client.callTool('echo')
    expect(server.methods()).not.toContain('tools/list')
  })

  it('R-PAGE-1 iterates over every page and stops at an absent cursor', async () => {
    const pages: Record<string, object> = { '': { nextCursor: 'two' }, two: { nextCursor: 'three' }, three: {} }
    const server = createServer({
      'tools/list': request => {
        const cursor: string = request.message.params?.cursor ?? ''
        return result(request, { ...CACHE, tools: [{ ...TOOL, name: cursor || 'one' }], ...pages[cursor] })
      },
    })
    const client = await connect(URL_OF_SERVER, server)
    expect((await collect(client.tools())).map(({ name }) => name)).toEqual(['one', 'two', 'three'])
    expect((await collect(client.tools({ cursor: 'three' }))).map(({ name }) => name)).toEqual(['three'])
  })

  it.each([
    ['the same cursor for ever', 'a', ['', 'a']],
    ['an empty cursor at the end', '', ['']],
  ])('R-PAGE-1 stops when the server gives %s', async (_name, nextCursor, asked) => {
    const list = (key: string, item: object) => (request: ScriptedRequest) =>
      result(request, { ...CACHE, [key]: [item], nextCursor })
    const server = createServer({
      'tools/list': list('tools', TOOL),
      'resources/list': list('resources', { uri: 'x:1', name: 'one' }),
      'resources/templates/list': list('resourceTemplates', { uriTemplate: 'x:{n}', name: 'any' }),
      'prompts/list': list('prompts', { name: 'greet' }),
    })
    const client = await connect(URL_OF_SERVER, server)
    for (const all of [client.tools(), client.resources(), client.resourceTemplates(), client.prompts()]) {
      const before = server.requests.length
      expect(await collect<unknown>(all)).toHaveLength(asked.length)
      expect(server.requests.slice(before).map(({ message }) => message.params?.cursor ?? '')).toEqual(asked)
    }
  })

  it('R-PAGE-1 stops when cursors go round in a circle', async () => {
    const next: Record<string, string> = { '': 'a', a: 'b', b: 'a' }
    const server = createServer({
      'prompts/list': request =>
        result(request, { ...CACHE, prompts: [{ name: 'p' }], nextCursor: next[request.message.params?.cursor ?? ''] }),
    })
    const client = await connect(URL_OF_SERVER, server)
    expect(await collect(client.prompts())).toHaveLength(3)
  })

  it('fetches a page only when it is wanted', async () => {
    let page = 0
    const server = createServer({
      'tools/list': request => result(request, { ...CACHE, tools: [TOOL], nextCursor: String(page++) }),
    })
    const client = await connect(URL_OF_SERVER, server)
    for await (const tool of client.tools()) {
      expect(tool.name).toBe('echo')
      if (page === 3) break
    }
    expect(server.methods().filter(method => method === 'tools/list')).toHaveLength(3)
  })

  it('hears progress, and other notifications of the stream apart', async () => {
    const server = createServer({
      'tools/call': request => {
        const token = request.message.params._meta.progressToken
        return eventStream(
          event({
            jsonrpc: '2.0',
            method: 'notifications/progress',
            params: { progressToken: token, progress: 1, total: 2, message: 'half' },
          }),
          event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } }),
          event({ jsonrpc: '2.0', id: request.message.id, result: { ...CACHE, content: [] } }),
        )
      },
    })
    const onNotification = vi.fn()
    const onProgress = vi.fn()
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onNotification })
    await client.callTool('echo', {}, { onProgress })
    expect(onProgress.mock.calls).toEqual([[{ progress: 1, total: 2, message: 'half' }]])
    expect(onNotification.mock.calls).toEqual([[expect.objectContaining({ method: 'notifications/message' })]])
  })

  it("gives a result that breaks the protocol's promise as an error that says where", async () => {
    const server = createServer({ 'tools/list': { ...CACHE, tools: [{ name: 7 }] } })
    const client = await connect(URL_OF_SERVER, server)
    await expect(client.listTools()).rejects.toMatchObject({
      code: 'invalid_response',
      message: expect.stringContaining('tools[0]'),
    })
  })

  it('gives up a call by its signal, and tells the server in the way of the family', async () => {
    const server = createServer({ 'tools/call': () => new Promise<Response>(() => undefined) })
    const client = await connect(URL_OF_SERVER, server)
    const controller = new AbortController()
    const call = client.callTool('echo', {}, { signal: controller.signal })
    await expect.poll(() => server.methods()).toContain('tools/call')
    const asked = server.requests.at(-1)
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
    expect(asked?.signal.aborted).toBe(true)
    const told = server.requests
      .filter(({ message }) => message?.method === 'notifications/cancelled')
      .map(({ message }) => message.params.requestId)
    expect(told).toEqual(family === 'handshake' ? [asked?.message.id] : [])
  })

  it('rejects what waits when it is closed, and what comes afterwards', async () => {
    const server = createServer({ 'tools/call': () => new Promise<Response>(() => undefined) })
    const client = await connect(URL_OF_SERVER, server)
    const call = client.callTool('echo').catch((error: unknown) => error)
    await client[Symbol.asyncDispose]()
    expect(await call).toMatchObject({ code: 'closed', detail: { mayHaveRun: true } })
    await expect(client.listTools()).rejects.toMatchObject({ code: 'closed' })
    await client.close()
  })

  it('bounds what is in flight', async () => {
    const server = createServer({ 'tools/call': () => new Promise<Response>(() => undefined) })
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, maxInFlight: 1 })
    const first = client.callTool('echo').catch(() => undefined)
    await expect(client.callTool('echo')).rejects.toMatchObject({ code: 'in_flight_limit' })
    await client.close()
    await first
  })
})

describe('requests of the server (handshake family)', () => {
  it('are answered over POST: ping, and "method not found" for what has no handler yet', async () => {
    const server = createHandshakeServer({
      'tools/call': request =>
        eventStream(
          event({ jsonrpc: '2.0', id: 'p', method: 'ping' }),
          event({ jsonrpc: '2.0', id: 'e', method: 'elicitation/create', params: {} }),
          event({ jsonrpc: '2.0', id: request.message.id, result: { content: [] } }),
        ),
    })
    const client = await connect(URL_OF_SERVER, server)
    await client.callTool('echo')
    await expect.poll(() => server.requests.filter(({ message }) => message?.method === undefined)).toHaveLength(2)
    const answers = server.requests.filter(({ message }) => message && !message.method)
    expect(answers.map(({ message }) => message)).toEqual([
      { jsonrpc: '2.0', id: 'p', result: {} },
      { jsonrpc: '2.0', id: 'e', error: { code: -32601, message: 'Method not found' } },
    ])
    expect(answers[0]?.headers.get('mcp-session-id')).toBe('s1')
  })
})

describe('the stateless family', () => {
  it('says which feature is missing when the server asks for input', async () => {
    const server = createStatelessServer({
      'tools/call': {
        resultType: 'input_required',
        inputRequests: {
          who: {
            method: 'elicitation/create',
            params: { message: 'Who?', requestedSchema: { type: 'object', properties: {} } },
          },
        },
      },
    })
    const client = await connect(URL_OF_SERVER, server)
    await expect(client.callTool('echo')).rejects.toMatchObject({
      code: 'input_required',
      message: 'The server asks the user, which has no handler here, before it answers tools/call',
    })
  })

  it('never answers a request of the server, and reports it', async () => {
    const onError = vi.fn()
    const server = createStatelessServer({
      'tools/call': request =>
        eventStream(
          event({ jsonrpc: '2.0', id: 'p', method: 'ping' }),
          event({ jsonrpc: '2.0', id: request.message.id, result: { ...CACHE, content: [] } }),
        ),
    })
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onError })
    await client.callTool('echo')
    await client.close()
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'unexpected_message' }))
    expect(server.methods()).toEqual(['server/discover', 'tools/call'])
  })

  it('names method and target in headers, encoded when they are not plain ASCII', async () => {
    const server = createStatelessServer(METHODS)
    const client = await connect(URL_OF_SERVER, server)
    await client.callTool('größe')
    await client.readResource('file:///path/to/file%20name.txt')
    const names = server.requests.slice(1).map(({ headers }) => [headers.get('mcp-method'), headers.get('mcp-name')])
    expect(names).toEqual([
      ['tools/call', '=?base64?Z3LDtsOfZQ==?='],
      ['resources/read', 'file:///path/to/file%20name.txt'],
    ])
  })
})

/** A fetch with authorization whose login the test starts and ends. */
function createAuthorizedFetch(server: ScriptedServer) {
  const listeners = new Set<(active: boolean) => void>()
  let finish: (() => void) | undefined
  const authorizedFetch: NonNullable<ConnectOptions['fetch']> = async (input, init) => {
    const refused = await server.fetch(input, init)
    if (refused.status !== 401) return refused
    for (const listener of listeners) listener(true)
    await new Promise<void>(resolve => {
      finish = resolve
    })
    for (const listener of listeners) listener(false)
    const headers = new Headers(init?.headers)
    headers.set('authorization', 'Bearer t')
    return await server.fetch(input, { ...init, headers })
  }
  const authorization = {
    grantId: () => undefined,
    redact: (text: string) => text,
    onInteraction: (listener: (active: boolean) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  return { fetch: Object.assign(authorizedFetch, { authorization }), finishLogin: () => finish?.(), listeners }
}

describe('time-outs', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('a five-minute login (injected clock) under a 60 s call time-out completes the call', async () => {
    const server = createStatelessServer({
      'tools/call': request =>
        request.headers.has('authorization')
          ? result(request, { ...CACHE, content: [{ type: 'text', text: 'done' }] })
          : new Response(null, { status: 401 }),
    })
    const { fetch, finishLogin, listeners } = createAuthorizedFetch(server)
    const client = await connect(URL_OF_SERVER, { fetch })
    const call = client.callTool('echo', {}, { timeoutMs: 60_000, maxTotalTimeoutMs: 60_000 })
    await vi.advanceTimersByTimeAsync(300_000)
    finishLogin()
    expect((await call).content).toEqual([{ type: 'text', text: 'done' }])
    await client.close()
    expect(listeners.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('a five-minute login while connecting is waited for too', async () => {
    const server = createStatelessServer()
    const { answer } = server
    server.answer = request =>
      request.headers.has('authorization') ? answer(request) : new Response(null, { status: 401 })
    const { fetch, finishLogin } = createAuthorizedFetch(server)
    const connecting = connect(URL_OF_SERVER, { fetch, timeoutMs: 60_000 })
    await vi.advanceTimersByTimeAsync(300_000)
    finishLogin()
    expect((await connecting).revision).toBe('2026-07-28')
  })

  it('run on when the login is over, and a call that then stays silent fails', async () => {
    const server = createStatelessServer({
      'tools/call': request =>
        request.headers.has('authorization')
          ? new Promise<Response>(() => undefined)
          : new Response(null, { status: 401 }),
    })
    const { fetch, finishLogin } = createAuthorizedFetch(server)
    const client = await connect(URL_OF_SERVER, { fetch })
    const call = client.callTool('echo', {}, { timeoutMs: 60_000 }).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(300_000)
    finishLogin()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await call).toMatchObject({ code: 'timeout' })
  })

  it("end a silent server's connect, its initialized notification included", async () => {
    const silent = createHandshakeServer({ 'server/discover': () => new Promise<Response>(() => undefined) })
    const probing = connect(URL_OF_SERVER, { fetch: silent.fetch, timeoutMs: 5000 }).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(5000)
    expect(await probing).toMatchObject({ code: 'timeout' })

    const half = createHandshakeServer()
    const { answer } = half
    half.answer = request =>
      request.message?.method === 'notifications/initialized' ? new Promise<Response>(() => undefined) : answer(request)
    const opening = connect(URL_OF_SERVER, { fetch: half.fetch, timeoutMs: 5000 }).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(5000)
    expect(await opening).toMatchObject({ code: 'timeout' })
    expect(vi.getTimerCount()).toBe(0)
  })
})
