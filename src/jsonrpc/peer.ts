import { RpcError, TransportError } from './errors.ts'
import { createIncomingRequests, type IncomingRequests } from './incoming-requests.ts'
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
import {
  DEFAULT_TIMEOUT_MS,
  MAX_ABANDONED,
  MAX_ASIDES,
  MAX_BATCH_LENGTH,
  MAX_OUTGOING_IN_FLIGHT,
  type PeerMode,
  type PeerOptions,
  type PeerRequestOptions,
  type Progress,
  type WaitOptions,
} from './peer-options.ts'
import { abortedError, createWaits, type Wait, type Waits } from './waits.ts'

// The two notifications that are about requests themselves. Everything else a peer carries it does not know.
const CANCELLED = 'notifications/cancelled'
const PROGRESS = 'notifications/progress'

interface Pending {
  readonly method: string
  readonly wait: Wait
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
  /** Before anything is negotiated: all that any revision allows. */
  mode: PeerMode = { notifiesCancelled: () => true, answersRequests: true, acceptsBatches: true, omitsUnknownId: true }

  readonly #options: PeerOptions
  readonly #incoming: IncomingRequests
  readonly #waits: Waits
  readonly #pending = new Map<RequestId, Pending>()
  readonly #abandoned = new Set<RequestId>()
  #asides = 0
  #nextId = 1
  #closed: TransportError | undefined

