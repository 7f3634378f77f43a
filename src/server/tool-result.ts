import { INTERNAL_ERROR, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import type { ContentBlock } from '../protocol/content.ts'
import type { CallToolResult } from '../protocol/tools.ts'
import { isContentBlock, text } from './content.ts'
import { ToolError } from './errors.ts'
import type { CompiledSchema } from './schema.ts'

/**
 * What a tool's return value becomes. A string is text, a content block or a list of them the content, an object with a `content` list the whole
 * result; with an output schema, and for any other value, the value is the structured content, with its JSON as text for clients that read only
 * that. Nothing gives no content.
 *
 * @throws {RpcError} the value does not fit the output schema, or is not JSON
 */
export async function toToolResult(value: unknown, output: CompiledSchema | undefined): Promise<CallToolResult> {
  if (isFullResult(value)) {
    const isChecked = output !== undefined && value.isError !== true && value.structuredContent !== undefined
    return isChecked ? { ...value, structuredContent: await checked(value.structuredContent, output) } : value
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
  const json = JSON.stringify(value) as string | undefined
  if (json === undefined) throw new RpcError(INTERNAL_ERROR, 'The tool returned something that JSON cannot carry')
  return { content: [text(json)], structuredContent: value }
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
  return isObject(value) && Array.isArray(value['content']) && value['content'].every(isContentBlock)
}

function isContent(value: unknown): value is ContentBlock | string {
  return typeof value === 'string' || isContentBlock(value)
}

function toBlock(value: ContentBlock | string): ContentBlock {
  return typeof value === 'string' ? text(value) : value
}
