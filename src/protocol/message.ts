import type { NotificationMetaObject, RequestMetaObject, ResultMetaObject } from './meta.ts'

/** What every request may carry. */
export interface RequestParams {
  readonly _meta?: RequestMetaObject
}

/** What every notification may carry. */
export interface NotificationParams {
  readonly _meta?: NotificationMetaObject
}

/**
 * What kind of result this is, since 2026-07-28: `complete`, `input_required`, or a kind an extension adds.
 * An absent type means `complete`.
 */
export type ResultType = 'complete' | 'input_required' | (string & {})

/** What every result may carry. Members that are not declared are kept at run time but not typed. */
export interface Result {
  readonly _meta?: ResultMetaObject
  /** Since 2026-07-28, and required there. */
  readonly resultType?: ResultType
}

/** A result that says nothing but that it succeeded. */
export type EmptyResult = Result