  constructor(options: PeerOptions) {
    this.#options = options
    this.#waits = createWaits(options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    this.#incoming = createIncomingRequests({
      onRequest: options.onRequest,
      maxIncoming: options.maxIncoming,
      send: message => this.#sendAside(message),
      report: error => this.#report(error),
    })
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
    this.#assertOpen(method, options.signal)
    const limit = this.#options.maxOutgoing ?? MAX_OUTGOING_IN_FLIGHT
    if (this.#pending.size >= limit) {
      throw new TransportError(
        'in_flight_limit',
        `${limit} requests already wait for an answer; ${method} was not sent`,
        { method },
      )
    }
    const id = this.#nextId++
    const { onProgress, headers } = options
    const exchange = new AbortController()

    return await new Promise((resolve, reject) => {
      const wait = this.#waits.start(method, options, (error, reason) => {
        this.#abandon(id)
        settle({ error })
        exchange.abort(error)
        if (this.mode.notifiesCancelled(method))
          this.#sendAside({ jsonrpc: '2.0', method: CANCELLED, params: { requestId: id, reason } })
      })
      const settle: Pending['settle'] = outcome => {
        if (!this.#pending.delete(id)) return
        wait.stop()
        if ('error' in outcome) reject(outcome.error)
        else resolve(outcome.result)
      }
      this.#pending.set(id, { method, wait, onProgress, settle })
      const request = buildRequest(id, method, params, onProgress !== undefined)
      options.onSent?.(id)
      this.#options.transport
        .send(request, { signal: exchange.signal, headers })
        .catch((error: unknown) => settle({ error }))
    })
  }

  /**
   * Sends a notification and waits until it is delivered.
   *
   * @throws {TransportError} `timeout`, `aborted`, `closed`, or what the transport threw
   */
  async notify(method: string, params?: Readonly<Record<string, unknown>>, options: WaitOptions = {}): Promise<void> {
    this.#assertOpen(method, options.signal)
    await this.#deliver(method, params ? { jsonrpc: '2.0', method, params } : { jsonrpc: '2.0', method }, options)
  }

  /** Stops the clock of every request, those to come included, until the returned function is called. Calls nest. */
  pauseTimeouts(): () => void {
    return this.#waits.pause()
  }

  /** Rejects everything that waits with `closed`, aborts the handlers at work, and closes the transport. Never rejects. */
  async close(): Promise<void> {
    this.#end()
    await this.#options.transport.close()
  }

  #assertOpen(method: string, signal: AbortSignal | undefined): void {
    if (this.#closed) throw this.#closed
    if (signal?.aborted) throw abortedError(method, signal)
  }

  #end(cause?: unknown): void {
    if (this.#closed) return
    this.#closed = new TransportError(
      'closed',
      'The connection is closed',
      {},
      cause === undefined ? undefined : { cause },
    )
    this.#waits.closeAll(this.#closed)
    this.#incoming.cancelAll(this.#closed)
  }

  /** Sends what gets no answer, and gives up on it in time. */
  #deliver(method: string, message: JsonRpcMessage, options: WaitOptions): Promise<void> {
    const exchange = new AbortController()
    return new Promise((resolve, reject) => {
      const wait = this.#waits.start(method, options, error => {
        reject(error)
        exchange.abort(error)
      })
      this.#options.transport.send(message, { signal: exchange.signal }).then(resolve, reject).finally(wait.stop)
    })
  }

  /** Sends what nobody waits for. */
  #sendAside(message: JsonRpcMessage): void {
    if (this.#closed) return
    if (this.#asides >= MAX_ASIDES) {
      this.#report(
        new TransportError('in_flight_limit', `${MAX_ASIDES} messages already wait for delivery; one was dropped`),
      )
      return
    }
    this.#asides += 1
    this.#deliver('method' in message ? message.method : 'an answer', message, {})
      .catch((error: unknown) => this.#report(error))
      .finally(() => {
        this.#asides -= 1
      })
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
        if (this.mode.answersRequests) this.#incoming.handle(received.message)
        else
          this.#report(
            unexpected(`a request (${received.message.method.slice(0, 80)}), which this revision does not allow`),
          )
        return
      case 'notification':
        this.#notice(received.message)
        return
      case 'result':
        this.#find(received.message.id)?.settle({ result: received.message.result })
        return
      case 'error':
        this.#receiveError(received.message)
        return
      case 'invalidResponse': {
        const error = new TransportError('invalid_response', `An answer cannot be used: ${received.reason}`, {
          mayHaveRun: true,
        })
        if (received.id === undefined) this.#report(error)
        else this.#find(received.id)?.settle({ error })
        return
      }
      case 'invalid':
        this.#report(unexpected(`a message that is not valid: ${received.reason}`))
        if (this.mode.answersRequests)
          this.#sendAside(invalidMessageAnswer(received, { omitUnknownId: this.mode.omitsUnknownId }))
    }
  }

  #receiveError({ id, error: { code, message, data } }: JsonRpcErrorResponse): void {
    const error = new RpcError(code, message, { data })
    if (isRequestId(id)) this.#find(id)?.settle({ error })
    else this.#report(error)
  }

  /** Finds the request an answer belongs to; answers to nothing are reported, late ones to given-up requests ignored. */
  #find(id: RequestId): Pending | undefined {
    // Some servers answer an integer id as a string.
    const own = typeof id === 'string' ? Number(id) : id
    const pending = this.#pending.get(own)
    if (!pending && !this.#abandoned.delete(own)) {
      this.#report(unexpected(`an answer to a request that is not under way (id ${JSON.stringify(id).slice(0, 80)})`))
    }
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
      this.#incoming.cancel(params['requestId'])
      return
    }
    const token = method === PROGRESS ? params?.['progressToken'] : undefined
    const { wait, onProgress } = (isRequestId(token) && this.#pending.get(token)) || {}
    const progress = toProgress(params)
    try {
      if (wait && onProgress && progress) {
        wait.restart()
        onProgress(progress)
      } else {
        this.#options.onNotification?.(notification)
      }
    } catch (error) {
      this.#report(error)
    }
  }

  #report(error: unknown): void {
    try {
      this.#options.onError?.(error)
    } catch {
      // There is nobody left to tell.
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

function unexpected(what: string): TransportError {
  return new TransportError('unexpected_message', `Received ${what}`)
}
