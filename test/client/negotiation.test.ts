import { describe, expect, it } from 'vitest'
import { connect } from '../../src/http/connect.ts'
import {
  type Answer,
  answerFrom,
  createHandshakeServer,
  createScriptedServer,
  createStatelessServer,
  eventStream,
  type Methods,
  result,
  rpcError,
  type ScriptedServer,
  SERVER_INFO,
} from '../http/scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp'

/** A server that answers the probe in a way of its own, and otherwise is one of the handshake family. */
function withProbe(probe: Answer, methods: Methods = {}): ScriptedServer {
  return createHandshakeServer({ 'server/discover': probe, ...methods })
}

describe('the probe', () => {
  it('finds a stateless server with one request', async () => {
    const server = createStatelessServer()
    const client = await connect(URL_OF_SERVER, server)
    expect(client.revision).toBe('2026-07-28')
    expect(client.serverInfo).toEqual(SERVER_INFO)
    expect(client.serverCapabilities).toEqual({ tools: {} })
    expect(server.methods()).toEqual(['server/discover'])
  })

  it('carries version, identity and capabilities in _meta, and the version in the header too', async () => {
    const server = createStatelessServer()
    await connect(URL_OF_SERVER, {
      fetch: server.fetch,
      clientInfo: { name: 'me', version: '3' },
      capabilities: { roots: {} },
    })
    const [probe] = server.requests
    expect(probe?.headers.get('mcp-protocol-version')).toBe('2026-07-28')
    expect(probe?.headers.get('mcp-method')).toBe('server/discover')
    expect(probe?.message.params._meta).toEqual({
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'me', version: '3' },
      'io.modelcontextprotocol/clientCapabilities': { roots: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } },
    })
  })

  it('is repeated with a common revision when the first is refused with the supported ones', async () => {
    let refusals = 0
    const server = createStatelessServer()
    const { answer } = server
    server.answer = request =>
      refusals++ === 0 ? rpcError(request, 400, -32022, 'Unsupported', { supported: ['2026-07-28'] }) : answer(request)
    const client = await connect(URL_OF_SERVER, server)
    expect(client.revision).toBe('2026-07-28')
    expect(server.methods()).toEqual(['server/discover', 'server/discover'])
  })

  it('is not repeated for ever', async () => {
    const server = createScriptedServer(request =>
      rpcError(request, 400, -32022, 'Unsupported', { supported: ['2026-07-28'] }),
    )
    await expect(connect(URL_OF_SERVER, server)).rejects.toMatchObject({
      code: 'unsupported_revision',
      detail: { supported: ['2026-07-28'] },
    })
    expect(server.methods()).toEqual(['server/discover', 'server/discover'])
  })

  it('leads to initialize with the revision a stateless server names, when only an older one is common', async () => {
    const server = withProbe(request =>
      rpcError(request, 400, -32022, 'Unsupported', { supported: ['2099-01-01', '2025-06-18'] }),
    )
    await connect(URL_OF_SERVER, server)
    expect(server.requests[1]?.message.params.protocolVersion).toBe('2025-06-18')
  })

  it('leads to initialize when the server says it can do only that, in a proper answer', async () => {
    const server = withProbe(request =>
      result(request, {
        resultType: 'complete',
        supportedVersions: ['2025-11-25'],
        capabilities: {},
        ttlMs: 0,
        cacheScope: 'private',
      }),
    )
    expect((await connect(URL_OF_SERVER, server)).revision).toBe('2025-11-25')
  })

  it('ends when nothing is common, and says what the server offers', async () => {
    const server = createScriptedServer(request =>
      rpcError(request, 400, -32022, 'Unsupported', { supported: ['2099-01-01'] }),
    )
    await expect(connect(URL_OF_SERVER, server)).rejects.toMatchObject({
      code: 'unsupported_revision',
      message: expect.stringContaining('2099-01-01'),
      detail: { supported: ['2099-01-01'], hint: expect.stringContaining('2025-11-25') },
    })
  })

  it.each([-32020, -32021])('ends with the error %i, which only a stateless server gives', async code => {
    const server = createScriptedServer(request => rpcError(request, 400, code, 'Modern'))
    await expect(connect(URL_OF_SERVER, server)).rejects.toMatchObject({ name: 'RpcError', code })
    expect(server.methods()).toEqual(['server/discover'])
  })

  it.each<[string, Answer]>([
    ['400 without a body', () => new Response(null, { status: 400 })],
    ['400 with text', () => new Response('Bad Request: No valid session ID provided', { status: 400 })],
    ['400 with an old error', request => rpcError(request, 400, -32000, 'Bad Request: Server not initialized')],
    [
      '400 with an old error without id',
      () => Response.json({ jsonrpc: '2.0', id: null, error: { code: -32000, message: 'x' } }, { status: 400 }),
    ],
    ['404', () => new Response('Not Found', { status: 404 })],
    ['405', () => new Response(null, { status: 405 })],
    ['406', () => new Response(null, { status: 406 })],
    ['422', () => Response.json({ detail: [] }, { status: 422 })],
    ['200 with "method not found"', request => rpcError(request, 200, -32601, 'Method not found')],
    ['200 with "invalid params"', request => rpcError(request, 200, -32602, 'Invalid request parameters')],
    ['500 with a JSON-RPC error', request => rpcError(request, 500, -32603, 'Internal error')],
    [
      'an error in an event stream',
      () => eventStream('data: {"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"?"}}\n\n'),
    ],
    ['202, as if it were a notification', () => new Response(null, { status: 202 })],
    ['a result of another kind', request => result(request, {})],
  ])('leads to initialize after %s', async (_name, probe) => {
    const server = withProbe(probe)
    const client = await connect(URL_OF_SERVER, server)
    expect(client.revision).toBe('2025-11-25')
    expect(server.methods()).toEqual(['server/discover', 'initialize', 'notifications/initialized'])
  })

  it.each<[string, Answer, object]>([
    ['401', () => new Response(null, { status: 401 }), { code: 'unauthorized' }],
    ['403', () => new Response('no', { status: 403 }), { code: 'forbidden' }],
    [
      '429',
      () => new Response(null, { status: 429, headers: { 'retry-after': '7' } }),
      { code: 'http_status', detail: { retryAfterMs: 7000 } },
    ],
    ['500', () => new Response('oops', { status: 500 }), { code: 'http_status', detail: { status: 500 } }],
    ['503', () => new Response(null, { status: 503 }), { code: 'http_status' }],
    [
      '503 of a gateway that speaks JSON-RPC',
      request => rpcError(request, 503, -32000, 'later'),
      { name: 'RpcError', status: 503 },
    ],
    [
      'a web page',
      () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      { code: 'invalid_response' },
    ],
    [
      'a redirect',
      () => new Response(null, { status: 302, headers: { location: 'https://login.example/' } }),
      { code: 'redirect_refused' },
    ],
    ['a broken network', () => Promise.reject(new TypeError('fetch failed')), { code: 'network' }],
    [
      'an authorization failure of fetch',
      () => Promise.reject(Object.assign(new Error('x'), { name: 'OAuthError', code: 'login_required' })),
      { name: 'OAuthError', code: 'login_required' },
    ],
  ])('draws no conclusion about the revision from %s', async (_name, probe, expected) => {
    const server = withProbe(probe)
    await expect(connect(URL_OF_SERVER, server)).rejects.toMatchObject(expected)
    expect(server.methods()).toEqual(['server/discover'])
  })

  it('field X7: is answered with a login inside fetch before any conclusion is drawn', async () => {
    const server = createStatelessServer()
    const { answer } = server
    server.answer = request =>
      request.headers.get('authorization') === 'Bearer t' ? answer(request) : new Response(null, { status: 401 })
    // What withOAuth does, in short: a 401 makes it log in and send the request again.
    const authorizedFetch: typeof server.fetch = async (input, init) => {
      const refused = await server.fetch(input, init)
      if (refused.status !== 401) return refused
      const headers = new Headers(init?.headers)
      headers.set('authorization', 'Bearer t')
      return await server.fetch(input, { ...init, headers })
    }
    const client = await connect(URL_OF_SERVER, { fetch: authorizedFetch })
    expect(client.revision).toBe('2026-07-28')
    expect(server.methods()).toEqual(['server/discover', 'server/discover'])
  })
})

