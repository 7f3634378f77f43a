import type { CacheableResult } from './caching.ts'
import type { ContentBlock, Role } from './content.ts'
import type { BaseMetadata, Icons } from './implementation.ts'
import type { InputResponseRequestParams } from './input-required.ts'
import type { MetaObject } from './meta.ts'
import type { PaginatedResult } from './pagination.ts'
import type { Result } from './message.ts'

/** An argument that a prompt accepts. */
export interface PromptArgument extends BaseMetadata {
  readonly description?: string
  /** Default false. */
  readonly required?: boolean
}

/** A prompt or prompt template the server offers. */
export interface Prompt extends BaseMetadata, Icons {
  readonly description?: string
  readonly arguments?: readonly PromptArgument[]
  /** Since 2025-06-18. */
  readonly _meta?: MetaObject
}

/** One message of a prompt. */
export interface PromptMessage {
  readonly role: Role
  readonly content: ContentBlock
}

/** One page of the server's prompts. */
export interface ListPromptsResult extends PaginatedResult, CacheableResult {
  readonly prompts: readonly Prompt[]
}

/** Parameters of `prompts/get`. */
export interface GetPromptRequestParams extends InputResponseRequestParams {
  readonly name: string
  readonly arguments?: Readonly<Record<string, string>>
}

/** A prompt, filled in. */
export interface GetPromptResult extends Result {
  readonly description?: string
  readonly messages: readonly PromptMessage[]
}
