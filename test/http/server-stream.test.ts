import { describe, expect, it, vi } from 'vitest'
import { connect } from '../../src/http/connect.ts'
import { createHandshakeServer, createStatelessServer, event, eventStream } from './scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp'
const MESSAGE = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'hi' } }

/** A handshake server that answers GETs in turn; the last answer stands for all that follow. */
function streaming(...gets: (() => Response)[]) {
  const server = createHandshakeServer({ 'tools/list': { tools: [] } })
  const { answer } = server
  const opened = () => server.requests.filter(({ method }) => method === 'GET')
  server.answer = request => {
    if (request.method !== 'GET') return answer(request)
    return gets[Math.min(opened().length, gets.length) - 1]?.() ?? new Response(null, { status: 405 })
  }
  return { server, opened }
}
const never = () => new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } })

describe("a session's own stream", () => {
  it('is opened after the handshake where somebody listens, and brings what belongs to no request', async () => {
    const { server, opened } = streaming(() => eventStream(event(MESSAGE)), never)
    const onNotification = vi.fn()
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onNotification })
    await expect.poll(() => onNotification).toHaveBeenCalledWith(MESSAGE)
    expect(opened()[0]?.headers.get('mcp-session-id')).toBe('s1')
    expect(server.methods().indexOf('GET')).toBeGreaterThan(server.methods().indexOf('notifications/initialized'))
    await client.close()
  })

  it('is not opened where nobody listens', async () => {
    const { server, opened } = streaming(never)
    const client = await connect(URL_OF_SERVER, server)
    await client.listTools()
    expect(opened()).toHaveLength(0)
    await client.close()
  })

  it('is not opened to a stateless server', async () => {
    const server = createStatelessServer()
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onNotification: () => {} })
    await client.ping()
    expect(server.methods()).not.toContain('GET')
  })

  it.each([400, 404, 405, 406, 410, 415])(
    'field X3: a server that answers GET with %i is used with POST alone, and nothing is wrong',
    async status => {
      const { server, opened } = streaming(() => new Response('no', { status }))
      const onError = vi.fn()
      const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onNotification: () => {}, onError })
      await expect.poll(() => opened()).toHaveLength(1)
      await client.listTools()
      await new Promise(resolve => setTimeout(resolve, 20))
      expect(opened()).toHaveLength(1)
      expect(onError).not.toHaveBeenCalled()
      await client.close()
    },
  )

  it.each([401, 403])('one that answers with %i is reported, and left alone', async status => {
    const { server, opened } = streaming(() => new Response('no', { status }))
    const onError = vi.fn()
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onNotification: () => {}, onError })
    await expect.poll(() => onError).toHaveBeenCalledTimes(1)
    await client.listTools()
    expect(opened()).toHaveLength(1)
    await client.close()
  })

  it('one that ends is opened again where it ended, at the pace of the server', async () => {
    const { server, opened } = streaming(() => eventStream('retry: 5\n', event(MESSAGE, 'e7')), never)
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onNotification: () => {} })
    await expect.poll(() => opened()).toHaveLength(2)
    expect(opened()[1]?.headers.get('last-event-id')).toBe('e7')
    await client.close()
  })

  it('field X3: one that ends at once, again and again, is never opened in a tight loop', async () => {
    const { server, opened } = streaming(() => eventStream('retry: 1\n\n'))
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onNotification: () => {} })
    await new Promise(resolve => setTimeout(resolve, 500))
    // The first pause alone is three quarters of a second.
    expect(opened()).toHaveLength(1)
    await client.close()
  })

  it('one that is not reachable just now is tried again', async () => {
    const { server, opened } = streaming(() => {
      throw new TypeError('fetch failed')
    }, never)
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onNotification: () => {} })
    await expect.poll(() => opened()).toHaveLength(2)
    await client.close()
  })

  it('ends with the client', async () => {
    const { server, opened } = streaming(never)
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onNotification: () => {} })
    await expect.poll(() => opened()).toHaveLength(1)
    await client.close()
    expect(opened()[0]?.signal.aborted).toBe(true)
  })
})
