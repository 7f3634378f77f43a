import type { Transport } from '../jsonrpc/transport.ts'
import type { RevisionFamily } from '../protocol/revisions/family.ts'

/** A transport that a client can use: messages, and the little that depends on the revision. */
export interface ClientTransport extends Transport {
  /** What the messages to come are in. Called before the first message, and again whenever negotiation gets further. */
  useFamily(family: RevisionFamily): void
  /** The session the server gave, where there is such a thing. `initialize` is sent without one, and its answer replaces it. */
  readonly sessionId: string | undefined
  /** Whether aborting the `signal` of a request ends an exchange of its own, as over HTTP, which the server may notice. */
  readonly exchangePerRequest: boolean
  /** Takes what the server sends unasked, where that needs a stream of its own; called again after every negotiation. */
  listen?(): void
  /** Names the login in use, where there is one; private results are kept apart by it. */
  grantId?(): string | undefined
  /** Says when a person starts and stops being asked (a login), so that time-outs stand still. Returns the way to stop listening. */
  onInteraction?(listener: (active: boolean) => void): () => void
}
