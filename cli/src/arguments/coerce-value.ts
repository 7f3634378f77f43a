import { alternatives, isObject, resolveSchema, type Schema } from './schema.ts'

/** A value that satisfies the schema's types, or the fact that the text cannot be one. */
export type Coerced = { readonly ok: true; readonly value: unknown } | { readonly ok: false }

const MAX_DEPTH = 16
const NO: Coerced = { ok: false }
const yes = (value: unknown): Coerced => ({ ok: true, value })

/** JSON's own grammar: no hexadecimal, no leading zeros, no `Infinity`. */
const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

function readNumber(text: string, integer: boolean): Coerced {
  if (!JSON_NUMBER.test(text)) return NO
  const value = Number(text)
  if (!Number.isFinite(value)) return NO
  // A whole number that a double cannot hold would reach the server as another number.
  if (/^-?\d+$/.test(text) && !Number.isSafeInteger(value)) return NO
  return integer && !Number.isInteger(value) ? NO : yes(value)
}

function readJson(text: string, fits: (value: unknown) => boolean): Coerced {
  try {
    const value: unknown = JSON.parse(text)
    return fits(value) ? yes(value) : NO
  } catch {
    return NO
  }
}

function readType(text: string, type: string): Coerced {
  switch (type) {
    case 'string':
      return yes(text)
    case 'number':
      return readNumber(text, false)
    case 'integer':
      return readNumber(text, true)
    case 'boolean':
      return text === 'true' || text === 'false' ? yes(text === 'true') : NO
    case 'null':
      return text === 'null' ? yes(null) : NO
    case 'array':
      return readJson(text, Array.isArray)
    case 'object':
      return readJson(text, isObject)
    default:
      return NO
  }
}

/** One of the listed values: the text itself, or the value whose JSON it is. */
function readListed(text: string, values: readonly unknown[]): Coerced {
  if (values.includes(text)) return yes(text)
  const found = values.find(value => typeof value !== 'string' && JSON.stringify(value) === text)
  return found === undefined ? NO : yes(found)
}

/**
 * Turns the text of one `name=value` into what the tool's schema says the value is. A string stays exactly as typed. Where a
 * schema offers alternatives the narrowest that fits wins and text comes last: for `string | number`, `5` is a number and
 * `5a` is text. A schema that says nothing about the type gets the text.
 */
export function coerceValue(text: string, schema: unknown, root: Schema, depth = 0): Coerced {
  if (schema === false || depth > MAX_DEPTH) return NO
  const resolved = resolveSchema(schema, root)
  if ('const' in resolved) return readListed(text, [resolved['const']])
  if (Array.isArray(resolved['enum'])) return readListed(text, resolved['enum'])
  const options = alternatives(resolved, root)
  if (options.length > 1 || options[0] !== resolved) {
    const fits = options.map(option => coerceValue(text, option, root, depth + 1)).filter(result => result.ok)
    return fits.find(result => typeof result.value !== 'string') ?? fits[0] ?? NO
  }
  const type = resolved['type']
  if (typeof type === 'string') return readType(text, type)
  return isObject(resolved['properties']) ? readType(text, 'object') : yes(text)
}
