import { INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, RpcError, TransportError } from './errors.ts'
import {
  classifyMessage,
  invalidMessageAnswer,
  isObject,
  isRequestId,
  type JsonRpcErrorResponse,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type RequestId,
} from './message.ts'
import { type RequestTimer, startRequestTimer } from './request-timer.ts'
import type { Transport } from './transport.ts'

/** Milliseconds a request waits for its answer or for progress, unless it says otherwise. */
export const DEFAULT_TIMEOUT_MS = 60_000
/** Milliseconds a request waits in all, whatever progress it reports, unless it says otherwise. */
export const DEFAULT_MAX_TOTAL_TIMEOUT_MS = 3_600_000
/** Requests of ours that may wait for an answer at once. */
export const MAX_OUTGOING_IN_FLIGHT = 1000
/** Requests of the other side that may be handled at once. */
export const MAX_INCOMING_IN_FLIGHT = 100
/** Messages that one batch may hold (revision 2025-03-26). */
export const MAX_BATCH_LENGTH = 1000
/** Ids of given-up requests that are remembered, so that their late answers are no errors. */
const MAX_ABANDONED = 1000

// The two notifications that are about requests themselves. Everything else a peer carries it does not know.
const CANCELLED = 'notifications/cancelled'
const PROGRESS = 'notifications/progress'

/** Progress of a request, as the other side reports it. */
export interface Progress {
  readonly progress: number
  readonly total?: number
  readonly message?: string
}

export interface PeerRequestOptions {
  readonly signal?: AbortSignal
  /** Milliseconds without an answer or progress. Default 60 000. */
  readonly timeoutMs?: number
  /** Milliseconds in all. Default one hour, or `timeoutMs` when that is longer. */
  readonly maxTotalTimeoutMs?: number
  /** Asks for progress, which also sets the waiting time back. */
  readonly onProgress?: (progress: Progress) => void
}

/** Handles one request of the other side. What it throws is the answer when it is an `RpcError`, else a generic internal error. */
export type PeerRequestHandler = (
  request: JsonRpcRequest,
  context: { readonly signal: AbortSignal },
) => Promise<Readonly<Record<string, unknown>>>

export interface PeerOptions {
  readonly transport: Transport
  /** Absent: every request is answered with "method not found". */
  readonly onRequest?: PeerRequestHandler
  readonly onNotification?: (notification: JsonRpcNotification) => void
  /** Hears of everything that is wrong and belongs to no request of ours. */
  readonly onError?: (error: unknown) => void
  readonly timeoutMs?: number
  readonly maxOutgoing?: number
  readonly maxIncoming?: number
}

/** How the peer behaves, as far as it depends on what was negotiated. May change while it lives. */
export interface PeerMode {
  /** Whether giving up on `method` is told with `notifications/cancelled`. */
  readonly notifiesCancelled: (method: string) => boolean
  /** False: requests of the other side are forbidden; they are reported and not answered. */
  readonly answersRequests: boolean
  /** Whether arrays are batches (2025-03-26) or errors. */
  readonly acceptsBatches: boolean
  /** Whether the answer to an unreadable request has no id (from 2025-11-25) or `null`. */
  readonly omitsUnknownId: boolean
}

interface Pending {
  readonly method: string
  readonly timer: RequestTimer
  readonly onProgress: ((progress: Progress) => void) | undefined
  readonly settle: (
    outcome: { readonly result: Readonly<Record<string, unknown>> } | { readonly error: unknown },
  ) => void
}

/**
 * One side of a JSON-RPC conversation: gives out ids, matches answers to requests, keeps time, cancels in both directions, and
 * bounds what is in flight. Nothing it receives makes it throw; what cannot be used goes to `onError`.
 */
export class Peer {
  mode: PeerMode = {
    notifiesCancelled: () => true,
    answersRequests: true,
    acceptsBatches: true,
    omitsUnknownId: true,
  }

  readonly #options: PeerOptions
  readonly #pending = new Map<RequestId, Pending>()
  readonly #abandoned = new Set<RequestId>()
  readonly #incoming = new Map<RequestId, AbortController>()
  #nextId = 1
  #pauses = 0
  #closed: TransportError | undefined

  constructor(options: PeerOptions) {
    this.#options = options
  }

