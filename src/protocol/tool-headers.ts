import { isObject } from '../jsonrpc/message.ts'
import { encodeHeaderValue } from './header-value.ts'
import type { ToolInputSchema } from './tools.ts'

/** An argument that a header repeats. */
export interface MirroredParameter {
  /** In lower case: `mcp-param-region`. */
  readonly header: string
  /** Where the argument is. */
  readonly path: readonly string[]
}

/** The arguments of one tool that headers repeat, or why its definition cannot be used. */
export type ToolHeaders =
  | { readonly ok: true; readonly parameters: readonly MirroredParameter[] }
  | { readonly ok: false; readonly problem: string }

const ANNOTATION = 'x-mcp-header'
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Deeper schemas are cut off: nobody writes them by hand. */
const MAX_DEPTH = 32
/** Keywords whose value is a schema, a list of schemas, or schemas by name, other than `properties`. */
const SUBSCHEMAS: readonly string[] = [
  'items',
  'prefixItems',
  'additionalItems',
  'contains',
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
  'additionalProperties',
  'patternProperties',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
  'dependentSchemas',
  '$defs',
  'definitions',
]

/**
 * Reads the `x-mcp-header` annotations of a tool's arguments.
 *
 * @see MCP 2026-07-28, Streamable HTTP, Custom Headers from Tool Parameters
 */
export function readToolHeaders(schema: ToolInputSchema): ToolHeaders {
  const parameters: MirroredParameter[] = []
  const problem = walk(schema, [], true, parameters, 0)
  if (problem !== undefined) return { ok: false, problem }
  const names = parameters.map(({ header }) => header)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined
    ? { ok: true, parameters }
    : { ok: false, problem: `two arguments share the header ${twice}` }
}

/** The first problem of a schema; its mirrored parameters are added to `found`. */
function walk(
  schema: unknown,
  path: readonly string[],
  reachable: boolean,
  found: MirroredParameter[],
  depth: number,
): string | undefined {
  if (!isObject(schema) || depth > MAX_DEPTH) return undefined
  if (Object.hasOwn(schema, ANNOTATION)) {
    const name = schema[ANNOTATION]
    const at = path.join('.') || 'the root'
    if (!reachable || path.length === 0) return `${ANNOTATION} at ${at} is on no argument that can be reached by name`
    if (typeof name !== 'string' || !TOKEN.test(name)) return `${ANNOTATION} at ${at} is not the name of a header`
    if (!isMirrorable(schema['type'])) return `${ANNOTATION} at ${at} is on a type that no header can repeat`
    found.push({ header: `mcp-param-${name.toLowerCase()}`, path })
  }
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : []
  for (const [name, child] of properties) {
    const problem = walk(child, [...path, name], reachable, found, depth + 1)
    if (problem !== undefined) return problem
  }
  for (const keyword of SUBSCHEMAS) {
    const value = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined
    const children = Array.isArray(value) ? value : isObject(value) ? [value, ...Object.values(value)] : []
    for (const child of children) {
      const problem = walk(child, [...path, keyword], false, found, depth + 1)
      if (problem !== undefined) return problem
    }
  }
  return undefined
}

function isMirrorable(type: unknown): boolean {
  const types = (Array.isArray(type) ? type : [type]).filter(each => each !== 'null')
  return types.length === 1 && (types[0] === 'string' || types[0] === 'integer' || types[0] === 'boolean')
}

/** The headers that repeat `args`. Arguments that are absent, null, or of another type than announced get none. */
export function mirrorArguments(
  parameters: readonly MirroredParameter[],
  args: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, string>> {
  const entries = parameters.flatMap(({ header, path }) => {
    const value = path.reduce<unknown>(
      (inside, name) => (isObject(inside) && Object.hasOwn(inside, name) ? inside[name] : undefined),
      args,
    )
    const text =
      typeof value === 'string'
        ? value
        : typeof value === 'boolean' || Number.isSafeInteger(value)
          ? String(value)
          : undefined
    return text === undefined ? [] : [[header, encodeHeaderValue(text)]]
  })
  return Object.fromEntries(entries) as Readonly<Record<string, string>>
}
