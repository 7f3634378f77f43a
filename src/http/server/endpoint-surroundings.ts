import type { JsonRpcRequest } from '../../jsonrpc/message.ts'
import type { AuthInfo } from '../../server/auth-info.ts'
import type { Server } from '../../server/server.ts'
import type { HttpResponse } from './http-message.ts'

/** What both families' endpoints need. */
export interface EndpointSurroundings {
  readonly server: Server
  readonly keepAliveMs: number
  readonly requestTimeoutMs: number
  readonly now: () => number
  /** Refuses operations that the caller may not do. Undefined when it may. */
  authorize(requests: readonly JsonRpcRequest[], auth: AuthInfo | undefined): Promise<HttpResponse | undefined>
  /** What lists are filtered by, where they are. */
  holds(auth: AuthInfo | undefined): ((needed: readonly string[]) => boolean) | undefined
}
