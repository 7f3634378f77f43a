import type { RequestParams, Result } from './message.ts'

/** An opaque position in a list, valid only for the server that gave it. */
export type Cursor = string

/** What a list request may carry. */
export interface PaginatedRequestParams extends RequestParams {
  /** Where to go on, from `nextCursor`; absent for the first page. */
  readonly cursor?: Cursor
}

/** One page of a list. */
export interface PaginatedResult extends Result {
  /** Where the next page starts; absent on the last page. */
  readonly nextCursor?: Cursor
}
