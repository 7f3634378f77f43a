import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { type AppOptions, createApp, createGuardedApp } from '../../../src/http/server/app.ts'
import type { HttpGuard } from '../../../src/http/server/http-guard.ts'
import type { HttpRequest } from '../../../src/http/server/http-message.ts'
import { serve } from '../../../src/node/serve.ts'
import { createServer } from '../../../src/server/create-server.ts'
import type { ErrorOrigin, Server } from '../../../src/server/server.ts'

export const STATELESS = '2026-07-28'

export interface World {
  readonly port: number
  readonly server: Server
  /** What `onError` heard. */
  readonly errors: { readonly error: unknown; readonly origin: ErrorOrigin }[]
  close(): Promise<void>
}

export interface WorldOptions extends AppOptions {
  readonly guard?: HttpGuard
  readonly maxSubscriptions?: number
}

/** Serves tools on a free port, and closes everything when the test ends. */
export async function startWorld(
  define: (server: Server) => void = () => undefined,
  options: WorldOptions = {},
): Promise<World> {
  const { guard, maxSubscriptions, ...given } = options
  const errors: World['errors'] = []
  const server = createServer({
    name: 'world',
    version: '1.0.0',
    onError: (error, origin) => void errors.push({ error, origin }),
    ...(maxSubscriptions !== undefined && { maxSubscriptions }),
  })
  server.tool('echo', {}, () => 'echo')
  define(server)
  const appOptions = { path: '/mcp', drainMs: 500, ...given }
  const app = guard ? createGuardedApp(server, guard, appOptions) : createApp(server, appOptions)
  const running = await serve(app)
  const close = (): Promise<void> => running.close()
  onTestFinished(close)
  return { port: running.port, server, errors, close }
}

/** A guard that takes the token itself for the principal. */
export function createTestGuard(overrides: Partial<HttpGuard> = {}): HttpGuard {
  return {
    route: () => undefined,
    authenticate: async (http: HttpRequest) => {
      const token = http.header('authorization')?.replace('Bearer ', '')
      if (token === undefined)
        return {
          refused: { status: 401, headers: { 'www-authenticate': 'Bearer resource_metadata="https://x.example/"' } },
        }
      return { auth: { principal: token, scopes: [], claims: {}, token } }
    },
    authorize: () => undefined,
    holds: () => true,
    filtersLists: false,
    ...overrides,
  }
}

export interface SseEvent {
  readonly id?: string
  readonly retry?: number
  readonly comment?: string
  readonly data?: string
  readonly message?: any
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  text(): Promise<string>
  json(): Promise<any>
  /** Comments and priming events included. */
  events(): AsyncGenerator<SseEvent>
  /** All messages until the stream ends. */
  messages(): Promise<any[]>
  /** Loses the connection. */
  drop(): void
}

export interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer | object
  readonly agent?: Agent
}

/** Sends one request over `node:http`, which lets a test say what it likes. */
export function send(
  { port }: { readonly port: number },
  { method = 'POST', path = '/mcp', headers = {}, body, agent }: Sent,
): Promise<Reply> {
  // As bytes, for with text Node would write the headers as UTF-8 too.
  const content =
    body === undefined || Buffer.isBuffer(body)
      ? body
      : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        port,
        host: '127.0.0.1',
        method,
        path,
        agent: agent ?? false,
        headers: {
          ...(method === 'POST' && { 'content-type': 'application/json' }),
          accept: 'application/json, text/event-stream',
          ...(content !== undefined && { 'content-length': String(content.length) }),
          ...headers,
        },
      },
      incoming => resolve(toReply(incoming)),
    )
    sent.on('error', reject)
    sent.end(content)
  })
}

function toReply(incoming: IncomingMessage): Reply {
  incoming.setEncoding('utf8')
  incoming.on('error', () => undefined)
  const text = async (): Promise<string> => {
    let all = ''
    for await (const chunk of incoming) all += chunk
    return all
  }
  const reply: Reply = {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    text,
    json: async () => JSON.parse(await text()),
    events: async function* () {
      let rest = ''
      for await (const chunk of incoming) {
        rest += chunk
        for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n')) {
          const event = parseEvent(rest.slice(0, end))
          rest = rest.slice(end + 2)
          yield event
        }
      }
    },
    messages: async () => {
      const all: any[] = []
      for await (const { message } of reply.events()) if (message !== undefined) all.push(message)
      return all
    },
    drop: () => void incoming.destroy(),
  }
  return reply
}

