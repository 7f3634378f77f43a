import type { WireObject } from '../protocol/revisions/family.ts'
import type { ServerCall } from './call.ts'

/** Goes on with the call, or with another in its place, and resolves to the result. */
export type NextCall = (call?: ServerCall) => Promise<WireObject>

/**
 * Stands around every request that the server answers: measure, log, refuse, change, answer from elsewhere. What `next` rejects with is what the
 * client is told, when it is an `RpcError`.
 */
export type ServerMiddleware = (call: ServerCall, next: NextCall) => Promise<WireObject>

/** Runs `answer` inside all of `middleware`, the first outermost. */
export function runMiddleware(
  middleware: readonly ServerMiddleware[],
  call: ServerCall,
  answer: (call: ServerCall) => Promise<WireObject>,
  index = 0,
): Promise<WireObject> {
  const next = middleware[index]
  if (!next) return answer(call)
  return next(call, (changed = call) => runMiddleware(middleware, changed, answer, index + 1))
}
