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
 * that. Nothing gives no content; what JSON would turn into nothing (a Map, an Error, a Response), or bytes into numbers, is refused. All of it is data: that a value says `resultType` makes it no question and no task.
 *
 * @throws {RpcError} the value does not fit the output schema, or is not JSON
 */
export async function toToolResult(
  name: string,
  value: unknown,
  output: CompiledSchema | undefined,
): Promise<CallToolResult> {
  if (isFullResult(value)) {
    const result = asComplete(value)
    if (output === undefined || result.isError === true) return result
    return { ...result, structuredContent: await checked(name, result.structuredContent, output) }
  }
  if (output) return structured(name, await checked(name, value, output))
  if (value === undefined || value === null) return { content: [] }
  if (typeof value === 'string') return { content: [text(value)] }
  if (isContentBlock(value)) return { content: [value] }
  if (Array.isArray(value) && value.length > 0 && value.every(isContent)) return { content: value.map(toBlock) }
  return structured(name, value)
}

/** A result that says that the tool failed, in words that the client may read. */
export function toToolFailure(error: unknown): CallToolResult {
  const message = error instanceof ToolError ? error.message : 'The tool failed for a reason of its own'
  return { content: [text(message)], isError: true }
}

function structured(name: string, value: unknown): CallToolResult {
  return { content: [text(toJson(name, value))], structuredContent: value }
}

function toJson(name: string, value: unknown): string {
  let json: string | undefined
  let cause: unknown
  try {
    json = JSON.stringify(value) as string | undefined
  } catch (error) {
    cause = error
  }
  if (json !== undefined && !isLost(value, json)) return json
  const why = cause instanceof Error ? cause.message : `it is ${Object.prototype.toString.call(value)}`
  throw new RpcError(INTERNAL_ERROR, 'The tool returned something that JSON cannot carry', {
    cause: new TypeError(`The tool ${name} returned something that JSON cannot carry: ${why}`, { cause }),
  })
}

/** Maps, errors, responses and the like have nothing that JSON would write; bytes become an object of numbers. */
function isLost(value: unknown, json: string): boolean {
  if (ArrayBuffer.isView(value)) return true
  return json === '{}' && Object.prototype.toString.call(value) !== '[object Object]'
}

async function checked(name: string, value: unknown, output: CompiledSchema): Promise<unknown> {
  const verdict = await output.validate(value)
  if (verdict.ok) return verdict.value
  const [issue] = verdict.issues
  const why = `${issue?.path || 'the result'}: ${issue?.message ?? 'does not fit'}`
  throw new RpcError(INTERNAL_ERROR, 'The tool returned what its output schema does not allow', {
    cause: new TypeError(`The tool ${name} returned what its output schema does not allow: ${why}`),
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