function parseEvent(block: string): SseEvent {
  const fields: Record<string, string> = {}
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    fields[colon === 0 ? 'comment' : line.slice(0, colon)] = line.slice(colon + 1).trimStart()
  }
  const { id, data, retry, comment } = fields
  return {
    ...(id !== undefined && { id }),
    ...(retry !== undefined && { retry: Number(retry) }),
    ...(comment !== undefined && { comment }),
    ...(data !== undefined && { data }),
    ...(data && { message: JSON.parse(data) }),
  }
}

let lastId = 0

/** A request of revision 2026-07-28, with everything that it needs. */
export function stateless(method: string, params: object = {}, meta: object = {}): any {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': STATELESS,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
    ...meta,
  }
  return { jsonrpc: '2.0', id: ++lastId, method, params: { ...params, _meta } }
}

/** Sends such a request with the headers that go with it. */
export function sendStateless(world: { readonly port: number }, message: any, sent: Sent = {}): Promise<Reply> {
  const name = message.params.name ?? message.params.uri
  return send(world, {
    ...sent,
    body: message,
    headers: {
      'mcp-protocol-version': STATELESS,
      'mcp-method': message.method,
      ...(name !== undefined && { 'mcp-name': name }),
      ...sent.headers,
    },
  })
}

export function callTool(
  world: { readonly port: number },
  name: string,
  args: object = {},
  sent: Sent = {},
  meta: object = {},
): Promise<Reply> {
  return sendStateless(world, stateless('tools/call', { name, arguments: args }, meta), sent)
}

export interface Session {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  send(sent: Sent): Promise<Reply>
  call(name: string, id: string | number, meta?: object): Promise<Reply>
}

/** Shakes hands. */
export async function openSession(
  world: { readonly port: number },
  revision = '2025-11-25',
  headers: Readonly<Record<string, string>> = {},
): Promise<Session> {
  const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'test', version: '1.0.0' } }
  const reply = await send(world, { headers, body: { jsonrpc: '2.0', id: 0, method: 'initialize', params } })
  if (reply.status !== 200) throw new Error(`initialize: ${reply.status} ${await reply.text()}`)
  await reply.text()
  const id = String(reply.headers['mcp-session-id'])
  const own = { ...headers, 'mcp-session-id': id, 'mcp-protocol-version': revision }
  return {
    id,
    headers: own,
    send: sent => send(world, { ...sent, headers: { ...own, ...sent.headers } }),
    call: (name, requestId, meta) =>
      send(world, {
        headers: own,
        body: {
          jsonrpc: '2.0',
          id: requestId,
          method: 'tools/call',
          params: { name, arguments: {}, ...(meta && { _meta: meta }) },
        },
      }),
  }
}

export interface RawConnection {
  readonly socket: Socket
  /** What came so far. */
  received(): string
  /** Resolves once `part` has come. */
  saw(part: string): Promise<string>
  readonly closed: Promise<void>
  /** What went wrong with it. */
  readonly errors: Error[]
}

/** A connection on which a test writes bytes. */
export function openRaw({ port }: { readonly port: number }): RawConnection {
  const socket = connect(port, '127.0.0.1')
  const chunks: string[] = []
  const received = (): string => chunks.join('')
  const waiting = new Set<(latest: string) => void>()
  let tail = ''
  socket.setEncoding('utf8')
  socket.on('data', chunk => {
    chunks.push(String(chunk))
    const latest = tail + String(chunk)
    // Long enough for whatever a test waits for, so that megabytes are not searched again and again.
    tail = latest.slice(-1000)
    for (const check of waiting) check(latest)
  })
  const errors: Error[] = []
  socket.on('error', error => errors.push(error))
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  onTestFinished(() => void socket.destroy())
  return {
    socket,
    received,
    saw: part =>
      new Promise((resolve, reject) => {
        const check = (latest: string): void => {
          if (!latest.includes(part)) return
          waiting.delete(check)
          resolve(received())
        }
        waiting.add(check)
        const fail = (): void =>
          reject(new Error(`closed before ${JSON.stringify(part)} came: ${received().slice(0, 500)}`))
        void closed.then(fail)
        check(received())
      }),
    closed,
    errors,
  }
}

/** The head of a POST, as it travels. */
export function rawPost(headers: Readonly<Record<string, string>>): string {
  const all = {
    host: 'localhost',
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...headers,
  }
  return `POST /mcp HTTP/1.1\r\n${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`
}

/** A promise and what settles it. */
export function gate<Value = void>(): { readonly promise: Promise<Value>; readonly open: (value: Value) => void } {
  let open: (value: Value) => void = () => undefined
  const promise = new Promise<Value>(resolve => {
    open = resolve
  })
  return { promise, open }
}

export { Agent }
