import type { LoggingLevel } from '../protocol/logging.ts'
import type { MetaObject } from '../protocol/meta.ts'
import type { Progress } from '../protocol/progress.ts'
import type { Task } from '../protocol/tasks.ts'

/** What every request of a client takes. */
export interface RequestOptions {
  /** Goes into the request's `_meta`; never changed. Trace context (`traceparent`, …) passes untouched. */
  readonly meta?: MetaObject
  /** Ends the wait and cancels the request. */
  readonly signal?: AbortSignal
  /** The lowest level of log messages wanted about this request; only a stateless server takes it. Default: the client's. */
  readonly logLevel?: LoggingLevel
  /** Ask the server although a fresh answer is kept. Default false. */
  readonly fresh?: boolean
  /** Milliseconds without an answer or progress. Default: the client's, 60 000. */
  readonly timeoutMs?: number
  /** Milliseconds in all, whatever progress is reported. Default one hour, or `timeoutMs` when that is longer. */
  readonly maxTotalTimeoutMs?: number
  /** Hears of the task that a call has become, whenever its status is looked at. */
  readonly onTask?: (task: Task) => void
  /** Asks the server for progress and hears of it; progress also sets the waiting time back. */
  readonly onProgress?: (progress: Progress) => void
}

/** What a request for one page of a list takes. */
export interface ListOptions extends RequestOptions {
  /** Where to go on: `nextCursor` of the page before. Absent: the first page. */
  readonly cursor?: string
}
