import { describe, expect, it, vi } from 'vitest'
import { connect } from '../../src/http/connect.ts'
import {
  createHandshakeServer,
  createStatelessServer,
  eventStream,
  result,
  rpcError,
  SERVER_INFO,
} from '../http/scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp'
const initialized = (capabilities: object) => ({ protocolVersion: '2025-11-25', capabilities, serverInfo: SERVER_INFO })

describe('a server that is restarted', () => {
  it('field X1: a list whose stream breaks off is asked for again, in a new session if need be', async () => {
    let lists = 0
    const server = createHandshakeServer({
      'tools/list': request => {
        lists += 1
        if (lists === 1) return eventStream()
        if (lists === 2) return new Response(null, { status: 404 })
        return result(request, { tools: [] })
      },
    })
    const client = await connect(URL_OF_SERVER, server)
    expect((await client.listTools()).tools).toEqual([])
    expect(server.methods().filter(method => method === 'initialize')).toHaveLength(2)
    await client.close()
  })

  it('field X1: each kind of loss is met once: a server that only loses is told of', async () => {
    const server = createHandshakeServer({ 'tools/list': () => new Response(null, { status: 404 }) })
    const client = await connect(URL_OF_SERVER, server)
    await expect(client.listTools()).rejects.toMatchObject({ code: 'session_lost' })
    expect(server.methods().filter(method => method === 'tools/list')).toHaveLength(2)
    await client.close()
  })

  it('hears again which log messages are wanted', async () => {
    let pings = 0
    const server = createHandshakeServer({
      initialize: request => result(request, initialized({ logging: {} }), { 'mcp-session-id': 's' }),
      'logging/setLevel': {},
      ping: request => (pings++ === 0 ? new Response(null, { status: 404 }) : result(request, {})),
    })
    const client = await connect(URL_OF_SERVER, server)
    await client.setLogLevel('warning')
    await client.ping()
    const levels = () =>
      server.requests
        .filter(({ message }) => message?.method === 'logging/setLevel')
        .map(({ message }) => message.params)
    await expect.poll(() => levels()).toEqual([{ level: 'warning' }, { level: 'warning' }])
    await client.close()
  })

  it('who gives up while the session is renewed does not wait for it', async () => {
    let initializations = 0
    let release: () => void = () => undefined
    const server = createHandshakeServer({
      initialize: async request => {
        if (initializations++ > 0) await new Promise<void>(resolve => (release = resolve))
        return result(request, initialized({}), { 'mcp-session-id': `s${initializations}` })
      },
      ping: request =>
        request.headers.get('mcp-session-id') === 's1' ? new Response(null, { status: 404 }) : result(request, {}),
    })
    const client = await connect(URL_OF_SERVER, server)
    const controller = new AbortController()
    const first = client.ping()
    await expect.poll(() => initializations).toBe(2)
    const second = client.ping({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(second).rejects.toMatchObject({ code: 'aborted' })
    release()
    await first
    await client.close()
  })
})

describe('closing', () => {
  it('runs what follows once, however often it is asked for, and never rejects', async () => {
    const onError = vi.fn()
    const onClosed = vi.fn(() => Promise.reject(new Error('mine')))
    const { fetch } = createHandshakeServer()
    const client = await connect(URL_OF_SERVER, { fetch, onClosed, onError })
    await Promise.all([client.close(), client.close()])
    await client.close()
    expect(onClosed).toHaveBeenCalledTimes(1)
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ message: 'mine' }))
  })
})

describe('a tool whose headers are not what the server wants any more (−32020)', () => {
  const complete = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'public' }
  const tool = (header: string) => ({
    name: 'route',
    inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': header } } },
  })
  const moving = () => {
    let header = 'Old'
    const server = createStatelessServer({
      'tools/list': request => result(request, { ...complete, tools: [tool(header)] }),
      'tools/call': request =>
        request.headers.has(`mcp-param-${header}`)
          ? result(request, { ...complete, content: [] })
          : rpcError(request, 400, -32020, 'Header mismatch'),
    })
    return { server, move: () => (header = 'New') }
  }

  it.each(['callTool', 'startTool'] as const)('%s lists anew, past the cache, and sends the call again', async way => {
    const { server, move } = moving()
    const client = await connect(URL_OF_SERVER, server)
    await client.listTools()
    move()
    await client[way]('route', { region: 'eu' })
    expect(server.methods().slice(-3)).toEqual(['tools/call', 'tools/list', 'tools/call'])
    await client.close()
  })
})
