import type { RequestId } from '../jsonrpc/message.ts'
import type { NotificationParams, RequestParams, Result } from './message.ts'
import type { ResultMetaObject } from './meta.ts'

/** The notifications a client opts in to. Since 2026-07-28. */
export interface SubscriptionFilter {
  readonly toolsListChanged?: boolean
  readonly promptsListChanged?: boolean
  readonly resourcesListChanged?: boolean
  /** Resources whose updates are wanted. */
  readonly resourceSubscriptions?: readonly string[]
}

/** Parameters of `subscriptions/listen`. Since 2026-07-28. */
export interface SubscriptionsListenRequestParams extends RequestParams {
  readonly notifications: SubscriptionFilter
}

/** Parameters of `notifications/subscriptions/acknowledged`, the first message of a subscription. Since 2026-07-28. */
export interface SubscriptionsAcknowledgedNotificationParams extends NotificationParams {
  /** The part of the wish that the server honours. */
  readonly notifications: SubscriptionFilter
}

/** `_meta` of the result that ends a subscription. */
export interface SubscriptionsListenResultMetaObject extends ResultMetaObject {
  readonly 'io.modelcontextprotocol/subscriptionId'?: RequestId
}

/** The graceful end of a subscription. Since 2026-07-28. */
export interface SubscriptionsListenResult extends Result {
  readonly _meta?: SubscriptionsListenResultMetaObject
}
