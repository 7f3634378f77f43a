import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { connect } from '../../src/http/connect.ts'
import {
  type Answer,
  createHandshakeServer,
  createScriptedServer,
  createStatelessServer,
  event,
  eventStream,
  result,
  rpcError,
  type ScriptedServer,
} from './scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp?key=secret'
const CACHE = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }

/** A connected client of a stateless server whose `tools/call` is answered so. */
async function withAnswer(answer: Answer, options: object = {}) {
  const server = createStatelessServer({ 'tools/call': answer })
  return { server, client: await connect(URL_OF_SERVER, { fetch: server.fetch, ...options }) }
}

const failure = (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

afterEach(() => {
  vi.useRealTimers()
})

describe('the URL', () => {
  it.each([
    ['mcp.example/mcp', 'is not a URL'],
    ['', 'is not a URL'],
    ['ftp://mcp.example/', 'is neither https nor http'],
    ['file:///etc/passwd', 'is neither https nor http'],
    ['javascript:alert(1)', 'is neither https nor http'],
    ['https://user:hunter2@mcp.example/', 'carries a user name or password'],
  ])('%j is refused before anything is sent', async (target, why) => {
    const fetch = vi.fn()
    const error = await failure(connect(target, { fetch }))
    expect(error).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining(why),
      detail: { hint: expect.any(String) },
    })
    expect(String(error)).not.toContain('hunter2')
    expect(fetch).not.toHaveBeenCalled()
  })

  it('goes out as given but for the fragment', async () => {
    const server = createStatelessServer()
    await connect(new URL('https://mcp.example/a/?b=c#d'), server)
    expect(server.requests[0]?.url).toBe('https://mcp.example/a/?b=c')
  })

  it('never shows its query in an error', async () => {
    const server = createScriptedServer(() => new Response('no', { status: 500 }))
    const error = await failure(connect(URL_OF_SERVER, server))
    expect(JSON.stringify(error) + error.message).not.toContain('secret')
  })
})

describe('headers', () => {
  it('accept both kinds of answer, and say what is sent', async () => {
    const { server } = await withAnswer(() => new Response())
    const { headers } = server.requests[0]!
    expect(headers.get('accept')).toBe('application/json, text/event-stream')
    expect(headers.get('content-type')).toBe('application/json')
  })

  it('of the caller go with every request, Authorization included, and replace none of the protocol', async () => {
    const server = createHandshakeServer()
    const headers = {
      authorization: 'Key 1',
      'x-tenant': 'a',
      'Mcp-Protocol-Version': '1',
      accept: 'text/html',
      'content-type': 'text/plain',
    }
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, headers })
    await client.close()
    expect(server.methods()).toEqual(['server/discover', 'initialize', 'notifications/initialized', 'DELETE'])
    for (const request of server.requests) {
      expect(request.headers.get('authorization')).toBe('Key 1')
      expect(request.headers.get('x-tenant')).toBe('a')
      expect(request.headers.get('accept')).toContain('application/json')
    }
    expect(server.requests[0]?.headers.get('mcp-protocol-version')).toBe('2026-07-28')
    expect(server.requests[2]?.headers.get('mcp-protocol-version')).toBe('2025-11-25')
  })
})

it('a header that HTTP cannot carry is named, its value never quoted', async () => {
  const { inspect } = await import('node:util')
  const headers = { 'x-api-key': 'canary\nsecret' }
  const error = await connect(URL_OF_SERVER, { headers }).catch((failure: unknown) => failure)
  expect(error).toMatchObject({ code: 'configuration', message: expect.stringContaining('x-api-key') })
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/canary/)
})

