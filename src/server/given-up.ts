import { TransportError } from '../jsonrpc/errors.ts'
import { isRequestId, type JsonRpcNotification, type RequestId } from '../jsonrpc/message.ts'

/** Characters of a client's reason; the rest is cut. */
const MAX_REASON = 200

/** A request that its client cancels. */
export interface Cancellation {
  readonly id: RequestId
  /** What its signal gives as the reason, for logs. */
  readonly reason: TransportError
}

/** What a notification cancels; undefined when it is another one, or names no request. */
export function readCancellation({ method, params = {} }: JsonRpcNotification): Cancellation | undefined {
  const { requestId: id, reason } = params
  if (method !== 'notifications/cancelled' || !isRequestId(id)) return undefined
  const said = typeof reason === 'string' && reason !== '' ? `: ${reason.slice(0, MAX_REASON)}` : ''
  return { id, reason: new TransportError('aborted', `The client cancelled the request${said}`) }
}

/**
 * Whether work ended only because its signal told it to: that is what cancelling means, and no failure that anybody should hear of. What goes
 * wrong otherwise while it stops is one.
 */
export function isGivenUp(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError')
}
