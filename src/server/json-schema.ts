import { dereference, type Schema, validate as judge } from '@cfworker/json-schema'
import { isObject } from '../jsonrpc/message.ts'
import { MAX_COMPARED } from '../schema/bounded-schema.ts'
import type { JsonSchema } from '../schema/json-schema.ts'
import { draftOf } from '../schema/json-schema-draft.ts'
import { isLargerThan, mentions } from '../schema/value-size.ts'
import { toIssues } from './json-schema-issues.ts'
import type { CompiledSchema, SchemaVerdict } from './schema.ts'
import { refusal } from './schema-issue.ts'

/** Of a larger value only the first thing that is wrong is told: a million wrong items must not become a million findings. */
const MAX_EXPLAINED = 10_000

/** Subschemas by their absolute addresses, as the validator looks them up. */
type Lookup = Readonly<Record<string, Schema | boolean>>

/**
 * Prepares raw JSON Schema for use. Its `pattern`s are the author's own risk: they are applied to text of any length that the message may have.
 *
 * @throws {TypeError} it is not JSON, is of a draft that is not known, refers to what is not in it, or has a pattern that is no regular expression
 */
export function compileJsonSchema(
  schema: JsonSchema,
  { side, what }: { readonly side: 'input' | 'output'; readonly what: string },
): CompiledSchema {
  const draft = draftOf(schema.$schema)
  if (draft === undefined)
    throw new TypeError(
      `The schema of ${what} is of a draft that is not known: $schema should be https://json-schema.org/draft/2020-12/schema, or that of 2019-09, draft-07, draft-06 or draft-04; received ${JSON.stringify(schema.$schema)}`,
    )
  // The validator leaves its marks on what it reads, and the author's object goes out as it is.
  const own = copyOf(schema, what)
  const lookup = resolve(own, what)
  const compares = mentions(own, 'uniqueItems')

  const check = (value: unknown): SchemaVerdict => {
    if (value === undefined) return refusal('expected a value, received nothing')
    if (compares && isLargerThan(value, MAX_COMPARED))
      return refusal(`too large to look for duplicates in: expected at most ${MAX_COMPARED} values in all`)
    try {
      const quick = judge(value, own, draft, lookup, true)
      if (quick.valid) return { ok: true, value }
      const full = isLargerThan(value, MAX_EXPLAINED) ? quick : judge(value, own, draft, lookup, false)
      return { ok: false, issues: toIssues(full.errors, { schema: own, lookup, value }) }
    } catch (error) {
      // What has no place in an address: half a character in a name.
      if (error instanceof URIError) return refusal('expected names of members in well-formed Unicode')
      return refusal('cannot be judged by the schema: expected nothing but JSON')
    }
  }
  return { json: schema, validate: side === 'input' ? check : value => checkCarried(value, check) }
}

/** What a handler returns is judged as JSON carries it when it does not fit as it is: without undefined members, dates as text. */
function checkCarried(value: unknown, check: (value: unknown) => SchemaVerdict): SchemaVerdict {
  const verdict = check(value)
  if (verdict.ok || typeof value !== 'object') return verdict
  try {
    return check(JSON.parse(JSON.stringify(value)))
  } catch {
    return refusal('expected a value that JSON can carry')
  }
}

function copyOf(schema: JsonSchema, what: string): Schema {
  try {
    return JSON.parse(JSON.stringify(schema)) as Schema
  } catch (error) {
    throw new TypeError(`The schema of ${what} is not JSON: ${reasonOf(error)}`, { cause: error })
  }
}

function resolve(schema: Schema, what: string): Lookup {
  const lookup = findSubschemas(schema, what)
  for (const each of Object.values(lookup)) {
    if (!isObject(each)) continue
    const { $ref, $dynamicRef, __absolute_ref__: address, pattern, patternProperties } = each
    if ($ref !== undefined && lookup[address ?? $ref] === undefined)
      throw new TypeError(
        `The schema of ${what} refers to ${JSON.stringify($ref)}, which is not in it. References are never fetched: put what it means under $defs`,
      )
    if ($dynamicRef !== undefined)
      throw new TypeError(`The schema of ${what} uses $dynamicRef, which cannot be applied: use $ref`)
    const patterns = isObject(patternProperties) ? Object.keys(patternProperties) : []
    for (const text of pattern === undefined ? patterns : [...patterns, pattern]) assertPattern(text, what)
  }
  return lookup
}

function findSubschemas(schema: Schema, what: string): Lookup {
  try {
    return dereference(schema)
  } catch (error) {
    throw new TypeError(`The schema of ${what} cannot be applied: ${reasonOf(error)}`, { cause: error })
  }
}

function assertPattern(text: string, what: string): void {
  try {
    RegExp(text, 'u')
  } catch (error) {
    throw new TypeError(`The schema of ${what} has a pattern that is no regular expression: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
