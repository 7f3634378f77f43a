/** A JSON Schema object, as a server published it: every member is unknown until looked at. */
export type Schema = Readonly<Record<string, unknown>>

/** How deep references and combinations are followed; a schema that refers to itself ends here. */
const MAX_DEPTH = 16

/** Whether `value` is a JSON object. */
export function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Follows a local JSON pointer (`#/$defs/Point`). Undefined for anything else: nothing is ever fetched. */
function lookUp(reference: string, root: Schema): unknown {
  if (reference === '#') return root
  if (!reference.startsWith('#/')) return undefined
  let at: unknown = root
  for (const part of reference.slice(2).split('/')) {
    let name: string
    try {
      name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    } catch {
      return undefined
    }
    if (!(isObject(at) || Array.isArray(at)) || !Object.hasOwn(at, name)) return undefined
    at = (at as Schema)[name]
  }
  return at
}

/** The schema with local `$ref`s and `allOf` folded in, so that its own keywords say all there is to say. */
export function resolveSchema(schema: unknown, root: Schema, depth = 0): Schema {
  if (!isObject(schema) || depth > MAX_DEPTH) return {}
  const { $ref: reference, allOf, ...own } = schema
  let resolved: Schema = own
  if (typeof reference === 'string') resolved = fold(resolveSchema(lookUp(reference, root), root, depth + 1), resolved)
  if (Array.isArray(allOf)) {
    for (const part of allOf) resolved = fold(resolved, resolveSchema(part, root, depth + 1))
  }
  return resolved
}

function fold(first: Schema, second: Schema): Schema {
  const folded: Record<string, unknown> = { ...first, ...second }
  if (isObject(first['properties']) && isObject(second['properties'])) {
    folded['properties'] = { ...first['properties'], ...second['properties'] }
  }
  if (Array.isArray(first['required']) && Array.isArray(second['required'])) {
    folded['required'] = [...first['required'], ...second['required']]
  }
  return folded
}

/** The alternatives of a schema: the branches of `anyOf`/`oneOf`, or one schema for each of several types; else itself. */
export function alternatives(schema: Schema, root: Schema): readonly Schema[] {
  const { anyOf, oneOf, type, ...rest } = schema
  const branches = Array.isArray(anyOf) ? anyOf : oneOf
  if (Array.isArray(branches) && branches.length > 0) {
    const shared = type === undefined ? rest : { ...rest, type }
    return branches.filter(branch => branch !== false).map(branch => fold(shared, resolveSchema(branch, root)))
  }
  if (Array.isArray(type)) return type.map(one => ({ ...rest, type: one }))
  return [schema]
}

/** What a value of this schema looks like, in a few words: `number`, `"asc" | "desc"`, `JSON array`. */
export function expectation(schema: unknown, root: Schema, depth = 0): string {
  const resolved = resolveSchema(schema, root)
  if ('const' in resolved) return JSON.stringify(resolved['const'])
  if (Array.isArray(resolved['enum'])) {
    const shown = resolved['enum']
      .slice(0, 12)
      .map(value => (typeof value === 'string' ? value : JSON.stringify(value)))
    return [...shown, ...(resolved['enum'].length > 12 ? ['…'] : [])].join(' | ')
  }
  const options = depth > MAX_DEPTH ? [] : alternatives(resolved, root)
  if (options.length > 1) return [...new Set(options.map(option => expectation(option, root, depth + 1)))].join(' | ')
  const only = options[0] ?? resolved
  if (only !== resolved) return expectation(only, root, depth + 1)
  const type = only['type']
  if (type === 'array' || type === 'object') return `JSON ${type}`
  if (typeof type === 'string') return type
  return isObject(only['properties']) ? 'JSON object' : 'text'
}
