import type { NotificationParams, RequestParams } from './message.ts'

/** Severity of a log message, from the least to the most severe. @see RFC 5424 §6.2.1 */
export const LOGGING_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const

/** Severity of a log message. @see RFC 5424 §6.2.1 */
export type LoggingLevel = (typeof LOGGING_LEVELS)[number]

/** Parameters of `logging/setLevel`. Until 2025-11-25; then `io.modelcontextprotocol/logLevel` in each request's `_meta`. */
export interface SetLevelRequestParams extends RequestParams {
  /** This level and all above it. */
  readonly level: LoggingLevel
}

/** Parameters of `notifications/message`. Deprecated by the protocol. */
export interface LoggingMessageNotificationParams extends NotificationParams {
  readonly level: LoggingLevel
  readonly logger?: string
  /** Any JSON value. */
  readonly data: unknown
}
