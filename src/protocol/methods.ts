import type { CancelledNotificationParams } from './cancellation.ts'
import type { CompleteRequestParams, CompleteResult } from './completion.ts'
import type { DiscoverResult } from './discover.ts'
import type { ElicitationCompleteNotificationParams, ElicitRequestParams, ElicitResult } from './elicitation.ts'
import type { InitializeRequestParams, InitializeResult } from './initialize.ts'
import type { LoggingMessageNotificationParams, SetLevelRequestParams } from './logging.ts'
import type { EmptyResult, NotificationParams, RequestParams } from './message.ts'
import type { PaginatedRequestParams } from './pagination.ts'
import type { ProgressNotificationParams } from './progress.ts'
import type { GetPromptResult, GetPromptRequestParams, ListPromptsResult } from './prompts.ts'
import type {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
  ReadResourceRequestParams,
  ResourceUpdatedNotificationParams,
  SubscribeRequestParams,
  UnsubscribeRequestParams,
} from './resources.ts'
import type { RevisionFamilyName } from './revisions.ts'
import type { ListRootsResult } from './roots.ts'
import type { CreateMessageRequestParams, CreateMessageResult } from './sampling.ts'
import type {
  SubscriptionsAcknowledgedNotificationParams,
  SubscriptionsListenRequestParams,
  SubscriptionsListenResult,
} from './subscriptions.ts'
import type { CallToolResult, CallToolRequestParams, ListToolsResult } from './tools.ts'

/** The requests a client sends: parameters and what the server finally answers, by method. @see INPUT_REQUIRED_METHODS */
export interface ClientRequests {
  readonly initialize: { readonly params: InitializeRequestParams; readonly result: InitializeResult }
  readonly ping: { readonly params: RequestParams; readonly result: EmptyResult }
  readonly 'server/discover': { readonly params: RequestParams; readonly result: DiscoverResult }
  readonly 'tools/list': { readonly params: PaginatedRequestParams; readonly result: ListToolsResult }
  readonly 'tools/call': { readonly params: CallToolRequestParams; readonly result: CallToolResult }
  readonly 'resources/list': { readonly params: PaginatedRequestParams; readonly result: ListResourcesResult }
  readonly 'resources/templates/list': {
    readonly params: PaginatedRequestParams
    readonly result: ListResourceTemplatesResult
  }
  readonly 'resources/read': { readonly params: ReadResourceRequestParams; readonly result: ReadResourceResult }
  readonly 'resources/subscribe': { readonly params: SubscribeRequestParams; readonly result: EmptyResult }
  readonly 'resources/unsubscribe': { readonly params: UnsubscribeRequestParams; readonly result: EmptyResult }
  readonly 'prompts/list': { readonly params: PaginatedRequestParams; readonly result: ListPromptsResult }
  readonly 'prompts/get': { readonly params: GetPromptRequestParams; readonly result: GetPromptResult }
  readonly 'completion/complete': { readonly params: CompleteRequestParams; readonly result: CompleteResult }
  readonly 'logging/setLevel': { readonly params: SetLevelRequestParams; readonly result: EmptyResult }
  readonly 'subscriptions/listen': {
    readonly params: SubscriptionsListenRequestParams
    readonly result: SubscriptionsListenResult
  }
}

/** The requests a server sends. Only in the handshake family; later they are input requests. */
export interface ServerRequests {
  readonly ping: { readonly params: RequestParams; readonly result: EmptyResult }
  readonly 'roots/list': { readonly params: RequestParams; readonly result: ListRootsResult }
  readonly 'sampling/createMessage': {
    readonly params: CreateMessageRequestParams
    readonly result: CreateMessageResult
  }
  readonly 'elicitation/create': { readonly params: ElicitRequestParams; readonly result: ElicitResult }
}

/** The notifications a client sends: parameters by method. */
export interface ClientNotifications {
  readonly 'notifications/initialized': NotificationParams
  readonly 'notifications/cancelled': CancelledNotificationParams
  readonly 'notifications/progress': ProgressNotificationParams
  readonly 'notifications/roots/list_changed': NotificationParams
}

