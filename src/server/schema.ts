import type { JsonSchema } from '../schema/json-schema.ts'
import type { StandardSchemaWithJson } from '../schema/standard-schema.ts'

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
  /** Never throws. A promise only where the schema itself judges asynchronously. */
  validate(value: unknown): SchemaVerdict | Promise<SchemaVerdict>
}
