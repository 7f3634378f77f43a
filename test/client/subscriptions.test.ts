import { describe, expect, it, vi } from 'vitest'
import type { Change } from '../../src/client.ts'
import { connect } from '../../src/http/connect.ts'
import {
  createHandshakeServer,
  createStatelessServer,
  event,
  result,
  rpcError,
  type ScriptedRequest,
} from '../http/scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp'
const ID = 'io.modelcontextprotocol/subscriptionId'

/** A stream that a test writes to. */
function openStream(signal: AbortSignal) {
  let write: (text: string) => void = () => {}
  let end: () => void = () => {}
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      write = text => controller.enqueue(new TextEncoder().encode(text))
      end = () => controller.close()
      signal.addEventListener('abort', () => controller.error(signal.reason))
    },
  })
  const response = new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  return { response, write: (text: string) => write(text), end: () => end() }
}

/** A stateless server that acknowledges every listen request. */
function listening(acknowledge: (request: ScriptedRequest) => object = ({ message }) => message.params.notifications) {
  const streams: {
    id: number
    tell: (method: string, params?: object) => void
    end: () => void
    signal: AbortSignal
  }[] = []
  const server = createStatelessServer({
    'subscriptions/listen': request => {
      const { response, write, end } = openStream(request.signal)
      const { id } = request.message
      const tell = (method: string, params: object = {}) =>
        write(event({ jsonrpc: '2.0', method, params: { ...params, _meta: { [ID]: id } } }))
      tell('notifications/subscriptions/acknowledged', { notifications: acknowledge(request) })
      streams.push({ id, tell, end, signal: request.signal })
      return response
    },
  })
  return { server, streams }
}

describe('a subscription to a stateless server', () => {
  it('asks for what is wanted, says what was granted, and tells only its own changes', async () => {
    const { server, streams } = listening(() => ({ toolsListChanged: true }))
    const client = await connect(URL_OF_SERVER, server)
    const first: Change[] = []
    const second: Change[] = []
    const one = await client.subscribe({ tools: true, uris: ['x:1'] }, change => first.push(change))
    await client.subscribe({ tools: true, prompts: true }, change => second.push(change))
    expect(server.requests.at(-2)?.message.params.notifications).toEqual({
      toolsListChanged: true,
      resourceSubscriptions: ['x:1'],
    })
    expect(one.granted).toEqual({ tools: true, prompts: false, resources: false, uris: [] })
    streams[0]?.tell('notifications/tools/list_changed')
    streams[0]?.tell('notifications/resources/updated', { uri: 'x:1' })
    streams[1]?.tell('notifications/prompts/list_changed')
    await expect.poll(() => second).toEqual([{ kind: 'prompts' }])
    expect(first).toEqual([{ kind: 'tools' }, { kind: 'resource', uri: 'x:1' }])
    await client.close()
  })

  it('closing it ends its stream, and nothing else', async () => {
    const { server, streams } = listening()
    const client = await connect(URL_OF_SERVER, server)
    const one = await client.subscribe({ tools: true }, () => {})
    await client.subscribe({ tools: true }, () => {})
    await one.close()
    await one.ended
    expect(streams.map(({ signal }) => signal.aborted)).toEqual([true, false])
    await client.close()
    expect(streams[1]?.signal.aborted).toBe(true)
  })

  it('is taken up again when its stream breaks, and then tells everything once', async () => {
    const { server, streams } = listening()
    const client = await connect(URL_OF_SERVER, server)
    const changes: Change[] = []
    await client.subscribe({ tools: true, uris: ['x:1'] }, change => changes.push(change))
    streams[0]?.end()
    await expect.poll(() => streams).toHaveLength(2)
    await expect.poll(() => changes).toEqual([{ kind: 'tools' }, { kind: 'resource', uri: 'x:1' }])
    expect(streams[1]?.id).not.toBe(streams[0]?.id)
    await client.close()
  })

  it('a server that refuses rejects it', async () => {
    const server = createStatelessServer({
      'subscriptions/listen': request => rpcError(request, 400, -32602, 'Not here'),
    })
    const client = await connect(URL_OF_SERVER, server)
    await expect(client.subscribe({ tools: true }, () => {})).rejects.toMatchObject({ code: -32602 })
  })

  it('a listener that throws harms nobody', async () => {
    const onError = vi.fn()
    const { server, streams } = listening()
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onError })
    const heard = vi.fn()
    await client.subscribe({ tools: true }, () => {
      throw new Error('mine')
    })
    await client.subscribe({ tools: true }, heard)
    for (const { tell } of streams) tell('notifications/tools/list_changed')
    await expect.poll(() => heard).toHaveBeenCalled()
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ message: 'mine' }))
    await client.close()
  })
})

describe('a subscription to a handshake server', () => {
  const CAPABILITIES = { tools: { listChanged: true }, resources: { subscribe: true } }
  const create = () => {
    let stream: ReturnType<typeof openStream> | undefined
    let sessions = 0
    const server = createHandshakeServer({
      initialize: request =>
        result(
          request,
          { protocolVersion: '2025-11-25', capabilities: CAPABILITIES, serverInfo: { name: 's', version: '1' } },
          { 'mcp-session-id': `s${++sessions}` },
        ),
      'resources/subscribe': {},
      'resources/unsubscribe': {},
      'tools/list': request =>
        request.headers.get('mcp-session-id') === `s${sessions}`
          ? result(request, { tools: [] })
          : new Response('gone', { status: 404 }),
    })
    const { answer } = server
    server.answer = request => {
      if (request.method !== 'GET') return answer(request)
      stream = openStream(request.signal)
      return stream.response
    }
    return {
      server,
      lose: () => sessions++,
      tell: (message: object) => stream?.write(event({ jsonrpc: '2.0', ...message })),
      opened: () => stream !== undefined,
    }
  }

  it('opens the stream, subscribes to resources, and says what the server can', async () => {
    const { server, tell, opened } = create()
    const client = await connect(URL_OF_SERVER, server)
    expect(opened()).toBe(false)
    const changes: Change[] = []
    const subscription = await client.subscribe({ tools: true, prompts: true, uris: ['x:1'] }, change =>
      changes.push(change),
    )
    expect(subscription.granted).toEqual({ tools: true, prompts: false, resources: false, uris: ['x:1'] })
    await expect.poll(() => opened()).toBe(true)
    tell({ method: 'notifications/tools/list_changed' })
    tell({ method: 'notifications/resources/updated', params: { uri: 'x:1/part' } })
    await expect.poll(() => changes).toEqual([{ kind: 'tools' }, { kind: 'resource', uri: 'x:1/part' }])
    await client.close()
  })

  it('shares a resource, and gives it up with the last who wants it', async () => {
    const { server } = create()
    const client = await connect(URL_OF_SERVER, server)
    const [one, two] = await Promise.all([1, 2].map(() => client.subscribe({ uris: ['x:1'] }, () => {})))
    await one?.close()
    expect(server.methods()).not.toContain('resources/unsubscribe')
    await two?.close()
    expect(server.methods()).toContain('resources/unsubscribe')
    await client.close()
  })

  it('is made again in a new session', async () => {
    const { server, lose } = create()
    const client = await connect(URL_OF_SERVER, server)
    const changes: Change[] = []
    await client.subscribe({ uris: ['x:1'] }, change => changes.push(change))
    lose()
    await client.listTools()
    const subscribed = () => server.methods().filter(method => method === 'resources/subscribe')
    await expect.poll(() => subscribed()).toHaveLength(2)
    expect(changes).toEqual([{ kind: 'resource', uri: 'x:1' }])
    await client.close()
  })
})
