import { TransportError } from '../jsonrpc/errors.ts'
import type { JsonRpcNotification, RequestId } from '../jsonrpc/message.ts'
import { Peer } from '../jsonrpc/peer.ts'
import { DEFAULT_TIMEOUT_MS, type PeerRequestHandler } from '../jsonrpc/peer-options.ts'
import { waitUnlessAborted } from '../jsonrpc/waits.ts'
import type { ClientCapabilities } from '../protocol/capabilities.ts'
import type { Implementation } from '../protocol/implementation.ts'
import type { LoggingLevel } from '../protocol/logging.ts'
import type { ClientNotificationMethod } from '../protocol/methods.ts'
import type { ClientResult } from '../protocol/result-shapes.ts'
import type { DecodedResult, RevisionFamily } from '../protocol/revisions/family.ts'
import { handshakeFamily } from '../protocol/revisions/handshake.ts'
import { statelessFamily } from '../protocol/revisions/stateless.ts'
import { isStatelessRevision, type ProtocolRevision } from '../protocol/revisions.ts'
import { TASKS_EXTENSION } from '../protocol/tasks.ts'
import type { Interaction } from './interaction.ts'
import { negotiate, type Opening, type ServerDescription } from './negotiation.ts'
import type { RequestOptions } from './request-options.ts'
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
  readonly onNotification: (notification: JsonRpcNotification) => void
  /** A new session has taken the place of a lost one. */
  readonly onRenewed: () => void
  readonly onError?: (error: unknown) => void
  readonly onClosed?: () => Promise<void>
}

/** What goes with a request besides its message. */
export interface SendContext {
  /** See `SendOptions`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Learns the request's id before it is sent. */
  readonly onSent?: (id: RequestId) => void
  /** Whether handling it twice does no harm. Default: for everything but tools. */
  readonly repeatable?: boolean
}

/** An answer that could be read. */
export type Answer<Method extends string> = Exclude<DecodedResult<ClientResult<Method>>, { readonly kind: 'invalid' }>

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
  #closed: Promise<void> | undefined
  readonly #closing = new AbortController()

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
      onNotification: options.onNotification,
      onError: error => this.#hear(error),
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

  /** The lowest level of log messages wanted with every request of a stateless server. */
  set logLevel(level: LoggingLevel) {
    this.#logLevel = level
  }

  /** Milliseconds a request waits for its answer, unless it says otherwise. */
  get timeoutMs(): number {
    return this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  }

  /** Fires when the connection is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** Names the login in use, where there is one. */
  get grantId(): string | undefined {
    return this.#transport.grantId?.()
  }

  /**
   * A lost session is renewed once, and the request sent again: it was provably not handled. So is, once, what may be handled twice, when its
   * stream broke off before the answer; a server that is restarted meanwhile causes both.
   *
   * @throws {RpcError} the server's error @throws {TransportError} everything else
   */
  async exchange<Method extends string>(
    method: Method,
    params: object | undefined,
    options: RequestOptions = {},
    send: SendContext = {},
  ): Promise<Answer<Method>> {
    const { signal } = options
    const { repeatable = method !== 'tools/call' } = send
    for (let renewed = false, repeated = false; ; ) {
      if (this.#renewal) await waitUnlessAborted(this.#renewal, method, signal)
      const { sessionId } = this
      try {
        return await this.send(method, params, options, send)
      } catch (error) {
        const code = error instanceof TransportError ? error.code : undefined
        if (code === 'session_lost' && !renewed) {
          renewed = true
          await waitUnlessAborted(this.#renew(sessionId), method, signal)
        } else if (code === 'stream_lost' && repeatable && !repeated) repeated = true
        else throw error
      }
    }
  }

  /** Never rejects; a second call waits for the first. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#stopListening?.()
    this.#closing.abort(new TransportError('closed', 'The connection is closed'))
    await this.#peer.close()
    try {
      await this.#options.onClosed?.()
    } catch (error) {
      this.#report(error)
    }
  }

  /** A session that got lost while nothing was asked is renewed by asking: whoever listens would wait for ever. */
  #hear(error: unknown): void {
    if (!(error instanceof TransportError) || error.code !== 'session_lost') this.#report(error)
    else this.exchange('ping', undefined).catch((cause: unknown) => this.#report(cause))
  }

  #report(error: unknown): void {
    try {
      this.#options.onError?.(error)
    } catch {
      // There is nobody left to tell.
    }
  }

  /** Sends one request, once. @throws {RpcError} the server's error @throws {TransportError} everything else */
  async send<Method extends string>(
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
    const answer = await this.send(method, params, options)
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
      .then(() => this.#options.onRenewed())
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
