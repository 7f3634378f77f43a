import type { RequestId } from '../jsonrpc/message.ts'
import type { NotificationParams } from './message.ts'

/** Parameters of `notifications/cancelled`. `requestId` may only be absent in 2025-11-25, for tasks. */
export interface CancelledNotificationParams extends NotificationParams {
  readonly requestId?: RequestId
  /** For logs and display. */
  readonly reason?: string
}