  /** Opens the transport; call it once, before anything else. */
  async open(): Promise<void> {
    await this.#options.transport.open({
      message: value => this.#receive(value),
      error: error => this.#report(error),
      closed: error => this.#end(error),
    })
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @throws {RpcError} the other side answered with an error
   * @throws {TransportError} `timeout`, `aborted`, `closed`, `in_flight_limit`, or what the transport threw
   */
  async request(
    method: string,
    params?: Readonly<Record<string, unknown>>,
    options: PeerRequestOptions = {},
  ): Promise<Readonly<Record<string, unknown>>> {
    const { signal, onProgress } = options
    if (this.#closed) throw this.#closed
    if (signal?.aborted) throw aborted(method, signal)
    const limit = this.#options.maxOutgoing ?? MAX_OUTGOING_IN_FLIGHT
    if (this.#pending.size >= limit) {
      throw new TransportError(
        'in_flight_limit',
        `${limit} requests already wait for an answer; ${method} was not sent`,
        { method },
      )
    }
    const id = this.#nextId++
    const request = buildRequest(id, method, params, onProgress !== undefined)
    const exchange = new AbortController()

    return await new Promise((resolve, reject) => {
      const settle: Pending['settle'] = outcome => {
        if (!this.#pending.delete(id)) return
        timer.stop()
        signal?.removeEventListener('abort', onAbort)
        if ('error' in outcome) reject(outcome.error)
        else resolve(outcome.result)
      }
      const giveUp = (error: TransportError, reason: string): void => {
        this.#abandon(id)
        settle({ error })
        exchange.abort(error)
        if (this.mode.notifiesCancelled(method))
          this.#sendAside({ jsonrpc: '2.0', method: CANCELLED, params: { requestId: id, reason } })
      }
      const onAbort = (): void => giveUp(aborted(method, signal), 'the caller gave up')
      const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS
      const timer = startRequestTimer({
        timeoutMs,
        maxTotalTimeoutMs: options.maxTotalTimeoutMs ?? Math.max(timeoutMs, DEFAULT_MAX_TOTAL_TIMEOUT_MS),
        onTimeout: limitMs =>
          giveUp(
            new TransportError('timeout', `No answer to ${method} within ${limitMs} ms`, { method, mayHaveRun: true }),
            'timed out',
          ),
      })
      if (this.#pauses > 0) timer.pause()
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#pending.set(id, { method, timer, onProgress, settle })
      this.#options.transport.send(request, { signal: exchange.signal }).catch((error: unknown) => settle({ error }))
    })
  }

  /** Sends a notification. Rejects with what the transport threw. */
  async notify(method: string, params?: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.#closed) throw this.#closed
    await this.#options.transport.send(params ? { jsonrpc: '2.0', method, params } : { jsonrpc: '2.0', method })
  }

  /** Stops the clock of every request, those to come included, until the returned function is called. Calls nest. */
  pauseTimeouts(): () => void {
    this.#pauses += 1
    if (this.#pauses === 1) for (const { timer } of this.#pending.values()) timer.pause()
    let paused = true
    return () => {
      if (!paused) return
      paused = false
      this.#pauses -= 1
      if (this.#pauses === 0) for (const { timer } of [...this.#pending.values()]) timer.resume()
    }
  }

  /** Rejects everything that waits with `closed`, aborts the handlers at work, and closes the transport. Never rejects. */
  async close(): Promise<void> {
    this.#end()
    await this.#options.transport.close()
  }

  #end(cause?: unknown): void {
    if (this.#closed) return
    this.#closed = new TransportError(
      'closed',
      'The connection is closed',
      {},
      cause === undefined ? undefined : { cause },
    )
    for (const { method, settle } of [...this.#pending.values()]) {
      const detail = { method, mayHaveRun: true }
      settle({
        error: new TransportError('closed', `The connection was closed before ${method} was answered`, detail, {
          cause,
        }),
      })
    }
    for (const controller of this.#incoming.values()) controller.abort(this.#closed)
    this.#incoming.clear()
  }

  #receive(value: unknown): void {
    if (!Array.isArray(value)) {
      this.#receiveOne(value)
    } else if (!this.mode.acceptsBatches || value.length === 0 || value.length > MAX_BATCH_LENGTH) {
      this.#report(unexpected(`a batch of ${value.length} messages, which is not accepted here`))
    } else {
      for (const message of value) this.#receiveOne(message)
    }
  }

  #receiveOne(value: unknown): void {
    if (this.#closed) return
    const received = classifyMessage(value)
    switch (received.kind) {
      case 'request':
        void this.#handle(received.message)
        return
      case 'notification':
        this.#notice(received.message)
        return
      case 'result':
        this.#find(received.message.id)?.settle({ result: received.message.result })
        return
      case 'error': {
        const { code, message, data } = received.message.error
        const error = new RpcError(code, message, { data })
        if (isRequestId(received.message.id)) this.#find(received.message.id)?.settle({ error })
        else this.#report(error)
        return
      }
      case 'invalidResponse': {
        const error = new TransportError('invalid_response', `An answer cannot be used: ${received.reason}`, {
          mayHaveRun: true,
        })
        if (received.id === undefined) this.#report(error)
        else this.#find(received.id)?.settle({ error })
        return
      }
      case 'invalid':
        this.#report(unexpected(received.reason))
        if (this.mode.answersRequests)
          this.#sendAside(invalidMessageAnswer(received, { omitUnknownId: this.mode.omitsUnknownId }))
    }
  }

  /** Finds the request an answer belongs to; answers to nothing are reported, late ones to given-up requests ignored. */
  #find(id: RequestId): Pending | undefined {
    // Some servers answer an integer id as a string.
    const own = typeof id === 'string' ? Number(id) : id
    const pending = this.#pending.get(own)
    if (!pending && !this.#abandoned.delete(own))
      this.#report(unexpected(`an answer to a request that is not under way (id ${JSON.stringify(id).slice(0, 80)})`))
    return pending
  }

  #abandon(id: RequestId): void {
    this.#abandoned.add(id)
    for (const oldest of this.#abandoned) {
      if (this.#abandoned.size <= MAX_ABANDONED) return
      this.#abandoned.delete(oldest)
    }
  }

  #notice(notification: JsonRpcNotification): void {
    const { method, params } = notification
    if (method === CANCELLED && isRequestId(params?.['requestId'])) {
      // One that is not under way may just have ended: no error.
      this.#incoming
        .get(params['requestId'])
        ?.abort(new TransportError('aborted', 'The other side cancelled the request'))
      return
    }
    const token = method === PROGRESS ? params?.['progressToken'] : undefined
    const pending = isRequestId(token) ? this.#pending.get(token) : undefined
    const progress = toProgress(params)
    if (pending?.onProgress && progress) {
      const { onProgress } = pending
      pending.timer.restart()
      this.#guard(() => onProgress(progress))
      return
    }
    this.#guard(() => this.#options.onNotification?.(notification))
  }

  async #handle(request: JsonRpcRequest): Promise<void> {
    const { id, method } = request
    if (!this.mode.answersRequests) {
      this.#report(unexpected(`a request (${method.slice(0, 80)}), which this revision does not allow`))
      return
    }
    const refuse = (code: number, message: string): void =>
      this.#sendAside({ jsonrpc: '2.0', id, error: { code, message } })
    if (this.#incoming.has(id)) return refuse(INVALID_REQUEST, 'Invalid Request: this id is already in use')
    if (this.#incoming.size >= (this.#options.maxIncoming ?? MAX_INCOMING_IN_FLIGHT))
      return refuse(INTERNAL_ERROR, 'Too many requests at once')
    const { onRequest } = this.#options
    if (!onRequest) return refuse(METHOD_NOT_FOUND, 'Method not found')

    const controller = new AbortController()
    this.#incoming.set(id, controller)
    let answer: JsonRpcMessage
    try {
      answer = { jsonrpc: '2.0', id, result: await onRequest(request, { signal: controller.signal }) }
    } catch (error) {
      if (!(error instanceof RpcError)) this.#report(error)
      answer = { jsonrpc: '2.0', id, error: toErrorObject(error) }
    }
    this.#incoming.delete(id)
    // A cancelled request gets no answer.
    if (!controller.signal.aborted) this.#sendAside(answer)
  }

  /** Sends what nobody waits for. */
  #sendAside(message: JsonRpcMessage): void {
    if (this.#closed) return
    this.#options.transport.send(message).catch((error: unknown) => this.#report(error))
  }

  #report(error: unknown): void {
    try {
      this.#options.onError?.(error)
    } catch {
      // There is nobody left to tell.
    }
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#report(error)
    }
  }
}

function buildRequest(
  id: number,
  method: string,
  params: Readonly<Record<string, unknown>> | undefined,
  asksForProgress: boolean,
): JsonRpcRequest {
  if (!asksForProgress) return params ? { jsonrpc: '2.0', id, method, params } : { jsonrpc: '2.0', id, method }
  const meta = params?.['_meta']
  // The request's id is unique among active requests, as a progress token must be.
  return {
    jsonrpc: '2.0',
    id,
    method,
    params: { ...params, _meta: { ...(isObject(meta) ? meta : {}), progressToken: id } },
  }
}

function toProgress(params: Readonly<Record<string, unknown>> | undefined): Progress | undefined {
  const { progress, total, message } = params ?? {}
  if (typeof progress !== 'number') return undefined
  return { progress, ...(typeof total === 'number' && { total }), ...(typeof message === 'string' && { message }) }
}

function toErrorObject(error: unknown): JsonRpcErrorResponse['error'] {
  if (!(error instanceof RpcError)) return { code: INTERNAL_ERROR, message: 'Internal error' }
  const { code, message, data } = error
  return data === undefined ? { code, message } : { code, message, data }
}

function aborted(method: string, signal: AbortSignal | undefined): TransportError {
  return new TransportError(
    'aborted',
    `The wait for ${method} was ended by its signal`,
    { method },
    { cause: signal?.reason },
  )
}

function unexpected(what: string): TransportError {
  return new TransportError('unexpected_message', `Received ${what}`)
}
