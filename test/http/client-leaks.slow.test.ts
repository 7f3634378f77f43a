import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/client.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const ROUNDS = 1_000
/** Bytes that one connection may leave behind; measured is 1 kB, warm-up of the runtime included. */
const KEPT_PER_ROUND = 2_000

const CAPABILITIES = { tools: {} }
const SERVER_INFO = { name: 'small', version: '1.0.0' }
const CONTENT = { content: [{ type: 'text', text: 'hi' }] }

interface Message {
  readonly id?: number
  readonly method: string
}
type Respond = (message: Message) => object | undefined

const handshake =
  (protocolVersion: string): Respond =>
  ({ method }) => {
    if (method === 'initialize') return { protocolVersion, capabilities: CAPABILITIES, serverInfo: SERVER_INFO }
    return method === 'tools/call' ? CONTENT : undefined
  }
const stateless: Respond = ({ method }) => {
  const complete = { resultType: 'complete', _meta: { 'io.modelcontextprotocol/serverInfo': SERVER_INFO } }
  if (method === 'server/discover')
    return {
      ...complete,
      supportedVersions: ['2026-07-28'],
      capabilities: CAPABILITIES,
      ttlMs: 0,
      cacheScope: 'public',
    }
  return method === 'tools/call' ? { ...complete, ...CONTENT } : undefined
}
const answerTo = (respond: Respond, message: Message): string => {
  const result = respond(message)
  const { id } = message
  return JSON.stringify(
    result
      ? { jsonrpc: '2.0', id, result }
      : { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } },
  )
}

async function bodyOf(request: IncomingMessage): Promise<Message> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return JSON.parse(text) as Message
}

const open = new Set<ServerResponse>()
const openStream = (response: ServerResponse): void => {
  open.add(response)
  response.once('close', () => open.delete(response))
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
}

const streamable =
  (respond: Respond, sessionId?: string) =>
  async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'GET') return openStream(response)
    if (request.method === 'DELETE') return void response.writeHead(200).end()
    const message = await bodyOf(request)
    if (message.id === undefined) return void response.writeHead(202).end()
    const session = sessionId !== undefined && message.method === 'initialize' ? { 'mcp-session-id': sessionId } : {}
    response.writeHead(200, { 'content-type': 'application/json', ...session }).end(answerTo(respond, message))
  }

/** HTTP+SSE: POST is refused where the stream is. */
function eventStreams() {
  const respond = handshake('2024-11-05')
  const streams = new Map<string, ServerResponse>()
  let next = 0
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, search } = new URL(request.url ?? '', 'http://localhost')
    if (pathname === '/messages') {
      const message = await bodyOf(request)
      response.writeHead(202).end()
      if (message.id !== undefined) streams.get(search)?.write(`data: ${answerTo(respond, message)}\n\n`)
    } else if (request.method === 'GET') {
      const key = `?${next++}`
      streams.set(key, response)
      response.once('close', () => streams.delete(key))
      openStream(response)
      response.write(`event: endpoint\ndata: /messages${key}\n\n`)
    } else response.writeHead(405).end()
  }
}

let server: Server | undefined
afterEach(async () => {
  const running = server
  server = undefined
  await new Promise<unknown>(resolve => {
    running?.close(resolve)
    running?.closeAllConnections()
  })
})

const heapAfterCollection = async (): Promise<number> => {
  for (let pass = 0; pass < 4; pass += 1) {
    await new Promise(resolve => setTimeout(resolve, 20))
    collectGarbage()
  }
  return process.memoryUsage().heapUsed
}
const connections = (): Promise<number> =>
  new Promise((resolve, reject) => server?.getConnections((error, count) => (error ? reject(error) : resolve(count))))

describe.each([
  ['Streamable HTTP with a session and a listening stream', () => streamable(handshake('2025-11-25'), 's1')],
  ['Streamable HTTP without sessions', () => streamable(stateless)],
  ['HTTP+SSE', eventStreams],
] as const)('%s', (_name, make) => {
  it(`connecting, calling and closing ${ROUNDS} times leaves nothing behind`, async () => {
    const handle = make()
    server = createServer((request, response) => void handle(request, response))
    await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
    const warnings: Error[] = []
    const onWarning = (warning: Error): unknown => warnings.push(warning)
    process.on('warning', onWarning)
    const lasting = new AbortController()
    let heard = 0

    const round = async (): Promise<void> => {
      const client = await connect(url, { onNotification: () => (heard += 1), signal: lasting.signal })
      await client.callTool('echo', {}, { signal: lasting.signal })
      await client.close()
    }
    const rounds = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += 10) await Promise.all(Array.from({ length: 10 }, round))
    }
    await rounds(100)
    const before = { heap: await heapAfterCollection(), resources: process.getActiveResourcesInfo().length }
    await rounds(ROUNDS)
    await expect.poll(() => open.size, { timeout: 5_000 }).toBe(0)
    const after = await heapAfterCollection()
    process.off('warning', onWarning)

    expect(heard).toBe(0)
    expect(warnings).toEqual([])
    // Idle sockets that are kept for the next request are no leak; one for each round would be.
    expect(await connections()).toBeLessThan(50)
    expect(process.getActiveResourcesInfo().length - before.resources).toBeLessThan(50)
    expect(after - before.heap).toBeLessThan(ROUNDS * KEPT_PER_ROUND)
  }, 120_000)
})
