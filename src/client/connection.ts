import { TransportError } from '../jsonrpc/errors.ts'
import type { JsonRpcNotification, RequestId } from '../jsonrpc/message.ts'
import { Peer } from '../jsonrpc/peer.ts'
import type { PeerRequestHandler } from '../jsonrpc/peer-options.ts'
import type { ClientCapabilities } from '../protocol/capabilities.ts'
import type { Implementation } from '../protocol/implementation.ts'
import type { LoggingLevel } from '../protocol/logging.ts'
import type { ClientNotificationMethod } from '../protocol/methods.ts'
import type { ClientResult } from '../protocol/result-shapes.ts'
import type { DecodedResult, RevisionFamily } from '../protocol/revisions/family.ts'
import { handshakeFamily } from '../protocol/revisions/handshake.ts'
import { statelessFamily } from '../protocol/revisions/stateless.ts'
import { isStatelessRevision, type ProtocolRevision } from '../protocol/revisions.ts'
import { answerInputRequired, MAX_INPUT_ROUNDS, type InputAnswers } from './input-required.ts'
import type { Interaction } from './interaction.ts'
import { runMiddleware, type ClientMiddleware } from './middleware.ts'
import { createTaskHandle, type TaskHandle, type TaskRequest } from './tasks.ts'
import { negotiate, type Opening, type ServerDescription } from './negotiation.ts'
import { TASKS_EXTENSION, type Task } from '../protocol/tasks.ts'
import type { CallToolResult } from '../protocol/tools.ts'
import type { RequestOptions } from './request-options.ts'
import { createResponseCache } from './response-cache.ts'
import {
  createSubscriptions,
  type Change,
  type Subscription,
  type SubscriptionHost,
  type WantedChanges,
} from './subscriptions.ts'
import type { ClientTransport } from './transport.ts'

export interface ConnectionOptions {
  readonly clientInfo: Implementation
  readonly capabilities: ClientCapabilities
  readonly revision: 'auto' | ProtocolRevision
  readonly timeoutMs?: number
  readonly maxInFlight?: number
  /** Answers what the server asks back, on every revision. */
  readonly interaction: Interaction
  /** Whether anybody cares for what the server sends unasked. */
  readonly listens: boolean
  readonly maxInputRounds?: number
  readonly middleware?: readonly ClientMiddleware[]
  readonly onNotification?: (notification: JsonRpcNotification) => void
  readonly onError?: (error: unknown) => void
  readonly onClosed?: () => Promise<void>
}

/** What goes with a request besides its message. */
export interface SendContext {
  /** See `SendOptions`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Takes the task that a request has become, instead of waiting for its end; what it returns is the result. */
  readonly onTask?: (task: Task) => unknown
  /** Learns the request's id before it is sent. */
  readonly onSent?: (id: RequestId) => void
  /** Whether handling it twice does no harm. Default: for everything but tools. */
  readonly repeatable?: boolean
}

type Answer<Method extends string> = Exclude<DecodedResult<ClientResult<Method>>, { readonly kind: 'invalid' }>

/** A negotiated conversation with one server, which survives the loss of its session. */
export class Connection {
  readonly #transport: ClientTransport
  readonly #options: ConnectionOptions
  readonly #peer: Peer
  readonly #stopListening: (() => void) | undefined
  #family: RevisionFamily
  #server: ServerDescription | undefined
  #renewal: Promise<void> | undefined
  #logLevel: LoggingLevel | undefined
  #listens: boolean
  readonly #closing = new AbortController()
  readonly #cache = createResponseCache()
  readonly #subscriptions = createSubscriptions(() => this.#subscriptionHost())

