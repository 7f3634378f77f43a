import { describe, expect, it, vi } from 'vitest'
import { connect } from '../../src/http/connect.ts'
import { createHandshakeServer, createStatelessServer, event, eventStream, result } from './scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp'
const PRIME = 'id: e0\nretry: 5\ndata:\n\n'

/** A handshake server whose tool answers with `first`, and whose GETs are answered in turn. */
function resumable(first: () => Response, ...gets: ((lastEventId: string | null) => Response)[]) {
  const server = createHandshakeServer({ 'tools/call': first, 'tools/list': first })
  const { answer } = server
  const resumed: (string | null)[] = []
  server.answer = request => {
    if (request.method !== 'GET') return answer(request)
    const lastEventId = request.headers.get('last-event-id')
    resumed.push(lastEventId)
    return gets[Math.min(resumed.length, gets.length) - 1]?.(lastEventId) ?? new Response(null, { status: 405 })
  }
  const id = () => server.requests.filter(({ message }) => message?.method?.startsWith('tools/')).at(-1)?.message.id
  const done = (eventId: string) => event({ jsonrpc: '2.0', id: id(), result: { content: [], tools: [] } }, eventId)
  return { server, resumed, done }
}

describe('a stream that ends before its answer (handshake family)', () => {
  it('is taken up where it ended, over several drops', async () => {
    const world = resumable(
      () => eventStream(PRIME),
      () => eventStream('id: e1\ndata:\n\n'),
      () =>
        eventStream(
          event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 1 } }, 'e2'),
        ),
      () => eventStream(world.done('e3')),
    )
    const onNotification = vi.fn()
    const client = await connect(URL_OF_SERVER, { fetch: world.server.fetch })
    expect(await client.callTool('slow')).toEqual({ content: [], tools: [] })
    expect(world.resumed).toEqual(['e0', 'e1', 'e2'])
    expect(world.server.methods().filter(method => method === 'tools/call')).toHaveLength(1)
    const get = world.server.requests.find(({ method }) => method === 'GET')
    expect(get?.headers.get('mcp-session-id')).toBe('s1')
    expect(get?.headers.get('accept')).toBe('text/event-stream')
    expect(onNotification).not.toHaveBeenCalled()
  })

  it('waits as long as the server asked for', async () => {
    const world = resumable(
      () => eventStream('id: e0\nretry: 80\ndata:\n\n'),
      () => eventStream(world.done('e1')),
    )
    const client = await connect(URL_OF_SERVER, world.server)
    const startedAt = performance.now()
    await client.callTool('slow')
    // Not sooner; how much later depends on the machine.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(75)
  })

  it('survives failures on the way: a broken connection, and a server that is just starting', async () => {
    const world = resumable(
      () => eventStream(PRIME),
      () => {
        throw new TypeError('fetch failed')
      },
      () => new Response('starting', { status: 503 }),
      () => eventStream(world.done('e1')),
    )
    const client = await connect(URL_OF_SERVER, world.server)
    await client.callTool('slow')
    expect(world.resumed).toEqual(['e0', 'e0', 'e0'])
  })

  it('is lost when the server refuses to go on; a tool may have run, and is not called again', async () => {
    const world = resumable(() => eventStream(PRIME))
    const client = await connect(URL_OF_SERVER, world.server)
    await expect(client.callTool('slow')).rejects.toMatchObject({ code: 'stream_lost', detail: { mayHaveRun: true } })
    expect(world.server.methods().filter(method => method === 'tools/call')).toHaveLength(1)
  })

  it('is not taken up from an id that no header can carry', async () => {
    const world = resumable(() => eventStream('id: ünï\nretry: 5\ndata:\n\n'))
    const client = await connect(URL_OF_SERVER, world.server)
    await expect(client.callTool('slow')).rejects.toMatchObject({ code: 'stream_lost' })
    expect(world.resumed).toEqual([])
  })

  it('ends with the call: a signal stops the waiting', async () => {
    const world = resumable(() => eventStream('id: e0\nretry: 100000\ndata:\n\n'))
    const client = await connect(URL_OF_SERVER, world.server)
    const controller = new AbortController()
    const call = client.callTool('slow', {}, { signal: controller.signal })
    await expect.poll(() => world.server.methods()).toContain('tools/call')
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
    expect(world.resumed).toEqual([])
  })
})

describe('a stream that ends before its answer (stateless family)', () => {
  const list = (readOnlyHint: boolean) => ({
    resultType: 'complete',
    ttlMs: 0,
    cacheScope: 'private',
    tools: [{ name: 'look', inputSchema: { type: 'object' }, annotations: { readOnlyHint } }],
  })
  const create = (readOnly: boolean) => {
    let calls = 0
    return createStatelessServer({
      'tools/list': list(readOnly),
      'tools/call': request =>
        ++calls === 1 ? eventStream(PRIME) : result(request, { resultType: 'complete', content: [] }),
    })
  }
  const calls = (server: ReturnType<typeof create>) =>
    server.requests.filter(({ message }) => message?.method === 'tools/call')

  it('is asked for again, under a new id, for a tool that was listed as read-only', async () => {
    const server = create(true)
    const client = await connect(URL_OF_SERVER, server)
    await client.listTools()
    await client.callTool('look')
    const [first, second] = calls(server)
    expect(second?.message.id).not.toBe(first?.message.id)
  })

  it.each([
    ['is listed as changing something', true],
    ['was never listed', false],
  ])('is not asked for again for a tool that %s', async (_what, listed) => {
    const server = create(false)
    const client = await connect(URL_OF_SERVER, server)
    if (listed) await client.listTools()
    await expect(client.callTool('look')).rejects.toMatchObject({ code: 'stream_lost', detail: { mayHaveRun: true } })
    expect(calls(server)).toHaveLength(1)
  })

  it('is asked for again for everything but tools, once', async () => {
    let lists = 0
    const server = createStatelessServer({
      'tools/list': request => (++lists % 2 === 1 ? eventStream(PRIME) : result(request, list(true))),
      'prompts/list': () => eventStream(PRIME),
    })
    const client = await connect(URL_OF_SERVER, server)
    expect((await client.listTools()).tools).toHaveLength(1)
    await expect(client.listPrompts()).rejects.toMatchObject({ code: 'stream_lost' })
    expect(server.methods().filter(method => method === 'prompts/list')).toHaveLength(2)
    expect(server.methods()).not.toContain('GET')
  })
})
