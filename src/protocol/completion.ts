import type { BaseMetadata } from './implementation.ts'
import type { RequestParams, Result } from './message.ts'

/** Names a prompt whose argument is to be completed. */
export interface PromptReference extends BaseMetadata {
  readonly type: 'ref/prompt'
}

/** Names a resource template whose variable is to be completed. Called `ResourceReference` until 2025-03-26. */
export interface ResourceTemplateReference {
  readonly type: 'ref/resource'
  readonly uri: string
}

/** Parameters of `completion/complete`. */
export interface CompleteRequestParams extends RequestParams {
  readonly ref: PromptReference | ResourceTemplateReference
  readonly argument: { readonly name: string; readonly value: string }
  /** Variables that already have a value. Since 2025-06-18. */
  readonly context?: { readonly arguments?: Readonly<Record<string, string>> }
}

/** Suggestions for an argument. */
export interface CompleteResult extends Result {
  readonly completion: {
    /** At most 100. */
    readonly values: readonly string[]
    /** How many there are in all. */
    readonly total?: number
    readonly hasMore?: boolean
  }
}
