import type { StreamSink } from './http-message.ts'
import { unref } from '../../server/unref.ts'

/** `setTimeout` takes at most a signed 32-bit number of milliseconds. */
const MAX_DELAY_MS = 2_147_483_647

/**
 * Ends a connection when the token expires that it was opened with: what is sent later is for those who can still show one.
 *
 * @param expiresAt milliseconds since the epoch; undefined for a connection that does not end by itself
 */
export function endAtExpiry(sink: StreamSink, expiresAt: number | undefined, now: () => number): StreamSink {
  if (expiresAt === undefined || !Number.isFinite(expiresAt)) return sink
  const timer = setTimeout(() => sink.end(), Math.min(Math.max(0, expiresAt - now()), MAX_DELAY_MS))
  unref(timer)
  sink.onClose(() => clearTimeout(timer))
  return sink
}