describe('the handshake', () => {
  it('sends no version header with initialize, and the agreed one afterwards', async () => {
    const server = createHandshakeServer({ 'tools/list': { tools: [] } })
    const client = await connect(URL_OF_SERVER, server)
    await client.listTools()
    const versions = server.requests
      .slice(1)
      .map(({ message, headers }) => [message.method, headers.get('mcp-protocol-version')])
    expect(versions).toEqual([
      ['initialize', null],
      ['notifications/initialized', '2025-11-25'],
      ['tools/list', '2025-11-25'],
    ])
  })

  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
    'takes the counter-offer %s',
    async protocolVersion => {
      const server = createHandshakeServer({}, { protocolVersion })
      const client = await connect(URL_OF_SERVER, server)
      expect(client.revision).toBe(protocolVersion)
      const hasHeader = server.requests.at(-1)?.headers.has('mcp-protocol-version')
      expect(hasHeader).toBe(protocolVersion >= '2025-06-18')
    },
  )

  it('refuses a counter-offer it does not know, and ends the session', async () => {
    const server = createHandshakeServer({}, { protocolVersion: '1999-12-31' })
    await expect(connect(URL_OF_SERVER, server)).rejects.toMatchObject({ code: 'unsupported_revision' })
    expect(server.methods()).toEqual(['server/discover', 'initialize', 'DELETE'])
  })

  it('offers what the server names when it refuses the first offer', async () => {
    const server = createHandshakeServer({}, { protocolVersion: '2025-03-26' })
    const { answer } = server
    server.answer = request =>
      request.message?.params?.protocolVersion === '2025-11-25'
        ? rpcError(request, 200, -32602, 'Unsupported protocol version', { supported: ['2025-03-26'] })
        : answer(request)
    expect((await connect(URL_OF_SERVER, server)).revision).toBe('2025-03-26')
  })

  it('is not cancelled when it is given up', async () => {
    const server = createHandshakeServer({ initialize: () => new Promise<Response>(() => undefined) })
    const controller = new AbortController()
    const connecting = connect(URL_OF_SERVER, { fetch: server.fetch, signal: controller.signal })
    await expect.poll(() => server.methods()).toContain('initialize')
    controller.abort()
    await expect(connecting).rejects.toMatchObject({ code: 'aborted' })
    expect(server.methods()).not.toContain('notifications/cancelled')
    expect(server.requests.at(-1)?.signal.aborted).toBe(true)
  })
})

