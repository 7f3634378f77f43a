import type { CacheableResult } from './caching.ts'
import type { Annotations } from './content.ts'
import type { BaseMetadata, Icons } from './implementation.ts'
import type { InputResponseRequestParams } from './input-required.ts'
import type { MetaObject } from './meta.ts'
import type { NotificationParams, RequestParams } from './message.ts'
import type { PaginatedResult } from './pagination.ts'

interface ResourceDescription extends BaseMetadata, Icons {
  readonly description?: string
  readonly mimeType?: string
  readonly annotations?: Annotations
  /** Since 2025-06-18. */
  readonly _meta?: MetaObject
}

/** A resource the server can read. */
export interface Resource extends ResourceDescription {
  readonly uri: string
  /** Bytes, before any encoding. */
  readonly size?: number
}

/** A family of resources. */
export interface ResourceTemplate extends ResourceDescription {
  /** @see RFC 6570 */
  readonly uriTemplate: string
}

/** What identifies the contents of a resource. */
export interface ResourceContents {
  readonly uri: string
  readonly mimeType?: string
  /** Since 2025-06-18. */
  readonly _meta?: MetaObject
}

/** A resource, or a part of one, as text. */
export interface TextResourceContents extends ResourceContents {
  readonly text: string
}

/** A resource, or a part of one, as bytes. */
export interface BlobResourceContents extends ResourceContents {
  /** Base64. */
  readonly blob: string
}

/** One page of the server's resources. */
export interface ListResourcesResult extends PaginatedResult, CacheableResult {
  readonly resources: readonly Resource[]
}

/** One page of the server's resource templates. */
export interface ListResourceTemplatesResult extends PaginatedResult, CacheableResult {
  readonly resourceTemplates: readonly ResourceTemplate[]
}

/** What every request about one resource carries. */
export interface ResourceRequestParams extends RequestParams {
  readonly uri: string
}

/** Parameters of `resources/read`. */
export interface ReadResourceRequestParams extends ResourceRequestParams, InputResponseRequestParams {}

/** The contents of a resource; several when the URI names a group. */
export interface ReadResourceResult extends CacheableResult {
  readonly contents: readonly (TextResourceContents | BlobResourceContents)[]
}

/** Parameters of `resources/subscribe`. Until 2025-11-25; then `subscriptions/listen`. */
export type SubscribeRequestParams = ResourceRequestParams

/** Parameters of `resources/unsubscribe`. Until 2025-11-25. */
export type UnsubscribeRequestParams = ResourceRequestParams

/** Parameters of `notifications/resources/updated`. */
export interface ResourceUpdatedNotificationParams extends NotificationParams {
  /** The resource that changed; it may lie beneath the one subscribed to. */
  readonly uri: string
}
