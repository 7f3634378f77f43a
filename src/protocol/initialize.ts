import type { ClientCapabilities, ServerCapabilities } from './capabilities.ts'
import type { Implementation } from './implementation.ts'
import type { RequestParams, Result } from './message.ts'

/** Parameters of `initialize`. Until 2025-11-25. */
export interface InitializeRequestParams extends RequestParams {
  /** The newest revision the client wants to speak. */
  readonly protocolVersion: string
  readonly capabilities: ClientCapabilities
  readonly clientInfo: Implementation
}

/** The server's half of the handshake. Until 2025-11-25. */
export interface InitializeResult extends Result {
  /** The revision the server wants to speak; a client that cannot must disconnect. */
  readonly protocolVersion: string
  readonly capabilities: ServerCapabilities
  readonly serverInfo: Implementation
  /** How to use the server, for a model to read. Untrusted text. */
  readonly instructions?: string
}
