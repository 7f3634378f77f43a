import { TransportError } from '../jsonrpc/errors.ts'
import type { WireObject } from '../protocol/revisions/family.ts'

/** Characters of a client's reason; the rest is cut. */
const MAX_REASON = 200

/** Why a call ends that its client cancelled: the `reason` of its signal, for logs. `params`: of `notifications/cancelled`. */
export function cancelledBy({ reason }: WireObject): TransportError {
  const said = typeof reason === 'string' && reason !== '' ? `: ${reason.slice(0, MAX_REASON)}` : ''
  return new TransportError('aborted', `The client cancelled the request${said}`)
}

/**
 * Whether work ended only because its signal told it to: that is what cancelling means, and no failure that anybody should hear of. What goes
 * wrong otherwise while it stops is one.
 */
export function isGivenUp(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError')
}
