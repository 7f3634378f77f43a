import { describe, expect, it, vi } from 'vitest'
import type { Change } from '../../src/client.ts'
import { connect } from '../../src/http/connect.ts'
import {
  createHandshakeServer,
  createStatelessServer,
  event,
  result,
  rpcError,
  SERVER_INFO,
} from '../http/scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp'
const ID = 'io.modelcontextprotocol/subscriptionId'

/** A stream that says nothing, or only what it is given, until its request is aborted. */
function endless(signal: AbortSignal, text = ''): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (text !== '') controller.enqueue(new TextEncoder().encode(text))
      signal.addEventListener('abort', () => controller.error(signal.reason))
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

const acknowledgment = (id: number): string =>
  event({
    jsonrpc: '2.0',
    method: 'notifications/subscriptions/acknowledged',
    params: { notifications: { toolsListChanged: true }, _meta: { [ID]: id } },
  })

describe('a subscription that cannot begin', () => {
  it('ends with timeout when the server never acknowledges it, and its stream is closed', async () => {
    const signals: AbortSignal[] = []
    const server = createStatelessServer({
      'subscriptions/listen': ({ signal }) => {
        signals.push(signal)
        return endless(signal)
      },
    })
    const client = await connect(URL_OF_SERVER, server)
    const wanted = client.subscribe({ tools: true }, () => {}, { timeoutMs: 20 })
    await expect(wanted).rejects.toMatchObject({ code: 'timeout', detail: { method: 'subscriptions/listen' } })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    await client.close()
  })

  it('takes the time-out of the client', async () => {
    const server = createStatelessServer({ 'subscriptions/listen': ({ signal }) => endless(signal) })
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, timeoutMs: 50 })
    await expect(client.subscribe({ tools: true }, () => {})).rejects.toMatchObject({ code: 'timeout' })
    await client.close()
  })

  it('is told the first failure instead of trying for ever', async () => {
    const server = createStatelessServer({ 'subscriptions/listen': () => new Response('busy', { status: 503 }) })
    const client = await connect(URL_OF_SERVER, server)
    await expect(client.subscribe({ tools: true }, () => {})).rejects.toMatchObject({ detail: { status: 503 } })
    await client.close()
  })

  it('sends nothing when its signal has fired already, and says why', async () => {
    const server = createStatelessServer({ 'subscriptions/listen': ({ signal }) => endless(signal) })
    const client = await connect(URL_OF_SERVER, server)
    const reason = new Error('not any more')
    const wanted = client.subscribe({ tools: true }, () => {}, { signal: AbortSignal.abort(reason) })
    await expect(wanted).rejects.toMatchObject({ code: 'aborted', cause: reason })
    expect(server.methods()).not.toContain('subscriptions/listen')
    await client.close()
  })
})

describe('a subscription under way', () => {
  it('goes on after a server that is shutting down answers with an error', async () => {
    let attempts = 0
    const server = createStatelessServer({
      'subscriptions/listen': request => {
        attempts += 1
        const { id } = request.message
        if (attempts === 2) return rpcError(request, 500, -32603, 'Server is closing')
        if (attempts === 3) return endless(request.signal, acknowledgment(id))
        return new Response(acknowledgment(id), { headers: { 'content-type': 'text/event-stream' } })
      },
    })
    const client = await connect(URL_OF_SERVER, server)
    const changes: Change[] = []
    await client.subscribe({ tools: true }, change => changes.push(change))
    await expect.poll(() => changes).toEqual([{ kind: 'tools' }])
    expect(attempts).toBe(3)
    await client.close()
  })

  it('that is closed after the client asks the server for nothing', async () => {
    const onError = vi.fn()
    const capabilities = { resources: { subscribe: true } }
    const server = createHandshakeServer({
      initialize: request => result(request, { protocolVersion: '2025-11-25', capabilities, serverInfo: SERVER_INFO }),
      'resources/subscribe': {},
      'resources/unsubscribe': {},
    })
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onError })
    const subscription = await client.subscribe({ uris: ['x:1'] }, () => {})
    await client.close()
    await subscription.ended
    await subscription.close()
    expect(onError).not.toHaveBeenCalled()
  })
})
