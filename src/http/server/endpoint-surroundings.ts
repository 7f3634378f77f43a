import type { JsonRpcRequest } from '../../jsonrpc/message.ts'
import type { AuthInfo } from '../../server/auth-info.ts'
import type { Server } from '../../server/server.ts'
import type { CallsUnderWay } from './calls-under-way.ts'
import type { HttpResponse } from './http-message.ts'

/** What both families' endpoints need. */
export interface EndpointSurroundings {
  readonly server: Server
  readonly keepAliveMs: number
  readonly now: () => number
  readonly underWay: CallsUnderWay
  /** Refuses operations that the caller may not do, or for which there is no room. Gives the scopes that they need when they may run. */
  admit(requests: readonly JsonRpcRequest[], auth: AuthInfo | undefined): Promise<HttpResponse | readonly string[]>
  /** Refuses who lacks one of the scopes. */
  authorize(auth: AuthInfo | undefined, needed: readonly string[]): HttpResponse | undefined
  /** Who shares in the room for calls; undefined where nobody is told apart. */
  principalOf(auth: AuthInfo | undefined): string | undefined
  /** What decides which scopes a caller holds. */
  holds(auth: AuthInfo | undefined): (needed: readonly string[]) => boolean
  /** Lists show only what the caller may use. */
  readonly filtersLists: boolean
}
