import type { AuthInfo } from '../../src/server/auth-info.ts'
import { readStatelessClient } from '../../src/server/incoming.ts'
import { type CallCarrier, RunningCall } from '../../src/server/running-call.ts'
import { type Server, type ServerConnection, serveConnection } from '../../src/server.ts'
import { createTransportPair } from '../../src/testing.ts'

type Message = Readonly<Record<string, any>>

/** `_meta` of a request of the stateless family. */
export function statelessMeta(capabilities: object = {}, others: object = {}): Message {
  return {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    ...others,
  }
}

/** A connection to a server without a client: whatever is sent, and whatever comes. */
export interface RawConnection {
  readonly received: Message[]
  readonly connection: ServerConnection
  /** Whether the server ended the connection. */
  readonly isClosed: boolean
  send(message: unknown): void
  /** Sends a request and waits for what is answered under its id. */
  request(message: Message): Promise<Message>
  /** Waits for the first message that fits, also one that came before. */
  waitFor(fits: (message: Message) => boolean): Promise<Message>
  /** Waits until everything that was sent has been looked at. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** Connects to a server, over memory. */
export async function connectRaw(server: Server): Promise<RawConnection> {
  const [ours, theirs] = createTransportPair()
  const received: Message[] = []
  const waiting = new Set<() => void>()
  let isClosed = false
  await ours.open({
    message: value => {
      received.push(value as Message)
      for (const look of waiting) look()
    },
    error: () => undefined,
    closed: () => {
      isClosed = true
    },
  })
  const connection = await serveConnection(server, theirs)
  const send = (message: unknown): void => void ours.send(message as never)
  const waitFor = (fits: (message: Message) => boolean): Promise<Message> =>
    new Promise(resolve => {
      const look = (): void => {
        const found = received.find(fits)
        if (!found) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  return {
    received,
    connection,
    get isClosed() {
      return isClosed
    },
    send,
    waitFor,
    request: message => {
      send({ jsonrpc: '2.0', ...message })
      return waitFor(each => !('method' in each) && each['id'] === message['id'])
    },
    settle: () => new Promise(resolve => setImmediate(resolve)),
    close: () => ours.close(),
  }
}

/** Shakes hands over a raw connection. */
export async function initialize(
  raw: RawConnection,
  protocolVersion: string,
  capabilities: object = {},
): Promise<void> {
  const params = { protocolVersion, capabilities, clientInfo: { name: 'raw', version: '1' } }
  await raw.request({ id: 'init', method: 'initialize', params })
  raw.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
}

let lastId = 0

/** One call of the stateless family, made by hand: with a login, and scopes that lists look at. */
export function makeCall(
  server: Server,
  method: string,
  params: object,
  options: Partial<CallCarrier> & {
    readonly capabilities?: object
    readonly principal?: string
    readonly meta?: object
  } = {},
): { call: RunningCall; answer: Promise<Message | undefined>; told: Message[] } {
  const { capabilities = {}, principal, meta, ...carrier } = options
  const told: Message[] = []
  const request = {
    jsonrpc: '2.0' as const,
    id: `call-${(lastId += 1)}`,
    method,
    params: { ...params, _meta: statelessMeta(capabilities, meta) },
  }
  const auth = principal === undefined ? carrier.auth : authOf(principal)
  const call = new RunningCall(
    request,
    readStatelessClient(request),
    { notify: (name, told_) => told.push({ method: name, params: told_ }), sharer: auth?.principal, ...carrier, auth },
    0,
  )
  return { call, answer: call.run(server), told }
}

/** What a verified token of somebody says. */
export function authOf(principal: string, scopes: readonly string[] = [], expiresAt?: number): AuthInfo {
  return { principal, scopes, claims: {}, token: `token of ${principal}`, expiresAt }
}
