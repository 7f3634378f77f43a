import { isRequestId } from '../jsonrpc/message.ts'
import type { RequestId } from '../jsonrpc/message.ts'
import type { CancelledNotificationParams } from './cancellation.ts'
import { metaObject } from './content-shapes.ts'
import type { ElicitationCompleteNotificationParams } from './elicitation.ts'
import { LOGGING_LEVELS } from './logging.ts'
import type { LoggingMessageNotificationParams } from './logging.ts'
import type { NotificationParams } from './message.ts'
import type { ServerNotificationMethod, ServerNotifications } from './methods.ts'
import type { ProgressNotificationParams } from './progress.ts'
import type { ResourceUpdatedNotificationParams } from './resources.ts'
import { anyObject, boolean, list, mismatch, number, object, oneOf, readShape, string } from './shape.ts'
import type { Shape, ShapeVerdict } from './shape.ts'
import type { SubscriptionFilter, SubscriptionsAcknowledgedNotificationParams } from './subscriptions.ts'

const id: Shape<RequestId> = value => (isRequestId(value) ? value : mismatch('a string or an integer', value))
const meta = { _meta: metaObject }
const changed = object<NotificationParams>({}, {}, meta)

const filter = object<SubscriptionFilter>(
  {},
  {
    toolsListChanged: boolean,
    promptsListChanged: boolean,
    resourcesListChanged: boolean,
    resourceSubscriptions: list(string),
  },
)

const NOTIFICATION_SHAPES: { readonly [Method in ServerNotificationMethod]: Shape<ServerNotifications[Method]> } = {
  'notifications/cancelled': object<CancelledNotificationParams>({}, { requestId: id }, { reason: string, ...meta }),
  'notifications/progress': object<ProgressNotificationParams>(
    { progressToken: id, progress: number },
    {},
    { total: number, message: string, ...meta },
  ),
  'notifications/message': object<LoggingMessageNotificationParams>(
    { level: oneOf(...LOGGING_LEVELS) },
    {},
    { logger: string, ...meta },
  ),
  'notifications/tools/list_changed': changed,
  'notifications/prompts/list_changed': changed,
  'notifications/resources/list_changed': changed,
  'notifications/resources/updated': object<ResourceUpdatedNotificationParams>({ uri: string }, {}, meta),
  'notifications/elicitation/complete': object<ElicitationCompleteNotificationParams>(
    { elicitationId: string },
    {},
    meta,
  ),
  'notifications/subscriptions/acknowledged': object<SubscriptionsAcknowledgedNotificationParams>(
    { notifications: filter },
    {},
    meta,
  ),
}

/** The parameters of a server's notification; of a method the protocol does not know, any object. */
export type ServerNotificationParams<Method extends string> = Method extends ServerNotificationMethod
  ? ServerNotifications[Method]
  : Readonly<Record<string, unknown>>

/** Reads a server's notification; absent parameters count as empty. As lenient as `readResult`. Never throws. */
export function readServerNotification<Method extends string>(
  method: Method,
  params: unknown,
): ShapeVerdict<ServerNotificationParams<Method>> {
  const shape: Shape<unknown> = isServerNotificationMethod(method) ? NOTIFICATION_SHAPES[method] : anyObject()
  return readShape(shape as Shape<ServerNotificationParams<Method>>, params ?? {}, 'params')
}

function isServerNotificationMethod(method: string): method is ServerNotificationMethod {
  return Object.hasOwn(NOTIFICATION_SHAPES, method)
}
