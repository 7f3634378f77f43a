import type { ProtocolRevision } from '../protocol/revisions.ts'
import type { RequestOptions } from './request-options.ts'

/** A request of the client on its way out. */
export interface ClientRequestCall {
  readonly method: string
  readonly params: object | undefined
  readonly options: RequestOptions
  /** The revision in use, to look at: another one changes nothing. */
  readonly revision?: ProtocolRevision
}

/** Goes on with the request, or with another in its place, and resolves to the result. */
export type NextRequest = (request?: ClientRequestCall) => Promise<unknown>

/**
 * Stands around every request of the client, the questions that it is asked back included: measure, log, change, answer from elsewhere, send again.
 * What `next` rejects with is the server's or the transport's error.
 */
export type ClientMiddleware = (request: ClientRequestCall, next: NextRequest) => Promise<unknown>

/** Runs `send` inside all of `middleware`, the first outermost. */
export function runMiddleware(
  middleware: readonly ClientMiddleware[],
  request: ClientRequestCall,
  send: (request: ClientRequestCall) => Promise<unknown>,
): Promise<unknown> {
  const [first, ...rest] = middleware
  if (!first) return send(request)
  return first(request, (changed = request) => runMiddleware(rest, changed, send))
}
