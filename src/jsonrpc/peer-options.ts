import type { JsonRpcNotification, JsonRpcRequest } from './message.ts'
import type { Transport } from './transport.ts'

/** Milliseconds a request waits for its answer or for progress, unless it says otherwise. */
export const DEFAULT_TIMEOUT_MS = 60_000
/** Milliseconds a request waits in all, whatever progress it reports, unless it says otherwise. */
export const DEFAULT_MAX_TOTAL_TIMEOUT_MS = 3_600_000
/** Requests of ours that may wait for an answer at once. */
export const MAX_OUTGOING_IN_FLIGHT = 1000
/** Requests of the other side that may be handled at once. */
export const MAX_INCOMING_IN_FLIGHT = 100
/** Answers and cancellations that may wait for delivery at once; a slow other side loses the rest. */
export const MAX_ASIDES = 200
/** Messages that one batch may hold (revision 2025-03-26). */
export const MAX_BATCH_LENGTH = 1000
/** Ids of given-up requests that are remembered, so that their late answers are no errors. */
export const MAX_ABANDONED = 1000

/** Progress of a request, as the other side reports it. */
export interface Progress {
  readonly progress: number
  readonly total?: number
  readonly message?: string
}

/** How long to wait for something. */
export interface WaitOptions {
  readonly signal?: AbortSignal
  /** Milliseconds without an answer or progress. Default 60 000; `Infinity` for no limit. */
  readonly timeoutMs?: number
  /** Milliseconds in all. Default one hour, or `timeoutMs` when that is longer. */
  readonly maxTotalTimeoutMs?: number
}

export interface PeerRequestOptions extends WaitOptions {
  /** Asks for progress, which also sets the waiting time back. */
  readonly onProgress?: (progress: Progress) => void
  /** See `SendOptions`. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Learns the request's id before it is sent. */
  readonly onSent?: ((id: number) => void) | undefined
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
