import { isObject } from '../jsonrpc/message.ts'

/** Looks that one judgement may take at its schema: tens of thousands of members, in about a second at worst. */
const MAX_STEPS = 5_000_000
/** Values that one with `uniqueItems` may hold, since each is compared with each. */
const MAX_COMPARED = 2_000

/** A schema by a server that is applied to values by the same server: it must not be able to keep us busy for ever. */
export interface BoundedSchema {
  /** Throws when it has been looked at too often since {@link BoundedSchema.begin}. */
  readonly schema: object
  /** Starts the count anew. False when the value is too large for what the schema wants to compare. */
  begin(value: unknown): boolean
}

/** Puts a schema under supervision: a few references that fork again and again make an exponential number of steps. */
export function boundSchema(schema: object): BoundedSchema {
  const supervised = new WeakMap<object, object>()
  const compares = mentions(schema, 'uniqueItems')
  let steps = 0
  const supervise = (target: object): object => {
    const known = supervised.get(target)
    if (known) return known
    const proxy = new Proxy(target, {
      get(inside, name, receiver) {
        if (++steps > MAX_STEPS) throw new RangeError('The schema takes too long')
        const value: unknown = Reflect.get(inside, name, receiver)
        return typeof value === 'object' && value !== null ? supervise(value) : value
      },
    })
    supervised.set(target, proxy)
    return proxy
  }
  return {
    schema: supervise(schema),
    begin(value) {
      steps = 0
      return !compares || isSmall(value)
    },
  }
}

/**
 * Whether a regular expression takes time in proportion to the text at most: one that begins at the start and may stop in one place only, or always
 * takes the same number of characters. Anything else may be made to try for ever.
 */
export function isSwiftPattern(pattern: string): boolean {
  if (pattern.length > 256) return false
  const plain = pattern.replace(/\\[^1-9k]/g, 'x').replace(/\[[^\]]*\]/g, 'x')
  if (/[()|\\]/.test(plain)) return false
  const varying = plain.replace(/\{\d{1,3}\}/g, '').match(/[*+?{]/g)?.length ?? 0
  return varying === 0 || (varying === 1 && plain.startsWith('^'))
}

function mentions(node: unknown, keyword: string): boolean {
  if (Array.isArray(node)) return node.some(each => mentions(each, keyword))
  return isObject(node) && (Object.hasOwn(node, keyword) || Object.values(node).some(each => mentions(each, keyword)))
}

function isSmall(value: unknown): boolean {
  const rest = [value]
  for (let count = 0; rest.length > 0; count += 1) {
    if (count > MAX_COMPARED) return false
    const each = rest.pop()
    if (typeof each === 'object' && each !== null) for (const member of Object.values(each)) rest.push(member)
  }
  return true
}
