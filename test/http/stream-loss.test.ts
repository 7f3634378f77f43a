import { describe, expect, it, vi } from 'vitest'
import { type Change, connect } from '../../src/client.ts'
import { reconnectionDelay } from '../../src/http/reconnection.ts'
import {
  createHandshakeServer,
  createScriptedServer,
  event,
  eventStream,
  result,
  SERVER_INFO,
} from './scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp'
const CHANGED = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }
const never = () => new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } })

describe('the time before a stream is opened again', () => {
  it('field X3: is never nothing, whatever the server asks for', () => {
    expect(reconnectionDelay(0, 0)).toBeGreaterThanOrEqual(100)
  })

  it('is never longer than a timer can be, which would ring at once', () => {
    expect(reconnectionDelay(9_999_999_999, 0)).toBe(2_147_483_647)
  })
})

describe("a session's own stream", () => {
  it('field X1: a subscription hears on after the server was restarted, though nobody asks it anything', async () => {
    let sessions = 0
    let streams = 0
    const server = createHandshakeServer({
      initialize: request => {
        const capabilities = { tools: { listChanged: true } }
        const answer = { protocolVersion: '2025-11-25', capabilities, serverInfo: SERVER_INFO }
        return result(request, answer, { 'mcp-session-id': `s${++sessions}` })
      },
      ping: request =>
        request.headers.get('mcp-session-id') === 's1' ? new Response(null, { status: 404 }) : result(request, {}),
    })
    const { answer } = server
    server.answer = request => {
      if (request.method !== 'GET') return answer(request)
      if (streams++ === 0) return eventStream('retry: 1\n\n', event(CHANGED))
      return request.headers.get('mcp-session-id') === 's1' ? new Response(null, { status: 404 }) : never()
    }
    const client = await connect(URL_OF_SERVER, server)
    const changes: Change[] = []
    await client.subscribe({ tools: true }, change => changes.push(change))
    await expect.poll(() => changes).toHaveLength(2)
    expect(client.sessionId).toBe('s2')
    expect(streams).toBe(3)
    await client.close()
  })

  it('that the server does not take up again is left alone when the session lives', async () => {
    let streams = 0
    const server = createHandshakeServer()
    const { answer } = server
    server.answer = request => {
      if (request.method !== 'GET') return answer(request)
      return streams++ === 0 ? eventStream('retry: 1\n\n', event(CHANGED)) : new Response(null, { status: 404 })
    }
    const onError = vi.fn()
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onNotification: () => {}, onError })
    await expect.poll(() => server.methods().at(-1)).toBe('ping')
    expect(server.methods().filter(method => method === 'initialize')).toHaveLength(1)
    expect([streams, onError.mock.calls.length]).toEqual([2, 0])
    await client.close()
  })

  it.each([405, 404, 400])(
    'field X3: a refusal with %i is none to report, though it is dressed up as JSON-RPC',
    async status => {
      const server = createHandshakeServer()
      const { answer } = server
      let refused = 0
      server.answer = request => {
        if (request.method !== 'GET') return answer(request)
        refused += 1
        const error = { code: -32000, message: 'Method not allowed.' }
        return Response.json({ jsonrpc: '2.0', id: null, error }, { status })
      }
      const onError = vi.fn()
      const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onNotification: () => {}, onError })
      await expect.poll(() => refused).toBe(1)
      await client.ping()
      expect([refused, onError.mock.calls.length]).toEqual([1, 0])
      await client.close()
    },
  )
})

describe('an HTTP+SSE stream', () => {
  const sse = (first: string) => {
    const signals: AbortSignal[] = []
    const server = createScriptedServer(({ method, signal }) => {
      if (method !== 'GET') return new Response(null, { status: 405 })
      signals.push(signal)
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(first))
          signal.addEventListener('abort', () => controller.error(signal.reason))
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    })
    return { server, signals }
  }

  it('whose endpoint is refused is closed', async () => {
    const { server, signals } = sse('event: endpoint\ndata: https://evil.example/messages\n\n')
    await expect(connect(URL_OF_SERVER, server)).rejects.toMatchObject({ code: 'redirect_refused' })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  it('that names no endpoint does not keep a caller waiting who gives up, and is closed', async () => {
    const { server, signals } = sse(': nothing yet\n\n')
    const controller = new AbortController()
    const connecting = connect(URL_OF_SERVER, { fetch: server.fetch, signal: controller.signal })
    const failure = expect(connecting).rejects.toMatchObject({ code: 'aborted' })
    await expect.poll(() => signals).toHaveLength(1)
    controller.abort()
    await failure
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })
})
