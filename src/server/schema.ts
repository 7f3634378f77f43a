import { isObject } from '../jsonrpc/message.ts'
import type { JsonSchema } from '../schema/json-schema.ts'
import type { StandardSchemaWithJson } from '../schema/standard-schema.ts'
import { isDeeperThan } from '../schema/value-size.ts'
import { compileJsonSchema } from './json-schema.ts'
import { refusal } from './schema-issue.ts'
import { compileStandardSchema } from './standard-schema.ts'

/** Levels that a value may be nested in: schemas that refer to themselves follow a value as deep as it goes. */
const MAX_VALUE_DEPTH = 100

/** A schema that an author gives: a Standard Schema that can say itself as JSON Schema, or raw JSON Schema. */
export type SchemaInput<Output = unknown> = StandardSchemaWithJson<Output> | JsonSchema

/** What a schema lets through: a Standard Schema's output; members of any kind for raw JSON Schema. */
export type InferOutput<Schema> = Schema extends {
  readonly '~standard': { readonly types?: { readonly output: infer Output } | undefined }
}
  ? Output
  : Readonly<Record<string, unknown>>

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  /** Where: such as `items[2].name`; empty for the root. */
  readonly path: string
  readonly message: string
}

/** The judgement of a value: as the schema makes it, or what is wrong, in at most 10 issues. */
export type SchemaVerdict =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly SchemaIssue[] }

/** A schema ready for use. */
export interface CompiledSchema {
  /** For the wire. Raw JSON Schema is the very object that the author gave. */
  readonly json: JsonSchema
  /**
   * Judges a value from outside. The value that is let through is what the schema makes of it: with defaults, transformed. A promise only where
   * the schema itself judges asynchronously. Throws only what the author's own code in a Standard Schema throws.
   */
  validate(value: unknown): SchemaVerdict | Promise<SchemaVerdict>
}

/**
 * Makes a schema ready for use, once, when something is registered with it: says it as JSON Schema, and finds what is wrong with it. Raw JSON
 * Schema is 2020-12, or what `$schema` says, back to draft-04, and no other dialect; references out of it are never fetched (R-SCHEMA-1).
 * Where it has `uniqueItems`, values of more than 2000 members in all are refused. With the side `output` the JSON Schema is of what comes out of
 * the schema, and the value let through is the one to send.
 *
 * @param options `what`: such as `the input of tool "x"`, for messages
 * @throws {TypeError} the schema cannot be used; the message says what to do
 */
export function compileSchema(
  schema: SchemaInput,
  options: { readonly side: 'input' | 'output'; readonly what: string },
): CompiledSchema {
  const { json, validate } = compile(schema, options)
  return {
    json,
    validate: value =>
      isDeeperThan(value, MAX_VALUE_DEPTH)
        ? refusal(`nested too deep, expected at most ${MAX_VALUE_DEPTH} levels`)
        : validate(value),
  }
}

/** Whether a JSON Schema says at its root that it is about an object, as the input of a tool must. */
export function isObjectSchema(json: JsonSchema): boolean {
  return json['type'] === 'object'
}

function compile(schema: unknown, options: Parameters<typeof compileSchema>[1]): CompiledSchema {
  if (isStandardSchema(schema)) return compileStandardSchema(schema, options)
  if (isObject(schema)) {
    // The shape of an object, as other SDKs take it. As JSON Schema it would let everything through.
    if (Object.values(schema).some(isStandardSchema))
      throw new TypeError(`The schema of ${options.what} is a record of schemas: wrap it, as in z.object({…})`)
    return compileJsonSchema(schema, options)
  }
  throw new TypeError(
    `The schema of ${options.what} is neither a Standard Schema nor JSON Schema: expected an object such as z.object({…}) or { type: 'object', … }`,
  )
}

/** Some libraries make functions, or instances of classes. */
function isStandardSchema(schema: unknown): schema is StandardSchemaWithJson {
  const mayHaveMembers = typeof schema === 'function' || (typeof schema === 'object' && schema !== null)
  return mayHaveMembers && '~standard' in schema && isObject(schema['~standard'])
}
