import type { JsonRpcMessage } from './message.ts'

/** Where a transport delivers what it receives. None of these throws. */
export interface TransportReceiver {
  /** One received JSON value, not yet looked at. Arrays are batches; undefined is what was no JSON, for receivers that answer it. */
  message(value: unknown): void
  /** Something went wrong that belongs to no message under way. */
  error(error: unknown): void
  /** No message will come any more. */
  closed(error?: unknown): void
}

export interface SendOptions {
  /** Aborted when nobody waits for the answer any more: a transport with one exchange per request ends that exchange. */
  readonly signal?: AbortSignal
  /** What goes with the message where a transport has headers; others ignore it. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/**
 * Carries messages between two peers: HTTP, stdio, memory. `open` is called once, before anything is sent.
 *
 * For a request, `send` rejects when the request could not be delivered or its answer can no longer come; the request then fails
 * with that error. The answer itself, and everything else received, goes to the receiver.
 */
export interface Transport {
  open(receiver: TransportReceiver): Promise<void>
  send(message: JsonRpcMessage, options?: SendOptions): Promise<void>
  /** Ends everything under way. Never rejects, and may be called twice. */
  close(): Promise<void>
}
