/** Choices that a message lists. */
const MAX_CHOICES = 20

/** What a keyword wants, with `*` for its value. */
const EXPECTATIONS: Readonly<Record<string, string>> = {
  const: 'expected *',
  format: 'expected text in the format *',
  minimum: 'expected at least *',
  maximum: 'expected at most *',
  exclusiveMinimum: 'expected more than *',
  exclusiveMaximum: 'expected less than *',
  multipleOf: 'expected a multiple of *',
  minLength: 'expected at least * characters',
  maxLength: 'expected at most * characters',
  minItems: 'expected at least * items',
  maxItems: 'expected at most * items',
  minProperties: 'expected at least * members',
  maxProperties: 'expected at most * members',
  uniqueItems: 'expected no item twice',
  contains: 'expected at least one item that fits what the schema has under contains',
  not: 'fits what the schema excludes',
  oneOf: 'fits more than one of the alternatives, expected exactly one',
}

/** What a keyword of JSON Schema wants instead of `value`; undefined for a keyword that says nothing simple. */
export function expectationText(keyword: string, wanted: unknown, value: unknown): string | undefined {
  if (wanted === undefined) return undefined
  if (keyword === 'type') {
    const types = Array.isArray(wanted) ? wanted.join(' or ') : JSON.stringify(wanted).replaceAll('"', '')
    return `expected ${types}, received ${typeName(value)}`
  }
  if (keyword === 'pattern' && typeof wanted === 'string') return `expected text that matches ${wanted}`
  if (keyword === 'enum' && Array.isArray(wanted)) {
    const choices = wanted.slice(0, MAX_CHOICES).map(each => JSON.stringify(each))
    return `expected one of ${choices.join(', ')}${wanted.length > MAX_CHOICES ? ' or another of its choices' : ''}`
  }
  const text = Object.hasOwn(EXPECTATIONS, keyword) ? EXPECTATIONS[keyword] : undefined
  // A function, for a text may hold what stands for something in a replacement.
  return text?.replace('*', () => JSON.stringify(wanted))
}

/** The kind of a value, in the words of JSON Schema. */
export function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  return Array.isArray(value) ? 'array' : typeof value
}
