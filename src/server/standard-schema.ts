import { isObject } from '../jsonrpc/message.ts'
import type { JsonSchema } from '../schema/json-schema.ts'
import type { StandardIssue, StandardResult, StandardSchemaWithJson } from '../schema/standard-schema.ts'
import type { CompiledSchema, SchemaVerdict } from './schema.ts'
import { MAX_ISSUES, schemaIssue } from './schema-issue.ts'

/** What makes the schemas of a library say themselves as JSON Schema. */
const REMEDIES: Readonly<Record<string, string>> = {
  zod: "use zod 4.2 or later, and import from 'zod' rather than 'zod/mini' or 'zod/v3'",
  valibot: 'wrap it in toStandardJsonSchema() of @valibot/to-json-schema',
  arktype: 'use arktype 2.1.28 or later',
}

/**
 * Prepares a Standard Schema for use.
 *
 * @throws {TypeError} it cannot say itself as JSON Schema
 */
export function compileStandardSchema(
  schema: StandardSchemaWithJson,
  { side, what }: { readonly side: 'input' | 'output'; readonly what: string },
): CompiledSchema {
  const standard = schema['~standard']
  const json = toJson(standard, side, what)
  return {
    json,
    validate: value => {
      const result = standard.validate(value)
      return isPromise(result) ? result.then(toVerdict) : toVerdict(result)
    },
  }
}

function toJson(standard: StandardSchemaWithJson['~standard'], side: 'input' | 'output', what: string): JsonSchema {
  const { vendor, validate, jsonSchema } = standard as Partial<typeof standard>
  if (typeof validate !== 'function') throw new TypeError(`The schema of ${what} has no validate function`)
  if (typeof jsonSchema?.[side] !== 'function') {
    const remedy = REMEDIES[String(vendor)] ?? 'use a version of the library that implements Standard JSON Schema'
    throw new TypeError(
      `The schema of ${what}, made with ${vendor}, cannot say itself as JSON Schema: ${remedy}, or give JSON Schema (https://standardschema.dev/json-schema)`,
    )
  }
  const json = convert(() => jsonSchema[side]({ target: 'draft-2020-12' }), what)
  if (!isObject(json))
    throw new TypeError(`The schema of ${what}, made with ${vendor}, gives no object as its JSON Schema`)
  return json
}

function convert(make: () => unknown, what: string): unknown {
  try {
    return make()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TypeError(
      `The schema of ${what} cannot be said as JSON Schema: ${reason}. Use types that JSON has, and for the result of a transform say what comes out, as with .pipe() in zod`,
      { cause: error },
    )
  }
}

function toVerdict(result: StandardResult<unknown>): SchemaVerdict {
  if (!result.issues) return { ok: true, value: result.value }
  return { ok: false, issues: result.issues.slice(0, MAX_ISSUES).map(toIssue) }
}

function toIssue({ path = [], message }: StandardIssue): ReturnType<typeof schemaIssue> {
  return schemaIssue(
    path.map(step => (typeof step === 'object' ? step.key : step)),
    message,
  )
}

function isPromise<Value>(result: Value | Promise<Value>): result is Promise<Value> {
  return typeof (result as { readonly then?: unknown }).then === 'function'
}