describe('answers', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON'])(
    'of type %s are read as JSON',
    async type => {
      const { client } = await withAnswer(
        ({ message }) =>
          new Response(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { ...CACHE, content: [] } }), {
            headers: { 'content-type': type },
          }),
      )
      expect(await client.callTool('x')).toMatchObject({ content: [] })
    },
  )

  it('of type text/event-stream are read to the answer, whatever else is in between', async () => {
    const errors: unknown[] = []
    const { client } = await withAnswer(
      ({ message }) =>
        eventStream(
          'id: 1\nretry: 5\ndata:\n\n',
          ': keep-alive\n\n',
          'event: ping\ndata: {"not":"a message"}\n\n',
          'data: {broken\n\n',
          'event: message\n',
          event({ jsonrpc: '2.0', id: message.id, result: { ...CACHE, content: [] } }),
        ),
      { onError: (error: unknown) => errors.push(error) },
    )
    expect(await client.callTool('x')).toMatchObject({ content: [] })
    expect(errors).toEqual([expect.objectContaining({ code: 'invalid_response' })])
  })

  it('come as soon as they are in the stream, which may go on for a second and is then cut off', async () => {
    vi.useFakeTimers()
    let cut = false
    const { client } = await withAnswer(({ message }) => {
      const body = new ReadableStream<Uint8Array>({
        start: stream =>
          stream.enqueue(
            new TextEncoder().encode(event({ jsonrpc: '2.0', id: message.id, result: { ...CACHE, content: [] } })),
          ),
        cancel: () => {
          cut = true
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    })
    expect(await client.callTool('x')).toMatchObject({ content: [] })
    await vi.advanceTimersByTimeAsync(999)
    expect(cut).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(cut).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each<[string, () => Response]>([
    ['ends', () => eventStream('id: 7\ndata:\n\n')],
    ['ends in the middle of a message', () => eventStream('data: {"jsonrpc":"2.0","id":2,"res')],
    [
      'breaks',
      () => {
        const body = new ReadableStream({ pull: stream => stream.error(new TypeError('terminated')) })
        return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
      },
    ],
  ])('that never come because the stream %s are lost, and the call may have run', async (_name, answer) => {
    const { client } = await withAnswer(answer)
    expect(await failure(client.callTool('x'))).toMatchObject({
      code: 'stream_lost',
      detail: { method: 'tools/call', mayHaveRun: true },
    })
  })

  it('that are a web page are told with status, type and the beginning, without control characters', async () => {
    const page = `<html>\u001b[31m${'x'.repeat(1000)}`
    const { client } = await withAnswer(
      () => new Response(page, { headers: { 'content-type': 'text/html; charset=utf-8' } }),
    )
    const error = await failure(client.callTool('x'))
    expect(error).toMatchObject({
      code: 'invalid_response',
      detail: { status: 200, contentType: 'text/html', hint: expect.stringContaining('web page') },
    })
    expect(error.detail.received).toMatch(/^<html> \[31mx+…$/)
    expect(error.detail.received.length).toBeLessThanOrEqual(300)
  })

  it.each<[string, () => Response, string]>([
    [
      'broken JSON',
      () => new Response('{"jsonrpc":', { headers: { 'content-type': 'application/json' } }),
      'broken JSON',
    ],
    ['JSON that is no answer', () => Response.json({ hello: 1 }), 'no answer'],
    ['the answer to something else', () => Response.json({ jsonrpc: '2.0', id: 99, result: {} }), 'no answer'],
    ['nothing', () => new Response(null, { status: 202 }), 'no content'],
    ['plain text', () => new Response('hi', { headers: { 'content-type': 'text/plain' } }), 'text/plain'],
  ])('that are %s are refused', async (_name, answer, message) => {
    const { client } = await withAnswer(answer)
    expect(await failure(client.callTool('x'))).toMatchObject({
      code: 'invalid_response',
      message: expect.stringContaining(message),
    })
  })

  it('with an error and no id are about the request they answer', async () => {
    const { client } = await withAnswer(() =>
      Response.json({ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'Parse error' } }),
    )
    expect(await failure(client.callTool('x'))).toMatchObject({ name: 'RpcError', code: -32700 })
  })

  it.each<[string, Answer]>([
    [
      'JSON',
      ({ message }) =>
        Response.json({ jsonrpc: '2.0', id: message.id, result: { content: [], pad: 'x'.repeat(2000) } }),
    ],
    [
      'a stream',
      ({ message }) =>
        eventStream(event({ jsonrpc: '2.0', id: message.id, result: { content: [], pad: 'x'.repeat(2000) } })),
    ],
    [
      'JSON that says it is short',
      () =>
        new Response('x'.repeat(2000), {
          headers: { 'content-type': 'application/json', 'content-length': '10', 'content-encoding': 'gzip' },
        }),
    ],
  ])('longer than the limit are refused: %s', async (_name, answer) => {
    const { client } = await withAnswer(answer, { maxMessageBytes: 1000 })
    expect(await failure(client.callTool('x'))).toMatchObject({ code: 'message_too_large' })
  })
})

describe('HTTP errors', () => {
  it('with a JSON-RPC error are that error', async () => {
    const { client } = await withAnswer(request => rpcError(request, 400, -32602, 'Unknown tool: x', { name: 'x' }))
    expect(await failure(client.callTool('x'))).toMatchObject({
      name: 'RpcError',
      code: -32602,
      message: 'Unknown tool: x',
      data: { name: 'x' },
      status: 400,
    })
  })

  it('without one say what came', async () => {
    const { client } = await withAnswer(
      () => new Response('upstream\u0007 down', { status: 502, headers: { 'content-type': 'text/plain' } }),
    )
    const error = await failure(client.callTool('x'))
    expect(error).toMatchObject({
      code: 'http_status',
      detail: { status: 502, contentType: 'text/plain', received: 'upstream down', mayHaveRun: true },
    })
    expect(error.message).toBe('tools/call at https://mcp.example/mcp was answered with HTTP 502: upstream down')
  })

  it('401 without authorization attached is told with the challenge', async () => {
    const challenge =
      'Bearer resource_metadata="https://mcp.example/.well-known/oauth-protected-resource", scope="a b", error="invalid_token"'
    const { client } = await withAnswer(
      () => new Response(null, { status: 401, headers: { 'www-authenticate': challenge } }),
    )
    expect(await failure(client.callTool('x'))).toMatchObject({
      code: 'unauthorized',
      detail: {
        status: 401,
        challenge: {
          scheme: 'bearer',
          scope: 'a b',
          error: 'invalid_token',
          resourceMetadata: 'https://mcp.example/.well-known/oauth-protected-resource',
        },
      },
    })
  })

  it('403 is told with the challenge, also when its body is a JSON-RPC error', async () => {
    const { client } = await withAnswer(() =>
      Response.json(
        { jsonrpc: '2.0', id: null, error: { code: -32000, message: 'Forbidden host' } },
        { status: 403, headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="w"' } },
      ),
    )
    expect(await failure(client.callTool('x'))).toMatchObject({
      code: 'forbidden',
      detail: { received: 'Forbidden host', challenge: { error: 'insufficient_scope', scope: 'w' } },
    })
  })

  it('never end in an endless error body', async () => {
    let pulled = 0
    const { client } = await withAnswer(() => {
      const body = new ReadableStream<Uint8Array>({
        pull: stream => {
          pulled += 1
          stream.enqueue(new Uint8Array(1000).fill(120))
        },
      })
      return new Response(body, { status: 500, headers: { 'content-type': 'text/plain' } })
    })
    expect(await failure(client.callTool('x'))).toMatchObject({ code: 'http_status' })
    expect(pulled).toBeLessThan(10)
  })

  it('to a notification are reported by connect, as the server refused it', async () => {
    const server = createHandshakeServer()
    const { answer } = server
    server.answer = request =>
      request.message?.method === 'notifications/initialized' ? new Response('no', { status: 500 }) : answer(request)
    expect(await failure(connect(URL_OF_SERVER, server))).toMatchObject({
      code: 'http_status',
      detail: { method: 'notifications/initialized' },
    })
  })

  it("field X7: a 401 in the middle of an open server is an authorization error, not a tool's", async () => {
    const server = createHandshakeServer({
      'tools/list': { tools: [] },
      'tools/call': () => new Response(null, { status: 401 }),
    })
    const client = await connect(URL_OF_SERVER, server)
    await client.listTools()
    expect(await failure(client.callTool('x'))).toMatchObject({ name: 'TransportError', code: 'unauthorized' })
  })
})

describe('redirects', () => {
  it.each([307, 308])('%i within the origin is followed with method and body kept', async status => {
    const server = createStatelessServer()
    const { answer } = server
    server.answer = request =>
      request.url.endsWith('/mcp') ? new Response(null, { status, headers: { location: '/mcp/' } }) : answer(request)
    const client = await connect('https://mcp.example/mcp', server)
    expect(client.revision).toBe('2026-07-28')
    expect(server.requests.map(({ method, url }) => [method, url])).toEqual([
      ['POST', 'https://mcp.example/mcp'],
      ['POST', 'https://mcp.example/mcp/'],
    ])
  })

  it.each([
    ['off the origin', 307, 'https://evil.example/mcp'],
    ['to another port', 307, 'https://mcp.example:8443/mcp'],
    ['to http', 308, 'http://mcp.example/mcp'],
    ['that turns the POST into a GET', 302, '/elsewhere'],
    ['without a usable target', 307, 'http://[bad'],
    ['for ever', 307, '/mcp'],
  ])('%s is refused, and nothing goes there', async (_name, status, location) => {
    const server = createScriptedServer(() => new Response(null, { status, headers: { location } }))
    const error = await failure(
      connect('https://mcp.example/mcp', { fetch: server.fetch, headers: { authorization: 'Key 1' } }),
    )
    expect(error).toMatchObject({ code: 'redirect_refused', detail: { status } })
    expect(new Set(server.requests.map(({ url }) => url))).toEqual(new Set(['https://mcp.example/mcp']))
    expect(server.requests.length).toBeLessThanOrEqual(4)
  })
})

const withLoss = (server: ScriptedServer, lose: Answer): void => {
  const { answer } = server
  let lost = false
  server.answer = request => {
    if (!lost && request.message?.method === 'tools/call') {
      lost = true
      return lose(request)
    }
    return answer(request)
  }
}
/** A server that gives a new session id to every `initialize` and knows only the last one. */
const createForgetfulServer = (): ScriptedServer => {
  let sessions = 0
  return createHandshakeServer({
    initialize: request =>
      result(
        request,
        {
          protocolVersion: '2025-11-25',
          capabilities: {},
          serverInfo: { name: 'forgetful', version: String(++sessions) },
        },
        { 'mcp-session-id': `s${sessions}` },
      ),
    'tools/call': request =>
      request.headers.get('mcp-session-id') === `s${sessions}`
        ? result(request, { content: [] })
        : new Response(null, { status: 404 }),
  })
}

describe('sessions', () => {
  it('go with every request after initialize, and end with DELETE', async () => {
    const server = createHandshakeServer({ 'tools/call': { content: [] } })
    const client = await connect(URL_OF_SERVER, server)
    expect(client.sessionId).toBe('s1')
    await client.callTool('x')
    await client.close()
    expect(
      server.requests.map(({ method, message, headers }) => [message?.method ?? method, headers.get('mcp-session-id')]),
    ).toEqual([
      ['server/discover', null],
      ['initialize', null],
      ['notifications/initialized', 's1'],
      ['tools/call', 's1'],
      ['DELETE', 's1'],
    ])
    await client.close()
    expect(server.requests).toHaveLength(5)
  })

  it('without an id end without DELETE', async () => {
    const server = createHandshakeServer({}, { sessionId: null })
    const client = await connect(URL_OF_SERVER, server)
    await client.close()
    expect(server.methods()).not.toContain('DELETE')
  })

  it('of a server that refuses or never answers DELETE end all the same', async () => {
    const refusing = createHandshakeServer()
    const client = await connect(URL_OF_SERVER, refusing)
    refusing.answer = () => new Response(null, { status: 405 })
    await client.close()

    const broken = createHandshakeServer()
    const other = await connect(URL_OF_SERVER, broken)
    broken.answer = () => Promise.reject(new TypeError('fetch failed'))
    await other.close()
  })

  it.each<[string, Answer]>([
    ['404', () => new Response('Session not found', { status: 404 })],
    ['404 with a JSON-RPC error', request => rpcError(request, 404, -32001, 'Session not found')],
    [
      'the 400 of the official examples',
      request => rpcError(request, 400, -32000, 'Bad Request: No valid session ID provided'),
    ],
  ])('field X1: lost with %s are renewed once, and the request is sent again', async (_name, lose) => {
    const server = createHandshakeServer({ 'tools/call': { content: [{ type: 'text', text: 'ok' }] } })
    withLoss(server, lose)
    const client = await connect(URL_OF_SERVER, server)
    server.requests.length = 0
    expect((await client.callTool('x', { a: 1 })).content).toEqual([{ type: 'text', text: 'ok' }])
    expect(server.methods()).toEqual(['tools/call', 'initialize', 'notifications/initialized', 'tools/call'])
    expect(server.requests[1]?.headers.has('mcp-session-id')).toBe(false)
    expect(server.requests[3]?.message.params).toEqual(server.requests[0]?.message.params)
    expect(server.requests[3]?.message.id).not.toBe(server.requests[0]?.message.id)
  })

  it('field X1: lost by many requests at once are renewed once', async () => {
    const server = createForgetfulServer()
    const client = await connect(URL_OF_SERVER, server)
    await connect(URL_OF_SERVER, server)
    server.requests.length = 0
    await Promise.all([1, 2, 3, 4].map(value => client.callTool('x', { value })))
    expect(server.methods().filter(method => method === 'initialize')).toHaveLength(1)
    expect(client.sessionId).toBe('s3')
    expect(client.serverInfo?.version).toBe('3')
  })

  it('field X1: lost again after the renewal are a typed error, not a loop', async () => {
    const server = createHandshakeServer({ 'tools/call': () => new Response(null, { status: 404 }) })
    const client = await connect(URL_OF_SERVER, server)
    expect(await failure(client.callTool('x'))).toMatchObject({ code: 'session_lost' })
    expect(server.methods().filter(method => method === 'initialize')).toHaveLength(2)
    expect(server.methods().filter(method => method === 'tools/call')).toHaveLength(2)
  })

  it('field X1: that cannot be renewed now are renewed by the next request', async () => {
    const server = createForgetfulServer()
    const client = await connect(URL_OF_SERVER, server)
    await connect(URL_OF_SERVER, server)
    const { answer } = server
    server.answer = request =>
      request.message?.method === 'initialize' ? new Response('not here', { status: 404 }) : answer(request)
    expect(await failure(client.callTool('x'))).toMatchObject({ code: 'http_status', detail: { status: 404 } })
    server.answer = answer
    expect(await client.callTool('x')).toEqual({ content: [] })
    expect(client.sessionId).toBe('s3')
  })

  it('field X1: that cannot be renewed fail the request with the reason', async () => {
    const server = createHandshakeServer({ 'tools/call': () => new Response(null, { status: 404 }) })
    const client = await connect(URL_OF_SERVER, server)
    const { answer } = server
    server.answer = request =>
      request.message?.method === 'initialize' ? new Response('down', { status: 503 }) : answer(request)
    expect(await failure(client.callTool('x'))).toMatchObject({ code: 'http_status', detail: { status: 503 } })
  })

  it('field X1: no session, no renewal: a 404 is a 404', async () => {
    const server = createHandshakeServer(
      { 'tools/call': () => new Response(null, { status: 404 }) },
      { sessionId: null },
    )
    const client = await connect(URL_OF_SERVER, server)
    expect(await failure(client.callTool('x'))).toMatchObject({ code: 'http_status', detail: { status: 404 } })
    expect(server.methods().filter(method => method === 'initialize')).toHaveLength(1)
  })

  it('a 404 with "method not found" is about the method, not the session', async () => {
    const server = createHandshakeServer({
      'tools/call': request => rpcError(request, 404, -32601, 'Method not found'),
    })
    const client = await connect(URL_OF_SERVER, server)
    expect(await failure(client.callTool('x'))).toMatchObject({ name: 'RpcError', code: -32601 })
    expect(server.methods().filter(method => method === 'initialize')).toHaveLength(1)
  })

  it('field X10: the stateless family has none: an id is not kept, and a 404 never means that it expired', async () => {
    const server = createStatelessServer({
      'tools/call': () => new Response(null, { status: 404, headers: { 'mcp-session-id': 'x' } }),
    })
    const { answer } = server
    server.answer = async request => {
      const response = await answer(request)
      response.headers.set('mcp-session-id', 'stray')
      return response
    }
    const client = await connect(URL_OF_SERVER, server)
    expect(await failure(client.callTool('x'))).toMatchObject({ code: 'http_status', detail: { status: 404 } })
    expect(client.sessionId).toBeUndefined()
    await client.close()
    expect(server.methods()).toEqual(['server/discover', 'tools/call'])
    expect(server.requests.some(({ headers }) => headers.has('mcp-session-id'))).toBe(false)
  })
})

describe('the network', () => {
  it('that refuses the connection is told in words, and nothing has run', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise(resolve => server.close(resolve))
    const error = await failure(connect(`http://127.0.0.1:${port}/mcp`))
    expect(error).toMatchObject({ code: 'network', detail: { mayHaveRun: false } })
    expect(error.message).toBe(`No answer from http://127.0.0.1:${port}/mcp: the connection was refused (ECONNREFUSED)`)
  })

  it('that breaks after the request was sent says that it may have run', async () => {
    const server = createServer(request => request.socket.destroy())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const error = await failure(connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`))
    await new Promise(resolve => server.close(resolve))
    expect(error).toMatchObject({ code: 'network', detail: { mayHaveRun: true } })
  })

  it('errors of an authorizing fetch stay what they are', async () => {
    const refused = Object.assign(new Error('log in first'), { name: 'OAuthError', code: 'login_required' })
    const { server, client } = await withAnswer(() => new Response())
    server.answer = () => Promise.reject(refused)
    expect(await failure(client.callTool('x'))).toBe(refused)
  })
})
