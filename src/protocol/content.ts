import type { MetaObject } from './meta.ts'
import type { BlobResourceContents, Resource, TextResourceContents } from './resources.ts'

/** The sender or recipient of a message in a conversation. */
export type Role = 'user' | 'assistant'

/** Hints on how an object is meant to be used or shown. */
export interface Annotations {
  readonly audience?: readonly Role[]
  /** From 0, entirely optional, to 1, effectively required. */
  readonly priority?: number
  /** ISO 8601. Since 2025-06-18. */
  readonly lastModified?: string
}

interface AnnotatedContent {
  readonly annotations?: Annotations
  /** Since 2025-06-18. */
  readonly _meta?: MetaObject
}

/** Text to or from a model. */
export interface TextContent extends AnnotatedContent {
  readonly type: 'text'
  readonly text: string
}

/** An image to or from a model. */
export interface ImageContent extends AnnotatedContent {
  readonly type: 'image'
  /** Base64. */
  readonly data: string
  readonly mimeType: string
}

/** Sound to or from a model. Since 2025-03-26. */
export interface AudioContent extends AnnotatedContent {
  readonly type: 'audio'
  /** Base64. */
  readonly data: string
  readonly mimeType: string
}

/** A resource that can be read from the server. Since 2025-06-18. It need not appear in `resources/list`. */
export interface ResourceLink extends Resource {
  readonly type: 'resource_link'
}

/** The contents of a resource, embedded. */
export interface EmbeddedResource extends AnnotatedContent {
  readonly type: 'resource'
  readonly resource: TextResourceContents | BlobResourceContents
}

/** One piece of a tool result or prompt. A later revision may add types: give a `switch` over `type` a default branch. */
export type ContentBlock = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource
