import { RpcError, TransportError } from '../jsonrpc/errors.ts'

const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 30_000
/** No server may have itself asked in a tight loop. */
const SHORTEST_DELAY_MS = 100
/** `setTimeout` takes at most a signed 32-bit number of milliseconds, and rings at once for more. */
const MAX_TIMER_MS = 2_147_483_647

/**
 * How long to wait before a stream is opened again: what the server asked for, or longer after connections that brought nothing, with
 * jitter, so that a server that comes back is not met by everybody at once.
 */
export function reconnectionDelay(retryMs: number | undefined, fruitless: number): number {
  const growing = fruitless === 0 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (fruitless - 1), LONGEST_DELAY_MS)
  const least = retryMs ?? FIRST_DELAY_MS
  // The server's wish is the least; only what is ours is shortened by chance.
  const delayMs = Math.max(least, SHORTEST_DELAY_MS, growing * (0.75 + Math.random() / 4))
  return Math.min(delayMs, MAX_TIMER_MS)
}

/** Whether opening a stream may succeed later: not after a definite answer of the server. */
export function mayPass(error: unknown): boolean {
  if (error instanceof RpcError) return isPassing(error.status)
  if (error instanceof TransportError) return error.code === 'network' || isPassing(error.detail.status)
  if (error instanceof TypeError) return true
  // An authorization failure that says so itself.
  return typeof error === 'object' && error !== null && 'retryable' in error && error.retryable === true
}

function isPassing(status = 0): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429
}

/** An event id that can go back in a header; others cannot be resumed from. */
export function isResumable(eventId: string | undefined): eventId is string {
  return eventId !== undefined && /^[\x21-\x7e](?:[\x20-\x7e]{0,4094}[\x21-\x7e])?$/.test(eventId)
}
