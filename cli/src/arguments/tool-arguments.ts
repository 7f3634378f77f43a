import { closestNames } from '../suggestion.ts'
import { UsageError } from '../usage-error.ts'
import { coerceValue } from './coerce-value.ts'
import { expectation, isObject, resolveSchema, type Schema } from './schema.ts'

/** One argument a tool knows. */
export interface KnownArgument {
  readonly name: string
  readonly required: boolean
  /** What a value looks like, in a few words. */
  readonly expects: string
  readonly description?: string
}

/** What a tool's input schema says about its arguments, required ones first. */
export function knownArguments(inputSchema: unknown): readonly KnownArgument[] {
  const root = isObject(inputSchema) ? inputSchema : {}
  const schema = resolveSchema(root, root)
  const required = requiredNames(schema)
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const names = [...new Set([...required, ...Object.keys(properties)])]
  return names.map(name => {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    const description = isObject(property) ? property['description'] : undefined
    return {
      name,
      required: required.includes(name),
      expects: expectation(property, root),
      ...(typeof description === 'string' && { description }),
    }
  })
}

function requiredNames(schema: Schema): readonly string[] {
  const required = schema['required']
  return Array.isArray(required) ? required.filter(name => typeof name === 'string') : []
}

/** Lists a tool's arguments for a hint: `path=<string> [recursive=<boolean>]`. */
export function argumentSynopsis(inputSchema: unknown): string {
  return knownArguments(inputSchema)
    .map(({ name, required, expects }) => (required ? `${name}=<${expects}>` : `[${name}=<${expects}>]`))
    .join(' ')
}

/**
 * Builds a tool's arguments from `name=value` words above the object of `--input`, by the tool's input schema.
 *
 * @throws {UsageError} malformed or repeated words, names the tool does not know, values that do not fit, missing required ones
 */
export function toolArguments(
  words: readonly string[],
  input: string | undefined,
  inputSchema: unknown,
  what: 'tool' | 'prompt' = 'tool',
): Record<string, unknown> {
  const root = isObject(inputSchema) ? inputSchema : {}
  const schema = resolveSchema(root, root)
  const fail = (message: string): never => {
    const synopsis = argumentSynopsis(inputSchema)
    throw new UsageError(message, synopsis === '' ? `this ${what} takes no arguments` : `arguments: ${synopsis}`)
  }
  const values = new Map(Object.entries(readInput(input)))
  for (const name of values.keys()) {
    if (schema['additionalProperties'] === false && propertySchema(schema, name) === undefined) {
      fail(unknownArgument(name, inputSchema, what))
    }
  }
  const given = new Set<string>()
  for (const word of words) {
    const equals = word.indexOf('=')
    if (equals < 1) fail(`arguments have the form name=value, not “${word.slice(0, 100)}”`)
    const name = word.slice(0, equals)
    const text = word.slice(equals + 1)
    if (given.has(name)) fail(`the argument “${name}” is given twice`)
    given.add(name)
    const property = propertySchema(schema, name)
    if (property === undefined) fail(unknownArgument(name, inputSchema, what))
    const coerced = coerceValue(text, property, root)
    if (!coerced.ok) return fail(`the argument “${name}” should be ${expectation(property, root)}`)
    values.set(name, coerced.value)
  }
  const missing = requiredNames(schema).filter(name => !values.has(name))
  if (missing.length > 0) {
    fail(`missing argument${missing.length === 1 ? '' : 's'}: ${missing.join(', ')}`)
  }
  return Object.fromEntries(values)
}

/** The schema of one argument; undefined when the tool does not know the name and does not say that it takes others. */
function propertySchema(schema: Schema, name: string): unknown {
  const properties = schema['properties']
  if (isObject(properties) && Object.hasOwn(properties, name)) return properties[name]
  const additional = schema['additionalProperties']
  return additional === true || isObject(additional) ? additional : undefined
}

function unknownArgument(name: string, inputSchema: unknown, what: string): string {
  const [closest] = closestNames(
    name,
    knownArguments(inputSchema).map(known => known.name),
  )
  const suggestion = closest === undefined ? '' : `; did you mean “${closest}”?`
  return `this ${what} has no argument “${name.slice(0, 100)}”${suggestion}`
}

function readInput(input: string | undefined): Readonly<Record<string, unknown>> {
  if (input === undefined) return {}
  let value: unknown
  try {
    value = JSON.parse(input)
  } catch {
    throw new UsageError('--input is not valid JSON', `--input '{"name": "value"}'`)
  }
  if (!isObject(value)) throw new UsageError('--input takes a JSON object', `--input '{"name": "value"}'`)
  return value
}
