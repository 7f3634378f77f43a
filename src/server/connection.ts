import { INVALID_REQUEST, RpcError, TransportError } from '../jsonrpc/errors.ts'
import {
  type ClassifiedMessage,
  invalidMessageAnswer,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type RequestId,
} from '../jsonrpc/message.ts'
import { MAX_BATCH_LENGTH } from '../jsonrpc/peer-options.ts'
import type { Transport } from '../jsonrpc/transport.ts'
import { SUBSCRIPTION_ID_META_KEY } from '../protocol/meta.ts'
import type { AuthInfo } from './auth-info.ts'
import { readCancellation } from './given-up.ts'
import { createHandshakeSession, type HandshakeSession, shakeHands } from './handshake-session.ts'
import { classifyIncoming, isStatelessMessage, readStatelessClient, toErrorResponse } from './incoming.ts'
import { type CallAnswer, RunningCall } from './running-call.ts'
import type { Server } from './server.ts'

/** Requests of the stateless family that one client may have under way. */
const MAX_RUNNING = 1000
const PARSE_ERROR = -32700

/** A server on one connection that both sides share: stdio, a socket, memory. */
export interface ServerConnection {
  /** Ends what is under way and the transport. Never rejects. */
  close(): Promise<void>
  /** Resolves when the other side is gone, or `close` was called. */
  readonly closed: Promise<void>
  /** Closes it, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What is known of a connection. */
export interface ServeConnectionOptions {
  /** Who is at the other side, as `ctx.auth` of handlers says. Scopes are not asked for: that is what `protect` does, over HTTP. Default: nobody knows. */
  readonly auth?: AuthInfo
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number
}

/**
 * Serves one client over a transport on which all messages share one channel, until either side or the server closes. Both families work side by side: a message whose `_meta` names a
 * revision stands for itself, everything else belongs to the one conversation that `initialize` opens.
 *
 * @see MCP 2026-07-28, stdio
 */
export async function serveConnection(
  server: Server,
  transport: Transport,
  options: ServeConnectionOptions = {},
): Promise<ServerConnection> {
  const { now = Date.now, auth } = options
  const { internals } = server
  const running = new Map<RequestId, RunningCall>()
  const underWay = new Set<Promise<void>>()
  let isOver = false
  let session: HandshakeSession | undefined
  let stopTelling: (() => void) | undefined
  let resolveClosed: (() => void) | undefined
  const closed = new Promise<void>(resolve => {
    resolveClosed = resolve
  })

  const send = (message: JsonRpcMessage): void => {
    transport.send(message).catch((error: unknown) => {
      internals.report(error, 'method' in message ? { notification: message.method } : {})
      // A result that JSON cannot carry: whoever waits for it must not wait for ever.
      if ('result' in message && !isOver) send(toErrorResponse(message.id, error))
    })
  }
  const track = (work: Promise<void>): void => {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
  }
  const give = (answer: CallAnswer | undefined): void => {
    if (answer) send(answer)
  }

  const initialize = (request: JsonRpcRequest): void => {
    const { client, result } = shakeHands(server, request)
    session?.close(new TransportError('closed', 'The client began anew'))
    stopTelling?.()
    const opened = createHandshakeSession(server, client, now)
    session = opened
    stopTelling = internals.changes.subscribe(change => {
      const told = opened.tellOf(change)
      if (told) send({ jsonrpc: '2.0', ...told })
    })
    send({ jsonrpc: '2.0', id: request.id, result })
  }
  const runStateless = async (request: JsonRpcRequest): Promise<void> => {
    const { id } = request
    if (running.has(id) || running.size >= MAX_RUNNING) {
      const why = running.has(id) ? 'this id is already in use' : `${MAX_RUNNING} requests are already under way`
      return send(toErrorResponse(id, new RpcError(INVALID_REQUEST, `Invalid Request: ${why}`)))
    }
    try {
      const client = readStatelessClient(request)
      const notify = (method: string, params: Readonly<Record<string, unknown>>): void =>
        send({ jsonrpc: '2.0', method, params })
      const call = new RunningCall(request, client, { notify, auth, sharer: auth?.principal }, now())
      running.set(id, call)
      const answer = await call.run(server)
      running.delete(id)
      // On a shared channel the end of a subscription by the server is told twice over: by a cancellation and by its answer. One that was refused never began.
      if (answer && 'result' in answer && request.method === 'subscriptions/listen')
        send({
          jsonrpc: '2.0',
          method: 'notifications/cancelled',
          params: {
            requestId: id,
            reason: 'The subscription has ended',
            _meta: { [SUBSCRIPTION_ID_META_KEY]: id },
          },
        })
      give(answer)
    } catch (error) {
      give(toErrorResponse(id, error))
    }
  }
  const runInSession = async (request: JsonRpcRequest): Promise<void> => {
    if (!session) {
      // The one request that a client may send before it was answered.
      if (request.method === 'ping') return send({ jsonrpc: '2.0', id: request.id, result: {} })
      const why = 'begin with initialize, or name a revision in _meta'
      return send(toErrorResponse(request.id, new RpcError(INVALID_REQUEST, `Invalid Request: ${why}`)))
    }
    give(await session.handle(request, { send, auth }))
  }
  const receiveOne = (received: ClassifiedMessage): void => {
    switch (received.kind) {
      case 'request':
        if (isStatelessMessage(received.message)) track(runStateless(received.message))
        else if (received.message.method === 'initialize') initialize(received.message)
        else track(runInSession(received.message))
        return
      case 'notification': {
        const cancelled = readCancellation(received.message)
        const call = cancelled && running.get(cancelled.id)
        if (call) call.abort(cancelled.reason)
        else session?.notice(received.message)
        return
      }
      case 'result':
      case 'error':
        session?.settle(received.message)
        return
      case 'invalidResponse':
        internals.report(
          new TransportError('unexpected_message', `Received an answer that is none: ${received.reason}`),
          {},
        )
        return
      case 'invalid':
        send(invalidMessageAnswer(received, { omitUnknownId: omitsUnknownId() }))
    }
  }
  const omitsUnknownId = (): boolean => session?.client.features.omitUnknownErrorId ?? true
  const receive = (value: unknown): void => {
    if (isOver) return
    if (value === undefined) {
      const error = { code: PARSE_ERROR, message: 'Parse error: this is no JSON' }
      return send(omitsUnknownId() ? { jsonrpc: '2.0', error } : { jsonrpc: '2.0', id: null, error })
    }
    if (!Array.isArray(value)) return receiveOne(classifyIncoming(value))
    const reason = objectionTo(value, session?.client.features.batches === true)
    if (reason !== undefined) return receiveOne({ kind: 'invalid', code: INVALID_REQUEST, reason })
    for (const each of value) receiveOne(classifyIncoming(each))
  }
  const end = (reason: unknown): void => {
    if (isOver) return
    isOver = true
    internals.closing.removeEventListener('abort', onServerClosing)
    stopTelling?.()
    session?.close(reason)
    for (const call of running.values()) call.abort(reason)
    resolveClosed?.()
  }
  const close = async (reason: unknown): Promise<void> => {
    end(reason)
    await transport.close().catch((error: unknown) => internals.report(error, {}))
  }
  /** Everything under way is answered: subscriptions with their end, the rest with the reason. */
  const onServerClosing = (): void => {
    const { reason } = internals.closing
    session?.close(reason)
    for (const call of running.values()) if (call.method !== 'subscriptions/listen') call.abort(reason)
    void Promise.all(underWay).then(() => close(reason))
  }

  await transport.open({
    message: receive,
    error: error => internals.report(error, {}),
    closed: error => {
      if (error !== undefined && !isOver) internals.report(error, {})
      end(error ?? new TransportError('closed', 'The client is gone'))
    },
  })
  if (internals.closing.aborted) onServerClosing()
  else internals.closing.addEventListener('abort', onServerClosing, { once: true })
  const closeConnection = (): Promise<void> => close(new TransportError('closed', 'The connection is closed'))
  return { closed, close: closeConnection, [Symbol.asyncDispose]: closeConnection }
}

/** Why a batch is not taken; undefined when it is. */
function objectionTo(batch: readonly unknown[], takesBatches: boolean): string | undefined {
  if (!takesBatches) return 'this revision has no batches: send every message by itself'
  if (batch.length === 0) return 'the batch is empty'
  return batch.length > MAX_BATCH_LENGTH ? `a batch holds at most ${MAX_BATCH_LENGTH} messages` : undefined
}
