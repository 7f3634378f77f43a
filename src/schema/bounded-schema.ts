import { isLargerThan, mentions } from './value-size.ts'

/** Looks that one judgement may take at its schema: tens of thousands of members, in about a second at worst. */
const MAX_STEPS = 5_000_000
/** Values that one with `uniqueItems` may hold, since each is compared with each. */
export const MAX_COMPARED: number = 2_000

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
      return !compares || !isLargerThan(value, MAX_COMPARED)
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
