import type { RequestParams, Result } from './message.ts'
import type { MetaObject } from './meta.ts'

/** A folder or file that the server may work on. Deprecated by the protocol. */
export interface Root {
  /** Starts with `file://`. */
  readonly uri: string
  readonly name?: string
  /** Since 2025-06-18. */
  readonly _meta?: MetaObject
}

/** The server asks for the roots: a request of its own until 2025-11-25, an input request since. */
export interface ListRootsRequest {
  readonly method: 'roots/list'
  readonly params?: RequestParams
}

/** The client's roots. */
export interface ListRootsResult extends Result {
  readonly roots: readonly Root[]
}
