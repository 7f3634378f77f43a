import { INTERNAL_ERROR, RpcError } from '../jsonrpc/errors.ts'
import type { StateClaim } from './sealed-state.ts'

const DEFAULT_MAX_CLAIMS = 10_000

/**
 * Remembers used states in the memory of one process.
 *
 * @param options `maxClaims`: most that are remembered at a time, default 10 000; `now`: the clock, in milliseconds since the epoch
 * @returns a claim that throws an `RpcError` (−32603) while it can remember no more: forgetting one would let it be used again
 */
export function createMemoryStateClaim(
  options: { readonly maxClaims?: number; readonly now?: () => number } = {},
): StateClaim {
  const { maxClaims = DEFAULT_MAX_CLAIMS, now = Date.now } = options
  const expiryById = new Map<string, number>()
  // Runs to its end without waiting, so that of two calls one is first.
  return async (id, expiresAt) => {
    if (expiryById.has(id)) return false
    if (expiryById.size >= maxClaims) forgetExpired(expiryById, now())
    if (expiryById.size >= maxClaims) {
      throw new RpcError(
        INTERNAL_ERROR,
        `The server cannot remember more than ${maxClaims} used request states; try again in some minutes.`,
      )
    }
    expiryById.set(id, expiresAt)
    return true
  }
}

function forgetExpired(expiryById: Map<string, number>, time: number): void {
  for (const [id, expiresAt] of expiryById) if (expiresAt <= time) expiryById.delete(id)
}
