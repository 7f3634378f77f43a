import type { CacheableResult } from './caching.ts'
import type { ContentBlock } from './content.ts'
import type { BaseMetadata, Icons } from './implementation.ts'
import type { InputResponseRequestParams } from './input-required.ts'
import type { MetaObject } from './meta.ts'
import type { PaginatedResult } from './pagination.ts'
import type { Result } from './message.ts'

/** The JSON Schema of a tool's arguments: 2020-12 unless `$schema` says otherwise, and an object at its root. */
export interface ToolInputSchema {
  readonly type: 'object'
  readonly $schema?: string
  readonly properties?: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
  readonly [keyword: string]: unknown
}

/** The JSON Schema of a tool's structured result. An object at its root until 2025-11-25, anything since 2026-07-28. */
export interface ToolOutputSchema {
  readonly type?: unknown
  readonly $schema?: string
  readonly [keyword: string]: unknown
}

/** What a tool says about its behaviour. Since 2025-03-26. Hints only: never trust those of an untrusted server. */
export interface ToolAnnotations {
  readonly title?: string
  /** The tool changes nothing. Default false. */
  readonly readOnlyHint?: boolean
  /** The tool may destroy something. Default true; of no meaning for a read-only tool. */
  readonly destructiveHint?: boolean
  /** Calling twice with the same arguments changes nothing more. Default false; of no meaning for a read-only tool. */
  readonly idempotentHint?: boolean
  /** The tool reaches beyond a closed domain. Default true. */
  readonly openWorldHint?: boolean
}

/** How a tool may be run. Only in 2025-11-25; tasks are an extension since. */
export interface ToolExecution {
  /** Whether a call may, must or must not ask for a task. Default `forbidden`. */
  readonly taskSupport?: 'forbidden' | 'optional' | 'required'
}

/** A tool the client can call. Displayed as `title`, else `annotations.title`, else `name`. */
export interface Tool extends BaseMetadata, Icons {
  readonly description?: string
  readonly inputSchema: ToolInputSchema
  /** Since 2025-06-18. */
  readonly outputSchema?: ToolOutputSchema
  readonly annotations?: ToolAnnotations
  /** Only in 2025-11-25. */
  readonly execution?: ToolExecution
  /** Since 2025-06-18. */
  readonly _meta?: MetaObject
}

/** One page of the server's tools. */
export interface ListToolsResult extends PaginatedResult, CacheableResult {
  readonly tools: readonly Tool[]
}

/** Parameters of `tools/call`. */
export interface CallToolRequestParams extends InputResponseRequestParams {
  readonly name: string
  readonly arguments?: Readonly<Record<string, unknown>>
}

/** What a tool answered. */
export interface CallToolResult extends Result {
  readonly content: readonly ContentBlock[]
  /** Conforms to the tool's `outputSchema`. An object since 2025-06-18, any JSON value since 2026-07-28. */
  readonly structuredContent?: unknown
  /** The tool ran and failed; `content` says how. Default false. */
  readonly isError?: boolean
}
