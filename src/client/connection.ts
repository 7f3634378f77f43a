import { METHOD_NOT_FOUND, RpcError, TransportError } from '../jsonrpc/errors.ts'
import type { JsonRpcNotification } from '../jsonrpc/message.ts'
import { Peer } from '../jsonrpc/peer.ts'
import type { PeerRequestHandler } from '../jsonrpc/peer-options.ts'
import type { ClientCapabilities } from '../protocol/capabilities.ts'
import type { Implementation } from '../protocol/implementation.ts'
import type { ClientRequestMethod } from '../protocol/methods.ts'
import type { ClientResult } from '../protocol/result-shapes.ts'
import type { RevisionFamily } from '../protocol/revisions/family.ts'
import { handshakeFamily } from '../protocol/revisions/handshake.ts'
import { statelessFamily } from '../protocol/revisions/stateless.ts'
import { isStatelessRevision, type ProtocolRevision } from '../protocol/revisions.ts'
import { negotiate, type Opening, type ServerDescription } from './negotiation.ts'
import type { RequestOptions } from './request-options.ts'
import type { ClientTransport } from './transport.ts'

export interface ConnectionOptions {
  readonly clientInfo: Implementation
  readonly capabilities: ClientCapabilities
  readonly revision: 'auto' | ProtocolRevision
  readonly timeoutMs?: number
  readonly maxInFlight?: number
  /** Requests of the server that are answered besides `ping`; sampling, elicitation and roots belong here. Handshake family only. */
  readonly handlers?: Readonly<Record<string, PeerRequestHandler>>
  readonly onNotification?: (notification: JsonRpcNotification) => void
  readonly onError?: (error: unknown) => void
  readonly onClosed?: () => Promise<void>
}

/** A negotiated conversation with one server, which survives the loss of its session. */
export class Connection {
  readonly #transport: ClientTransport
  readonly #options: ConnectionOptions
  readonly #peer: Peer
  readonly #stopListening: (() => void) | undefined
  #family: RevisionFamily
  #server: ServerDescription | undefined
  #renewal: Promise<void> | undefined

  constructor(transport: ClientTransport, options: ConnectionOptions) {
    this.#transport = transport
    this.#options = options
    this.#family = this.#familyOf(
      isStatelessRevision(options.revision) || options.revision === 'auto' ? '2026-07-28' : options.revision,
    )
    this.#peer = new Peer({
      transport,
      onRequest: (request, context) => this.#answer(request, context),
      ...(options.onNotification && { onNotification: options.onNotification }),
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
   * Asks the server something. A lost session is renewed once, and the request sent again: it was provably not handled.
   *
   * @throws {RpcError} the server's error
   * @throws {TransportError} everything else; `input_required` when the server asks back
   */
  async request<Method extends ClientRequestMethod>(
    method: Method,
    params: object | undefined,
    options: RequestOptions = {},
  ): Promise<ClientResult<Method>> {
    if (this.#renewal) await this.#renewal
    const { sessionId } = this
    try {
      return await this.#send(method, params, options)
    } catch (error) {
      if (!(error instanceof TransportError && error.code === 'session_lost')) throw error
      await this.#renew(sessionId)
      return await this.#send(method, params, options)
    }
  }

  async close(): Promise<void> {
    this.#stopListening?.()
    await this.#peer.close()
    await this.#options.onClosed?.()
  }

  async #send<Method extends ClientRequestMethod>(
    method: Method,
    params: object | undefined,
    { meta, ...options }: RequestOptions,
  ): Promise<ClientResult<Method>> {
    const { messages } = this.#family
    const answer = messages.decodeResult(
      method,
      await this.#peer.request(method, messages.encodeRequest(params, { meta }), options),
    )
    switch (answer.kind) {
      case 'complete':
        return answer.result
      case 'input-required': {
        const asks = Object.values(answer.result.inputRequests ?? {}).map(request => request.method)
        const what = [...new Set(asks)].join(', ') || 'another attempt'
        const hint =
          'Input-required results are not answered yet: connect with a handshake revision, or call what needs no input'
        throw new TransportError('input_required', `The server asks for ${what} before it answers ${method}`, {
          method,
          hint,
        })
      }
      default:
        throw new TransportError(
          'invalid_response',
          `The answer to ${method} is not what the protocol promises: ${answer.issue.message}`,
          { method, mayHaveRun: true },
        )
    }
  }

  async #negotiate(revision: 'auto' | ProtocolRevision, options: RequestOptions): Promise<void> {
    const opening: Opening = {
      discover: async offered => {
        this.#use(offered)
        return await this.#send('server/discover', undefined, options)
      },
      initialize: async offered => {
        this.#use(offered)
        const { clientInfo, capabilities } = this.#options
        return await this.#send('initialize', { protocolVersion: offered, capabilities, clientInfo }, options)
      },
    }
    this.#server = await negotiate(opening, revision)
    this.#use(this.#server.revision)
    if (this.#family.messages.opensWithInitialize)
      await this.#peer.notify('notifications/initialized', undefined, options)
  }

  /** Opens a new session in place of the lost one; once for all requests that lost it together. */
  async #renew(lost: string | undefined): Promise<void> {
    if (!this.#renewal && this.sessionId !== lost) return
    this.#renewal ??= this.#negotiate(this.#family.revision, {}).finally(() => {
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
    return isStatelessRevision(revision) ? statelessFamily(revision, this.#options) : handshakeFamily(revision)
  }

  #answer: PeerRequestHandler = async (request, context) => {
    if (request.method === 'ping') return {}
    const { handlers } = this.#options
    const handler = handlers && Object.hasOwn(handlers, request.method) ? handlers[request.method] : undefined
    if (!handler) throw new RpcError(METHOD_NOT_FOUND, 'Method not found')
    return await handler(request, context)
  }
}
