import { INVALID_REQUEST, RpcError, TransportError } from '../jsonrpc/errors.ts'
import {
  isObject,
  isRequestId,
  type JsonRpcErrorResponse,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type RequestId,
} from '../jsonrpc/message.ts'
import { isHandshakeRevision, LATEST_HANDSHAKE_REVISION, REVISION_FEATURES } from '../protocol/revisions.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { AskClient, CallingClient, SessionState } from './call.ts'
import type { Change } from './changes.ts'
import { readCancellation } from './given-up.ts'
import { readCapabilities, readInfo, toErrorResponse } from './incoming.ts'
import { type CallAnswer, type CallCarrier, RunningCall } from './running-call.ts'
import type { Server } from './server.ts'
import { type ChangeNotification, covers, toNotification } from './subscriptions.ts'

/** Requests of one client that may be handled at once. */
export const MAX_RUNNING = 200
/** Questions to one client that may wait for an answer at once. */
const MAX_ASKED = 100
/** Milliseconds that a question waits: as long as a person may take. */
const ASK_TIMEOUT_MS = 600_000

/** What a client agreed on with `initialize`. */
export interface Handshake {
  readonly client: CallingClient
  /** The answer to `initialize`. */
  readonly result: WireObject
}

/**
 * Answers `initialize`: the client's revision when it is spoken here, else the newest with a handshake.
 *
 * @see MCP 2025-11-25, Lifecycle
 */
export function shakeHands(server: Server, request: JsonRpcRequest): Handshake {
  const { protocolVersion, capabilities, clientInfo } = request.params ?? {}
  const revision = isHandshakeRevision(protocolVersion) ? protocolVersion : LATEST_HANDSHAKE_REVISION
  const { info, instructions, capabilities: own } = server.internals
  return {
    client: {
      revision,
      features: REVISION_FEATURES[revision],
      capabilities: readCapabilities(isObject(capabilities) ? capabilities : {}),
      info: readInfo(clientInfo),
    },
    result: {
      protocolVersion: revision,
      capabilities: own(),
      serverInfo: info,
      ...(instructions !== undefined && { instructions }),
    },
  }
}

/** Where what belongs to one request goes. */
export interface SessionCarrier
  extends Pick<CallCarrier, 'auth' | 'holds' | 'neededScopes' | 'filtersLists' | 'drained' | 'closeStream'> {
  send(message: JsonRpcMessage): void
  /** Nothing outlives the request: there is nothing to remember, and no way for an answer to come back. Default false. */
  readonly isPassing?: boolean
  /** Whether a question would reach the client, and its answer us. Default true, unless `isPassing`. */
  readonly canAsk?: boolean
}

/** A conversation in the handshake family, whatever carries it. */
export interface HandshakeSession {
  readonly client: CallingClient
  readonly state: SessionState
  /** Requests under way. */
  readonly running: number
  /** Runs a request. Undefined when it was cancelled: then nothing is to be answered. Never rejects. */
  handle(request: JsonRpcRequest, carrier: SessionCarrier): Promise<CallAnswer | undefined>
  /** Takes the client's answer to a question. An answer to nothing is ignored. */
  settle(response: {
    readonly id?: RequestId | null
    readonly result?: WireObject
    readonly error?: JsonRpcErrorResponse['error']
  }): void
  notice(notification: JsonRpcNotification): void
  /** What the client is to be told of a change. */
  tellOf(change: Change): ChangeNotification | undefined
  /** Aborts the request of that id, if it is under way; an `RpcError` is what it is answered with. */
  abort(id: RequestId, reason: unknown): void
  /** Aborts everything. */
  close(reason: unknown): void
}

/** Keeps what a conversation in the handshake family needs to remember. */
export function createHandshakeSession(server: Server, client: CallingClient, now: () => number): HandshakeSession {
  const state: SessionState = { logLevel: undefined, resourceSubscriptions: new Map() }
  const running = new Map<RequestId, RunningCall>()
  const asked = new Map<RequestId, (outcome: WireObject | RpcError) => void>()
  let nextId = 1

  const askThrough =
    (send: (message: JsonRpcMessage) => void): AskClient =>
    (method, params, { signal } = {}) =>
      new Promise((resolve, reject) => {
        if (asked.size >= MAX_ASKED) {
          reject(new TransportError('in_flight_limit', `${MAX_ASKED} questions already wait for an answer`, { method }))
          return
        }
        const id = nextId++
        const end = (error?: unknown): void => {
          asked.delete(id)
          clearTimeout(timer)
          signal?.removeEventListener('abort', onAbort)
          if (error !== undefined) reject(error)
        }
        const giveUp = (error: TransportError, reason: string): void => {
          end(error)
          send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason } })
        }
        const onAbort = (): void =>
          giveUp(
            new TransportError('aborted', `The wait for ${method} was ended`, { method }, { cause: signal?.reason }),
            'not needed any more',
          )
        const timer = setTimeout(
          () =>
            giveUp(
              new TransportError('timeout', `No answer to ${method} within ${ASK_TIMEOUT_MS} ms`, { method }),
              'timed out',
            ),
          ASK_TIMEOUT_MS,
        )
        asked.set(id, outcome => {
          end()
          if (outcome instanceof RpcError) reject(outcome)
          else resolve(outcome)
        })
        signal?.addEventListener('abort', onAbort, { once: true })
        if (signal?.aborted) onAbort()
        else send({ jsonrpc: '2.0', id, method, params: params as WireObject })
      })

  return {
    client,
    state,
    get running() {
      return running.size
    },
    handle: async (request, { send, isPassing = false, canAsk = !isPassing, ...carrier }) => {
      const { id } = request
      if (running.has(id)) return refusal(id, 'this id is already in use')
      if (running.size >= MAX_RUNNING) return refusal(id, `${MAX_RUNNING} requests are already under way`)
      const notify: CallCarrier['notify'] = (method, params) => send({ jsonrpc: '2.0', method, params })
      const call = new RunningCall(
        request,
        client,
        { ...carrier, notify, ...(canAsk && { ask: askThrough(send) }), ...(!isPassing && { session: state }) },
        now(),
      )
      running.set(id, call)
      const answer = await call.run(server)
      running.delete(id)
      return answer
    },
    settle: ({ id, result, error }) => {
      // Some clients answer an integer id as a string.
      const waiting = isRequestId(id) ? asked.get(typeof id === 'string' ? Number(id) : id) : undefined
      if (error) waiting?.(new RpcError(error.code, error.message, { data: error.data }))
      else if (result) waiting?.(result)
    },
    notice: notification => {
      const cancelled = readCancellation(notification)
      if (cancelled) running.get(cancelled.id)?.abort(cancelled.reason)
    },
    tellOf: change => {
      const wanted = change.kind === 'resource' ? [...state.resourceSubscriptions] : []
      const filter = {
        toolsListChanged: true,
        promptsListChanged: true,
        resourcesListChanged: true,
        resourceSubscriptions: wanted.flatMap(([uri, mayHear]) =>
          change.kind === 'resource' && covers(uri, change.uri) && mayHear(change.uri) ? [uri] : [],
        ),
      }
      return toNotification(change, filter)
    },
    abort: (id, reason) => running.get(id)?.abort(reason),
    close: reason => {
      for (const call of running.values()) call.abort(reason)
      const lost = new RpcError(INVALID_REQUEST, 'The session has ended')
      for (const settle of asked.values()) settle(lost)
    },
  }
}

function refusal(id: RequestId, why: string): JsonRpcErrorResponse {
  return toErrorResponse(id, new RpcError(INVALID_REQUEST, `Invalid Request: ${why}`))
}
