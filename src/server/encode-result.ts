import { isObject } from '../jsonrpc/message.ts'
import type { ContentBlock } from '../protocol/content.ts'
import type { Implementation } from '../protocol/implementation.ts'
import { SERVER_INFO_META_KEY } from '../protocol/meta.ts'
import type { RevisionFeatures } from '../protocol/revisions.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { Tool } from '../protocol/tools.ts'
import { type CacheHint, cacheHintOf } from './cache-hint.ts'

/** Methods whose results say how long they may be kept. */
const CACHEABLE: readonly string[] = [
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'skills/list',
  'skills/get',
]

/** What results say besides what their methods promise. */
export interface ResultHints {
  readonly serverInfo: Implementation
  /** How long and for whom results may be kept, where they do not say so themselves. */
  readonly cache: Required<CacheHint>
}

/**
 * A result in the words of the client's revision: result types, cache hints and the server's name since 2026-07-28; before, none of these, and no
 * kind of content that the revision does not have. Arguments are not changed.
 */
export function encodeResult(
  method: string,
  result: WireObject,
  features: RevisionFeatures,
  { serverInfo, cache }: ResultHints,
): WireObject {
  if (features.resultType) {
    const { resultType = 'complete', _meta, ...rest } = result
    const isCacheable = resultType === 'complete' && CACHEABLE.includes(method)
    return {
      resultType,
      ...rest,
      ...(isCacheable && cacheHintOf(rest, cache)),
      _meta: { [SERVER_INFO_META_KEY]: serverInfo, ...(isObject(_meta) ? _meta : {}) },
    }
  }
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...rest } = result
  if (method === 'tools/call') return encodeToolResult(rest, features)
  if (method === 'prompts/get' && !hasAllContent(features)) return encodeMessages(rest, features)
  return rest
}

/**
 * A whole result that an author returned, as what it is: the answer. It may be made of data from elsewhere, which must not turn it into a question to
 * the user or a task.
 */
export function asComplete<Result extends object>(result: Result): Omit<Result, 'resultType'> {
  if (!Object.hasOwn(result, 'resultType')) return result
  const { resultType: _claimed, ...rest }: Result & { readonly resultType?: unknown } = result
  return rest
}

/** A tool's entry as the revision can have it. */
export function encodeTool(tool: Tool, features: RevisionFeatures): Tool {
  if (features.structuredOutput === 'any-json' || tool.outputSchema === undefined) return tool
  if (features.structuredOutput === 'object' && tool.outputSchema.type === 'object') return tool
  const { outputSchema: _later, ...rest } = tool
  return rest
}

function encodeToolResult(result: WireObject, features: RevisionFeatures): WireObject {
  const { structuredContent, ...rest } = result
  const isAllowed = features.structuredOutput === 'object' && isObject(structuredContent)
  const encoded = isAllowed ? result : rest
  const { content } = encoded
  if (hasAllContent(features) || !Array.isArray(content)) return encoded
  return { ...encoded, content: content.map((block: ContentBlock) => encodeBlock(block, features)) }
}

function encodeMessages(result: WireObject, features: RevisionFeatures): WireObject {
  const { messages } = result
  if (!Array.isArray(messages)) return result
  const encode = (message: { readonly content: ContentBlock }): object => ({
    ...message,
    content: encodeBlock(message.content, features),
  })
  return { ...result, messages: messages.map(encode) }
}

/** Clients of older revisions take an unknown kind of content for a broken answer. */
function encodeBlock(block: ContentBlock, features: RevisionFeatures): ContentBlock {
  if (block.type === 'audio' && !features.audioContent) return { type: 'text', text: `[audio: ${block.mimeType}]` }
  if (block.type === 'resource_link' && !features.resourceLinks)
    return { type: 'text', text: `[${block.title ?? block.name}](${block.uri})` }
  return block
}

function hasAllContent(features: RevisionFeatures): boolean {
  return features.audioContent && features.resourceLinks
}
