import type { Attributes } from '@opentelemetry/api'

/** Names come from the other side, and traces are kept for long. */
const MAX_NAME_LENGTH = 128
const MAX_URI_LENGTH = 1024
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu

/** What both sides know of a call. */
export interface CallDescription {
  readonly method: string
  readonly params: object | undefined
}

/** A call in words of the conventions. */
export interface DescribedCall {
  /** For a span name without its target. */
  readonly method: string
  /** `{method} {tool or prompt}`. URIs are not part of it: there may be too many. */
  readonly spanName: string
  readonly attributes: Attributes
}

/**
 * Describes a call: its method, the tool, prompt or resource it is about, no arguments. Of a URI the user, the query and the fragment are left
 * out, which may be credentials.
 *
 * @see {@link https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md | Semantic conventions for MCP}
 */
export function describeCall(call: CallDescription): DescribedCall {
  const { name, uri } = (call.params ?? {}) as { readonly name?: unknown; readonly uri?: unknown }
  const method = cutName(call.method)
  const isTool = call.method === 'tools/call'
  const target = (isTool || call.method === 'prompts/get') && typeof name === 'string' ? cutName(name) : undefined
  const attributes: Attributes = { 'mcp.method.name': method }
  if (isTool) attributes['gen_ai.operation.name'] = 'execute_tool'
  if (target !== undefined) attributes[isTool ? 'gen_ai.tool.name' : 'gen_ai.prompt.name'] = target
  if (call.method.startsWith('resources/') && typeof uri === 'string') attributes['mcp.resource.uri'] = publicUri(uri)
  return { method, spanName: target === undefined ? method : `${method} ${target}`, attributes }
}

/** A name or id, as it may stand in a trace. */
export function cutName(name: string): string {
  return name.slice(0, MAX_NAME_LENGTH).replace(CONTROL_CHARACTERS, ' ')
}

/** Cut last: half of a password has no `@` behind it. */
function publicUri(uri: string): string {
  const path = uri.split(/[?#]/, 1)[0] ?? ''
  return path
    .replace(/^([^/]*\/\/)[^/]*@/, '$1')
    .slice(0, MAX_URI_LENGTH)
    .replace(CONTROL_CHARACTERS, ' ')
}
