import { isObject } from '../jsonrpc/message.ts'
import { boundSchema, isSwiftPattern } from './bounded-schema.ts'
import { draftOf } from './json-schema-draft.ts'
import type { ToolOutputSchema } from '../protocol/tools.ts'

/** Says what is wrong with a value; undefined for one that fits. */
export type JsonSchemaValidator = (value: unknown) => string | undefined

/** Larger schemas are not applied: the judgement would cost more than it is worth. */
const MAX_SCHEMA_LENGTH = 256 * 1024
const MAX_SCHEMA_DEPTH = 64

/**
 * Makes the validator of a schema that is not trusted, such as a tool's output schema: 2020-12 unless `$schema` says draft-07 or another that is
 * known. References out of the schema are never fetched, and make it unusable, as an unknown `$schema`, its size or depth may; undefined then
 * (R-SCHEMA-1).
 */
export async function createJsonSchemaValidator(schema: ToolOutputSchema): Promise<JsonSchemaValidator | undefined> {
  const draft = draftOf(schema.$schema)
  if (draft === undefined || !isUsable(schema, 0) || JSON.stringify(schema).length > MAX_SCHEMA_LENGTH) return undefined
  const { Validator } = await import('@cfworker/json-schema')
  try {
    const bounded = boundSchema(structuredClone(schema) as object)
    const validator = new Validator(bounded.schema, draft)
    return value => {
      if (!bounded.begin(value)) return undefined
      const { valid, errors } = judge(validator, value)
      // The innermost finding is the last, and the most telling.
      const finding = errors.at(-1)
      return valid ? undefined : `${finding?.instanceLocation ?? '#'}: ${finding?.error ?? 'does not fit'}`
    }
  } catch {
    return undefined
  }
}

/** A schema that cannot be applied, for it refers to nothing, says nothing about a value. */
function judge(
  validator: {
    validate(value: unknown): { valid: boolean; errors: readonly { instanceLocation: string; error: string }[] }
  },
  value: unknown,
): ReturnType<typeof validator.validate> {
  try {
    return validator.validate(value)
  } catch {
    return { valid: true, errors: [] }
  }
}

/** Whether nothing in the schema leads out of it, it is not too deep, and none of its regular expressions can be made to try for ever. */
function isUsable(node: unknown, depth: number): boolean {
  if (depth > MAX_SCHEMA_DEPTH) return false
  if (Array.isArray(node)) return node.every(each => isUsable(each, depth + 1))
  if (!isObject(node)) return true
  for (const name of ['$ref', '$dynamicRef']) {
    const reference = Object.hasOwn(node, name) ? node[name] : undefined
    if (typeof reference === 'string' && !reference.startsWith('#')) return false
  }
  const { pattern, patternProperties } = node as { readonly pattern?: unknown; readonly patternProperties?: unknown }
  const patterns = isObject(patternProperties) ? Object.keys(patternProperties) : []
  if (typeof pattern === 'string') patterns.push(pattern)
  return patterns.every(isSwiftPattern) && Object.values(node).every(each => isUsable(each, depth + 1))
}
