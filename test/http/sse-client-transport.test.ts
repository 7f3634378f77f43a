import { describe, expect, it, vi } from 'vitest'
import { connect } from '../../src/http/connect.ts'
import { createScriptedServer, event, type ScriptedRequest } from './scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/sse'

/** A server of revision 2024-11-05: GET streams, messages to /messages, no POST at the URL itself. */
function createSseServer({ endpoint = '/messages?session=1', post = 404 }: { endpoint?: string; post?: number } = {}) {
  const streams: { write: (text: string) => void; end: () => void; signal: AbortSignal }[] = []
  const results: Record<string, object> = {
    initialize: { protocolVersion: '2024-11-05', capabilities: {}, serverInfo: { name: 'old', version: '1' } },
    'tools/list': { tools: [] },
  }
  let answers = true
  const server = createScriptedServer((request: ScriptedRequest) => {
    const { method, message, url } = request
    if (method === 'GET') {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          const write = (text: string) => controller.enqueue(new TextEncoder().encode(text))
          streams.push({ write, end: () => controller.close(), signal: request.signal })
          write(`event: endpoint\ndata: ${endpoint}\n\n`)
          request.signal.addEventListener('abort', () => controller.error(request.signal.reason))
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    }
    if (!url.includes('/messages')) return new Response('no such thing', { status: post })
    const result = results[message.method]
    if (message.id !== undefined && result && answers)
      streams.at(-1)?.write(event({ jsonrpc: '2.0', id: message.id, result }).replace('data:', 'event: message\ndata:'))
    return new Response(null, { status: 202 })
  })
  return { server, streams, keepSilent: () => (answers = false), speak: () => (answers = true) }
}

describe('a server of revision 2024-11-05', () => {
  it.each([400, 404, 405, 406, 411])(
    'field X6: is reached over HTTP+SSE after POST was answered with %i',
    async post => {
      const { server } = createSseServer({ post })
      const client = await connect(URL_OF_SERVER, { fetch: server.fetch, headers: { 'x-key': 'k' } })
      expect(client.revision).toBe('2024-11-05')
      expect(await client.listTools()).toEqual({ tools: [] })
      expect(server.methods()).toEqual([
        'server/discover',
        'initialize',
        'GET',
        'initialize',
        'notifications/initialized',
        'tools/list',
      ])
      expect(server.requests.at(-1)?.url).toBe('https://mcp.example/messages?session=1')
      expect(server.requests.every(({ headers }) => headers.get('x-key') === 'k')).toBe(true)
      await client.close()
    },
  )

  it.each([401, 403, 429, 500, 503])('field X5: is not looked for after %i', async post => {
    const { server } = createSseServer({ post })
    await expect(connect(URL_OF_SERVER, server)).rejects.toMatchObject({ name: 'TransportError' })
    expect(server.methods()).not.toContain('GET')
  })

  it('R-FETCH-1 sends nothing to another origin', async () => {
    const { server } = createSseServer({ endpoint: 'https://elsewhere.example/messages' })
    await expect(connect(URL_OF_SERVER, server)).rejects.toMatchObject({ code: 'redirect_refused' })
    expect(server.requests.every(({ url }) => url.startsWith('https://mcp.example/'))).toBe(true)
  })

  it('what waits fails when the stream ends, and the next request begins anew', async () => {
    const { server, streams, keepSilent, speak } = createSseServer()
    const client = await connect(URL_OF_SERVER, server)
    keepSilent()
    const call = client.callTool('slow')
    await expect.poll(() => server.methods()).toContain('tools/call')
    streams[0]?.end()
    await expect(call).rejects.toMatchObject({ code: 'stream_lost', detail: { mayHaveRun: true } })
    speak()
    expect(await client.listTools()).toEqual({ tools: [] })
    expect(streams).toHaveLength(2)
    await client.close()
    expect(streams[1]?.signal.aborted).toBe(true)
  })

  it('when there is no stream either, the first refusal is what is told, and closing runs once', async () => {
    const onClosed = vi.fn(async () => undefined)
    const server = createScriptedServer(() => new Response('<html>nothing here</html>', { status: 404 }))
    await expect(connect(URL_OF_SERVER, { fetch: server.fetch, onClosed })).rejects.toMatchObject({
      code: 'http_status',
      detail: { method: 'initialize', status: 404 },
    })
    expect(onClosed).toHaveBeenCalledTimes(1)
  })
})