describe('a named revision', () => {
  it('of the handshake family asks for nothing else', async () => {
    const server = createHandshakeServer({}, { protocolVersion: '2025-06-18' })
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, revision: '2025-06-18' })
    expect(client.revision).toBe('2025-06-18')
    expect(server.methods()).toEqual(['initialize', 'notifications/initialized'])
    expect(server.requests[0]?.message.params.protocolVersion).toBe('2025-06-18')
  })

  it('is never replaced by a counter-offer', async () => {
    const server = createHandshakeServer({}, { protocolVersion: '2025-03-26' })
    await expect(connect(URL_OF_SERVER, { fetch: server.fetch, revision: '2025-06-18' })).rejects.toMatchObject({
      code: 'unsupported_revision',
    })
  })

  it('of the stateless family never falls back to initialize', async () => {
    const server = createHandshakeServer()
    await expect(connect(URL_OF_SERVER, { fetch: server.fetch, revision: '2026-07-28' })).rejects.toMatchObject({
      code: -32601,
    })
    expect(server.methods()).toEqual(['server/discover'])
  })
})

it('initialize carries no stateless _meta, and what is asked afterwards neither', async () => {
  const server = createScriptedServer(request =>
    answerFrom(
      { initialize: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: SERVER_INFO }, ping: {} },
      request,
    ),
  )
  const client = await connect(URL_OF_SERVER, { fetch: server.fetch, revision: '2025-11-25' })
  await client.ping()
  expect(server.requests[0]?.message.params).toEqual({
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'latchkey', version: expect.any(String) },
  })
  expect(server.requests.at(-1)?.message).toEqual({ jsonrpc: '2.0', id: 2, method: 'ping' })
})
