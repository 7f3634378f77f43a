import type { JsonRpcNotification } from '../jsonrpc/message.ts'
import type { ClientCapabilities } from '../protocol/capabilities.ts'
import type { Implementation } from '../protocol/implementation.ts'
import type { ProtocolRevision } from '../protocol/revisions.ts'
import { Client } from './client.ts'
import { DEFAULT_CLIENT_INFO } from './client-info.ts'
import { Connection } from './connection.ts'
import { createConversation } from './conversation.ts'
import { createInteraction, interactionCapabilities, type InteractionHandlers } from './interaction.ts'
import type { ClientMiddleware } from './middleware.ts'
import type { ClientTransport } from './transport.ts'

/** What a client takes, whatever its transport. */
export interface ClientOptions extends InteractionHandlers {
  /** How the client names itself. Default: this library's name and version. */
  readonly clientInfo?: Implementation
  /** What the client tells the server it can do besides what its handlers amount to. Default: nothing. */
  readonly capabilities?: ClientCapabilities
  /** `auto` (default) finds the newest revision both sides speak; a named one is used or refused. */
  readonly revision?: 'auto' | ProtocolRevision
  /** Milliseconds a request waits for its answer or for progress, connecting included. Default 60 000. */
  readonly timeoutMs?: number
  /** Requests that may wait for an answer at once; more are refused with `in_flight_limit`. Default 1000. */
  readonly maxInFlight?: number
  /** Ends connecting; the client lives on when it has succeeded. */
  readonly signal?: AbortSignal
  /** How often the server may ask back before it answers one request. Default 10. */
  readonly maxInputRounds?: number
  /**
   * Refuse a tool's structured result that does not fit the schema of its list entry. Default false: it is reported to `onError` and returned, since
   * the tool has run.
   */
  readonly strictOutput?: boolean
  /** Stands around every request, the first outermost. */
  readonly middleware?: readonly ClientMiddleware[]
  /** Hears of everything the server tells without being asked, but the progress a request asked for. */
  readonly onNotification?: (notification: JsonRpcNotification) => void
  /** Runs when the client has been closed, also when connecting failed; `close()` waits for it. */
  readonly onClosed?: () => Promise<void>
  /** Hears of what is wrong and belongs to no request: unusable messages, failed callbacks. Never needed for correctness. */
  readonly onError?: (error: unknown) => void
}

/**
 * Connects a client over a transport of any kind.
 *
 * @throws {TransportError} or `RpcError`, as in connecting; the transport is closed then
 */
export async function openClient(transport: ClientTransport, options: ClientOptions = {}): Promise<Client> {
  const { clientInfo = DEFAULT_CLIENT_INFO, revision = 'auto', signal, elicitation, sampling, roots } = options
  const { timeoutMs, maxInFlight, maxInputRounds, middleware, onNotification, onError, onClosed } = options
  const handlers = { ...(elicitation && { elicitation }), ...(sampling && { sampling }), ...(roots && { roots }) }
  const capabilities = interactionCapabilities(handlers, options.capabilities ?? {})
  const interaction = createInteraction(handlers)
  const listens = options.onNotification !== undefined || Object.keys(handlers).length > 0
  const connection: Connection = new Connection(transport, {
    clientInfo,
    capabilities,
    revision,
    interaction,
    listens,
    onNotification: notification => conversation.notice(notification),
    onRenewed: () => conversation.renewed(),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(maxInFlight !== undefined && { maxInFlight }),
    ...(onError && { onError }),
    ...(onClosed && { onClosed }),
  })
  const conversation = createConversation(connection, {
    interaction,
    maxInputRounds,
    middleware,
    onNotification,
    onError,
  })
  await connection.open(signal ? { signal } : {})
  return new Client(connection, conversation, { onError, strictOutput: options.strictOutput ?? false })
}
