import type { AudioContent, ContentBlock, ImageContent, Role, TextContent } from './content.ts'
import type { JSONObject } from './json.ts'
import type { RequestParams, Result } from './message.ts'
import type { MetaObject } from './meta.ts'
import type { Tool } from './tools.ts'

/** A model's wish to call a tool. Since 2025-11-25. */
export interface ToolUseContent {
  readonly type: 'tool_use'
  readonly id: string
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
  readonly _meta?: MetaObject
}

/** The answer to a model's tool call. Since 2025-11-25. */
export interface ToolResultContent {
  readonly type: 'tool_result'
  readonly toolUseId: string
  readonly content: readonly ContentBlock[]
  readonly structuredContent?: unknown
  /** Default false. */
  readonly isError?: boolean
  readonly _meta?: MetaObject
}

/** One piece of a sampled message. */
export type SamplingMessageContentBlock = TextContent | ImageContent | AudioContent | ToolUseContent | ToolResultContent

/** A message to or from a model. */
export interface SamplingMessage {
  readonly role: Role
  /** An array only since 2025-11-25. */
  readonly content: SamplingMessageContentBlock | readonly SamplingMessageContentBlock[]
  /** Since 2025-11-25. */
  readonly _meta?: MetaObject
}

/** A model the server would like. */
export interface ModelHint {
  /** Matches any model whose name contains it. */
  readonly name?: string
}

/** What matters to the server in the choice of a model; each priority from 0 to 1. */
export interface ModelPreferences {
  /** In order of preference. */
  readonly hints?: readonly ModelHint[]
  readonly costPriority?: number
  readonly speedPriority?: number
  readonly intelligencePriority?: number
}

/** How the model may use tools. Since 2025-11-25. */
export interface ToolChoice {
  /** Default `auto`. */
  readonly mode?: 'auto' | 'required' | 'none'
}

/** Parameters of `sampling/createMessage`. Deprecated by the protocol. */
export interface CreateMessageRequestParams extends RequestParams {
  readonly messages: readonly SamplingMessage[]
  readonly maxTokens: number
  readonly modelPreferences?: ModelPreferences
  readonly systemPrompt?: string
  /** Default `none`; the others are deprecated. */
  readonly includeContext?: 'none' | 'thisServer' | 'allServers'
  readonly temperature?: number
  readonly stopSequences?: readonly string[]
  /** For the model's provider. */
  readonly metadata?: JSONObject
  /** Since 2025-11-25; only when the client declares `sampling.tools`. */
  readonly tools?: readonly Tool[]
  /** Since 2025-11-25; only when the client declares `sampling.tools`. */
  readonly toolChoice?: ToolChoice
}

/** The server asks for a model's answer: a request of its own until 2025-11-25, an input request since. */
export interface CreateMessageRequest {
  readonly method: 'sampling/createMessage'
  readonly params: CreateMessageRequestParams
}

/** A model's answer. */
export interface CreateMessageResult extends Result, SamplingMessage {
  readonly _meta?: MetaObject
  readonly model: string
  /** `endTurn`, `stopSequence`, `maxTokens`, `toolUse` (since 2025-11-25), or a provider's own. */
  readonly stopReason?: string
}