/** The notifications a server sends: parameters by method. */
export interface ServerNotifications {
  readonly 'notifications/cancelled': CancelledNotificationParams
  readonly 'notifications/progress': ProgressNotificationParams
  readonly 'notifications/message': LoggingMessageNotificationParams
  readonly 'notifications/tools/list_changed': NotificationParams
  readonly 'notifications/prompts/list_changed': NotificationParams
  readonly 'notifications/resources/list_changed': NotificationParams
  readonly 'notifications/resources/updated': ResourceUpdatedNotificationParams
  readonly 'notifications/elicitation/complete': ElicitationCompleteNotificationParams
  readonly 'notifications/subscriptions/acknowledged': SubscriptionsAcknowledgedNotificationParams
}

/** A method that a client may ask of a server. */
export type ClientRequestMethod = keyof ClientRequests

/** A method that a server may ask of a client. */
export type ServerRequestMethod = keyof ServerRequests

/** A notification that a client may send. */
export type ClientNotificationMethod = keyof ClientNotifications

/** A notification that a server may send. */
export type ServerNotificationMethod = keyof ServerNotifications

type RequestOf<Requests> = {
  [Method in keyof Requests]: Requests[Method] extends { params: infer Params } ? Message<Method, Params> : never
}[keyof Requests]
type NotificationOf<Notifications> = {
  [Method in keyof Notifications]: Message<Method, Notifications[Method]>
}[keyof Notifications]
type Message<Method, Params> =
  Record<string, never> extends Params
    ? { readonly method: Method; readonly params?: Params }
    : { readonly method: Method; readonly params: Params }

/** Any request of a client, without its envelope. */
export type ClientRequest = RequestOf<ClientRequests>

/** Any request of a server, without its envelope. */
export type ServerRequest = RequestOf<ServerRequests>

/** Any notification of a client, without its envelope. */
export type ClientNotification = NotificationOf<ClientNotifications>

/** Any notification of a server, without its envelope. */
export type ServerNotification = NotificationOf<ServerNotifications>

type Families = readonly RevisionFamilyName[]
const both: Families = ['handshake', 'stateless']
const handshake: Families = ['handshake']
const stateless: Families = ['stateless']

/** In which families a client may send a request. */
export const CLIENT_REQUEST_FAMILIES: Readonly<Record<ClientRequestMethod, Families>> = {
  initialize: handshake,
  ping: handshake,
  'server/discover': stateless,
  'tools/list': both,
  'tools/call': both,
  'resources/list': both,
  'resources/templates/list': both,
  'resources/read': both,
  'resources/subscribe': handshake,
  'resources/unsubscribe': handshake,
  'prompts/list': both,
  'prompts/get': both,
  'completion/complete': both,
  'logging/setLevel': handshake,
  'subscriptions/listen': stateless,
}

/** In which families a server may send a request. */
export const SERVER_REQUEST_FAMILIES: Readonly<Record<ServerRequestMethod, Families>> = {
  ping: handshake,
  'roots/list': handshake,
  'sampling/createMessage': handshake,
  'elicitation/create': handshake,
}

/** In which families a client may send a notification. */
export const CLIENT_NOTIFICATION_FAMILIES: Readonly<Record<ClientNotificationMethod, Families>> = {
  'notifications/initialized': handshake,
  'notifications/cancelled': both,
  'notifications/progress': handshake,
  'notifications/roots/list_changed': handshake,
}

/** In which families a server may send a notification. */
export const SERVER_NOTIFICATION_FAMILIES: Readonly<Record<ServerNotificationMethod, Families>> = {
  'notifications/cancelled': both,
  'notifications/progress': both,
  'notifications/message': both,
  'notifications/tools/list_changed': both,
  'notifications/prompts/list_changed': both,
  'notifications/resources/list_changed': both,
  'notifications/resources/updated': both,
  'notifications/elicitation/complete': handshake,
  'notifications/subscriptions/acknowledged': stateless,
}

/** The requests that may be answered with an input-required result. Since 2026-07-28. */
export const INPUT_REQUIRED_METHODS: readonly ClientRequestMethod[] = ['tools/call', 'prompts/get', 'resources/read']