  constructor(transport: ClientTransport, options: ConnectionOptions) {
    this.#transport = transport
    this.#options = options
    this.#listens = options.listens
    this.#family = this.#familyOf(
      isStatelessRevision(options.revision) || options.revision === 'auto' ? '2026-07-28' : options.revision,
    )
    this.#peer = new Peer({
      transport,
      onRequest: (request, context) => this.#answer(request, context),
      onNotification: notification => this.#notice(notification),
      ...(options.onError && { onError: options.onError }),
      ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
      ...(options.maxInFlight !== undefined && { maxOutgoing: options.maxInFlight }),
    })
    let resume: (() => void) | undefined
    this.#stopListening = transport.onInteraction?.(active => {
      resume?.()
      resume = active ? this.#peer.pauseTimeouts() : undefined
    })
  }

  /** What was agreed; the newest agreement when the session had to be renewed. */
  get server(): ServerDescription {
    if (!this.#server) throw new TransportError('closed', 'The connection was not opened')
    return this.#server
  }

  get family(): RevisionFamily {
    return this.#family
  }

  /** Whether headers repeat tool arguments: where there are headers, and the revision wants them. */
  get mirrorsArguments(): boolean {
    return this.#family.features.methodHeaders && this.#transport.exchangePerRequest
  }

  get sessionId(): string | undefined {
    return this.#transport.sessionId
  }

  /** Opens the transport and agrees on a revision. Closes everything when that fails. */
  async open(options: RequestOptions = {}): Promise<void> {
    try {
      await this.#peer.open()
      await this.#negotiate(this.#options.revision, options)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * Asks the server something, and answers what it asks back meanwhile.
   *
   * @throws {RpcError} the server's error
   * @throws {TransportError} everything else; `input_required` when the server asks for what nobody here can answer
   */
  async request<Method extends string>(
    method: Method,
    params: object | undefined,
    options: RequestOptions = {},
    send: SendContext = {},
  ): Promise<ClientResult<Method>> {
    const result = await runMiddleware(this.#options.middleware ?? [], { method, params, options }, request =>
      this.#answerOrKept(request.method as Method, request.params, request.options, send),
    )
    return result as ClientResult<Method>
  }

  /** From now on, somebody cares for what the server sends unasked. */
  listen(): void {
    if (this.#listens) return
    this.#listens = true
    this.#transport.listen?.()
  }

  /** Tells the server something. Left out on a revision that has no such notification. @throws {TransportError} */
  async notify(method: ClientNotificationMethod, params?: object): Promise<void> {
    const { messages } = this.#family
    if (messages.allowsNotification(method)) await this.#peer.notify(method, messages.encodeNotification(params))
  }

  /** From now on, with every request of a stateless server; a handshake server is told once. */
  async setLogLevel(level: LoggingLevel, options?: RequestOptions): Promise<void> {
    this.#logLevel = level
    if (this.#family.messages.allowsRequest('logging/setLevel'))
      await this.request('logging/setLevel', { level }, options)
  }

  /** A fresh answer that is kept, else the server's. */
  async #answerOrKept<Method extends string>(
    method: Method,
    params: object | undefined,
    options: RequestOptions,
    send: SendContext,
  ): Promise<ClientResult<Method>> {
    const grantId = this.#transport.grantId?.()
    const kept = options.fresh === true ? undefined : this.#cache.get(method, params, grantId)
    if (kept !== undefined) return kept as ClientResult<Method>
    const { result, asked } = await this.#complete(method, params, options, send)
    // Answers given on the way are not part of what was asked; another login meanwhile may see other things.
    if (!asked && this.#transport.grantId?.() === grantId) this.#cache.put(method, params, grantId, result)
    return result
  }

  /** Hears of changes until the subscription is closed, over interruptions and new sessions. @throws {RpcError} @throws {TransportError} */
  subscribe(
    wanted: WantedChanges,
    listener: (change: Change) => void,
    options?: RequestOptions,
  ): Promise<Subscription> {
    return this.#subscriptions.add(wanted, listener, options)
  }

  #subscriptionHost(): SubscriptionHost {
    return {
      style: this.#family.subscriptions.style,
      capabilities: this.server.capabilities,
      request: (method, params, options) => this.request(method, params, options),
      listenFor: (filter, { signal, onSent }) =>
        this.#send(
          'subscriptions/listen',
          { notifications: filter },
          { signal, timeoutMs: Number.POSITIVE_INFINITY, maxTotalTimeoutMs: Number.POSITIVE_INFINITY },
          { onSent },
        ),
      listen: () => this.listen(),
      onError: error => this.#options.onError?.(error),
    }
  }

  /** The request and, while the server asks back, its repetitions with the answers: independent requests, each under an id of its own. */
  async #complete<Method extends string>(
    method: Method,
    params: object | undefined,
    options: RequestOptions,
    send: SendContext,
  ): Promise<{ readonly result: ClientResult<Method>; readonly asked: boolean }> {
    const { interaction, maxInputRounds: maxRounds = MAX_INPUT_ROUNDS } = this.#options
    let answers: InputAnswers | undefined
    for (let round = 1; ; round += 1) {
      const answer = await this.#sendInSession(method, answers ? { ...params, ...answers } : params, options, send)
      if (answer.kind === 'complete') return { result: answer.result, asked: round > 1 }
      if (answer.kind === 'task') {
        if (send.onTask) return { result: send.onTask(answer.task) as ClientResult<Method>, asked: true }
        return { result: (await this.#finish(answer.task, options)) as ClientResult<Method>, asked: true }
      }
      const signal = options.signal ? AbortSignal.any([options.signal, this.#closing.signal]) : this.#closing.signal
      answers = await answerInputRequired(answer.result, { method, round, maxRounds, interaction, signal })
    }
  }

  /** Waits for a task in the caller's place; when the caller gives up, so does the server. */
  async #finish(task: Task, options: RequestOptions): Promise<CallToolResult> {
    const handle = this.task(task.taskId, task)
    try {
      return await handle.result(options)
    } catch (error) {
      const gaveUp = error instanceof TransportError && ['aborted', 'timeout', 'input_required'].includes(error.code)
      if (gaveUp) await handle.cancel().catch((cause: unknown) => this.#options.onError?.(cause))
      throw error
    }
  }

  /** A task of this server, begun by whoever knows its id. */
  task(taskId: string, known?: Task): TaskHandle {
    const request: TaskRequest = (method, params, options) => this.request(method, params, options)
    const { interaction } = this.#options
    return createTaskHandle({ taskId, known, request, interaction, closing: this.#closing.signal })
  }

  /**
   * A lost session is renewed once, and the request sent again: it was provably not handled. So is what may be handled twice, when its stream
   * broke off before the answer.
   */
  async #sendInSession<Method extends string>(
    method: Method,
    params: object | undefined,
    options: RequestOptions,
    send: SendContext,
  ): Promise<Answer<Method>> {
    if (this.#renewal) await this.#renewal
    const { sessionId } = this
    const { repeatable = method !== 'tools/call' } = send
    try {
      return await this.#send(method, params, options, send)
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      if (error.code === 'session_lost') await this.#renew(sessionId)
      else if (error.code !== 'stream_lost' || !repeatable) throw error
      return await this.#send(method, params, options, send)
    }
  }

  async close(): Promise<void> {
    this.#stopListening?.()
    this.#subscriptions.end()
    this.#closing.abort(new TransportError('closed', 'The connection is closed'))
    await this.#peer.close()
    await this.#options.onClosed?.()
  }

  async #send<Method extends string>(
    method: Method,
    params: object | undefined,
    { meta, logLevel = this.#logLevel, fresh: _fresh, onTask: _onTask, ...options }: RequestOptions,
    { headers, onSent }: SendContext = {},
  ): Promise<Answer<Method>> {
    const { messages } = this.#family
    const encoded = messages.encodeRequest(params, { meta, logLevel })
    const answer = messages.decodeResult(
      method,
      await this.#peer.request(method, encoded, { ...options, headers, onSent }),
    )
    if (answer.kind !== 'invalid') return answer
    throw new TransportError(
      'invalid_response',
      `The answer to ${method} is not what the protocol promises: ${answer.issue.message}`,
      { method, mayHaveRun: true },
    )
  }

  async #sendOpening<Method extends string>(
    method: Method,
    params: object | undefined,
    options: RequestOptions,
  ): Promise<ClientResult<Method>> {
    const answer = await this.#send(method, params, options)
    if (answer.kind === 'complete') return answer.result
    throw new TransportError('invalid_response', `The server asks for input before it answers ${method}`, { method })
  }

  async #negotiate(revision: 'auto' | ProtocolRevision, options: RequestOptions): Promise<void> {
    const opening: Opening = {
      discover: async offered => {
        this.#use(offered)
        return await this.#sendOpening('server/discover', undefined, options)
      },
      initialize: async offered => {
        this.#use(offered)
        const { clientInfo, capabilities } = this.#options
        return await this.#sendOpening('initialize', { protocolVersion: offered, capabilities, clientInfo }, options)
      },
    }
    this.#server = await negotiate(opening, revision)
    this.#use(this.#server.revision)
    if (this.#family.messages.opensWithInitialize)
      await this.#peer.notify('notifications/initialized', undefined, options)
    if (this.#listens) this.#transport.listen?.()
  }

  /** Opens a new session in place of the lost one; once for all requests that lost it together. */
  async #renew(lost: string | undefined): Promise<void> {
    if (!this.#renewal && this.sessionId !== lost) return
    this.#renewal ??= this.#negotiate(this.#family.revision, {})
      .then(() => {
        this.#cache.clear()
        this.#subscriptions.renewed()
      })
      .finally(() => {
        this.#renewal = undefined
      })
    await this.#renewal
  }

  #use(revision: ProtocolRevision): void {
    const family = this.#familyOf(revision)
    this.#family = family
    this.#transport.useFamily(family)
    const abortIsEnough = family.http.disconnectCancels && this.#transport.exchangePerRequest
    this.#peer.mode = {
      notifiesCancelled: method => method !== 'initialize' && !abortIsEnough,
      answersRequests: family.interaction.style === 'nested',
      acceptsBatches: family.features.batches,
      omitsUnknownId: family.features.omitUnknownErrorId,
    }
  }

  #familyOf(revision: ProtocolRevision): RevisionFamily {
    if (!isStatelessRevision(revision)) return handshakeFamily(revision)
    const { clientInfo, capabilities } = this.#options
    // A call that becomes a task is waited for like any other: every server may answer so.
    const extensions = { [TASKS_EXTENSION]: {}, ...capabilities.extensions }
    return statelessFamily(revision, { clientInfo, capabilities: { ...capabilities, extensions } })
  }

  #notice(notification: JsonRpcNotification): void {
    const { method, params } = notification
    const id = params?.['elicitationId']
    if (method === 'notifications/elicitation/complete' && typeof id === 'string')
      this.#options.interaction.completed(id)
    this.#cache.notice(notification)
    this.#subscriptions.notice(notification)
    this.#options.onNotification?.(notification)
  }

  #answer: PeerRequestHandler = async (request, context) => {
    if (request.method === 'ping') return {}
    // While a person or a model is asked, the clocks of the calls that led there stand still.
    const resume = this.#peer.pauseTimeouts()
    try {
      return { ...(await this.#options.interaction.answer(request, context.signal)) }
    } finally {
      resume()
    }
  }
}
