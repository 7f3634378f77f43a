import { INTERNAL_ERROR, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import type { ContentBlock } from '../protocol/content.ts'
import type { CallToolResult } from '../protocol/tools.ts'
import { isContentBlock, text } from './content.ts'
import { asComplete } from './encode-result.ts'
import { ToolError } from './errors.ts'
import type { CompiledSchema } from './schema.ts'

/**
 * What a tool's return value becomes. A string is text, a content block or a list of them the content, an object with a `content` list the whole
 * result; with an output schema, and for any other value, the value is the structured content, with its JSON as text for clients that read only
 * that. Nothing gives no content. All of it is data: that a value says `resultType` makes it no question and no task.
 *
 * @throws {RpcError} the value does not fit the output schema, or is not JSON
 */
export async function toToolResult(value: unknown, output: CompiledSchema | undefined): Promise<CallToolResult> {
  if (isFullResult(value)) {
    const result = asComplete(value)
    if (output === undefined || result.isError === true) return result
    return { ...result, structuredContent: await checked(result.structuredContent, output) }
  }
  if (output) return structured(await checked(value, output))
  if (value === undefined || value === null) return { content: [] }
  if (typeof value === 'string') return { content: [text(value)] }
  if (isContentBlock(value)) return { content: [value] }
  if (Array.isArray(value) && value.length > 0 && value.every(isContent)) return { content: value.map(toBlock) }
  return structured(value)
}

/** A result that says that the tool failed, in words that the client may read. */
export function toToolFailure(error: unknown): CallToolResult {
  const message = error instanceof ToolError ? error.message : 'The tool failed for a reason of its own'
  return { content: [text(message)], isError: true }
}

function structured(value: unknown): CallToolResult {
  return { content: [text(toJson(value))], structuredContent: value }
}

function toJson(value: unknown): string {
  let cause: unknown
  try {
    const json = JSON.stringify(value) as string | undefined
    if (json !== undefined) return json
    cause = new TypeError(`The tool returned a ${typeof value}`)
  } catch (error) {
    cause = error
  }
  throw new RpcError(INTERNAL_ERROR, 'The tool returned something that JSON cannot carry', { cause })
}

async function checked(value: unknown, output: CompiledSchema): Promise<unknown> {
  const verdict = await output.validate(value)
  if (verdict.ok) return verdict.value
  const [issue] = verdict.issues
  throw new RpcError(INTERNAL_ERROR, 'The tool returned what its output schema does not allow', {
    cause: new TypeError(`${issue?.path || 'the result'}: ${issue?.message ?? 'does not fit'}`),
  })
}

function isFullResult(value: unknown): value is CallToolResult {
  if (!isObject(value)) return false
  const { content, isError } = value
  return Array.isArray(content) && content.every(isContentBlock) && ['boolean', 'undefined'].includes(typeof isError)
}

function isContent(value: unknown): value is ContentBlock | string {
  return typeof value === 'string' || isContentBlock(value)
}

function toBlock(value: ContentBlock | string): ContentBlock {
  return typeof value === 'string' ? text(value) : value
}
