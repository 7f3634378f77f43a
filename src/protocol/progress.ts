import type { NotificationParams } from './message.ts'

/** Ties progress notifications to the request that asked for them. */
export type ProgressToken = string | number

/** How far a request has come. */
export interface Progress {
  /** Grows with every notification. */
  readonly progress: number
  /** What `progress` will be at the end, if known. */
  readonly total?: number
  /** Since 2025-03-26. */
  readonly message?: string
}

/** Parameters of `notifications/progress`. */
export interface ProgressNotificationParams extends NotificationParams, Progress {
  readonly progressToken: ProgressToken
}
