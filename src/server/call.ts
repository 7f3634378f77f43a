import type { JsonRpcRequest, RequestId } from '../jsonrpc/message.ts'
import type { ClientCapabilities } from '../protocol/capabilities.ts'
import type { Implementation } from '../protocol/implementation.ts'
import type { LoggingLevel } from '../protocol/logging.ts'
import type { RequestMetaObject } from '../protocol/meta.ts'
import type { ProtocolRevision, RevisionFeatures } from '../protocol/revisions.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { AuthInfo } from './auth-info.ts'

/** Who asks, as the client describes itself: unverified. */
export interface CallingClient {
  /** The revision that this request is in. */
  readonly revision: ProtocolRevision
  readonly features: RevisionFeatures
  /** Of this request (stateless family) or of the handshake. */
  readonly capabilities: ClientCapabilities
  readonly info?: Implementation | undefined
}

/** A question to the client while its request is under way (handshake family only). */
export type AskClient = (
  method: string,
  params: object,
  options?: { readonly signal?: AbortSignal },
) => Promise<WireObject>

/** What a session remembers between requests (handshake family only). */
export interface SessionState {
  logLevel: LoggingLevel | undefined
  /** URIs of resources whose changes the client wants to hear of, and whether it may hear of one that changed beneath. */
  readonly resourceSubscriptions: Map<string, (changed: string) => boolean>
}

/** One request of a client, whatever revision it is in and whatever carried it: what every part of the server works with. */
export interface ServerCall {
  readonly id: RequestId
  readonly method: string
  /** Empty when the request has none. */
  readonly params: WireObject
  readonly meta: RequestMetaObject
  readonly client: CallingClient
  /** Absent where nothing was verified: stdio, or an HTTP server without `protect`. */
  readonly auth?: AuthInfo | undefined
  /** Who shares in what there is room for: the principal, empty for whoever need not log in; absent where nobody is told apart. */
  readonly sharer?: string | undefined
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** The message as it came. */
  readonly request: JsonRpcRequest
  /** Sends a notification that belongs to this request, in order, before its answer. Never throws; after the end it does nothing. */
  notify(method: string, params: WireObject): void
  /** Resolves once the client keeps up with what was sent; absent where nothing can be told. */
  drained?(): Promise<void>
  /** Asks the client back; absent where the family or the connection has no such way. */
  readonly ask?: AskClient | undefined
  /** Whether the caller holds the scopes; absent where nobody asks for any: stdio. */
  readonly holds?: ((needed: readonly string[]) => boolean) | undefined
  /** The scopes that it was let in for: what it leaves behind is only for who holds them. Absent where nobody asks for any. */
  readonly neededScopes?: readonly string[] | undefined
  /** Lists show only what the caller may use. Default false. */
  readonly filtersLists?: boolean | undefined
  /** Absent in the stateless family, and without a session. */
  readonly session?: SessionState | undefined
  /** Ends the answer's stream, which the client takes up again after this many milliseconds; absent where it could not (R 2025-11-25). */
  readonly closeStream?: ((retryAfterMs: number) => void) | undefined
}
