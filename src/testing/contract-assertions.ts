/** Fails unless `condition` holds. @throws {Error} */
export function ensure(condition: boolean, what: string): void {
  if (!condition) throw new Error(`Broken contract: ${what}.`)
}

/** Fails unless the two are deeply equal; absent and undefined members differ. @throws {Error} */
export function ensureEqual(actual: unknown, expected: unknown, what: string): void {
  ensure(isEqual(actual, expected), `${what} is ${shown(actual)}, not ${shown(expected)}`)
}

/** What a promise rejects with. @throws {Error} when it does not */
export async function rejectionOf(promise: Promise<unknown>, what: string): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`Broken contract: ${what}; it resolved to ${shown(value)}.`)
}

/** Fails unless `error` is a `StoreError` with `code`, of whichever copy of the library. @throws {Error} */
export function ensureStoreError(error: unknown, code: string, what: string): void {
  const known = typeof error === 'object' && error !== null && 'name' in error && 'code' in error
  const found = known ? `${String(error.name)} ${String(error.code)}` : shown(error)
  ensure(found === `StoreError ${code}`, `${what} is ${found}, not StoreError ${code}`)
}

function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every(name => Object.hasOwn(b, name) && isEqual(memberOf(a, name), memberOf(b, name)))
}

function memberOf(value: object, name: string): unknown {
  return Reflect.get(value, name)
}

const LONGEST_SHOWN = 300

function shown(value: unknown): string {
  const text = value instanceof Error ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}…`
}

/** Everything that can be reached from `value` through properties, entries of maps and members of sets, as text. */
export function reachableText(value: unknown): string {
  const seen = new Set<object>()
  const texts: string[] = []
  const visit = (each: unknown): void => {
    if ((typeof each !== 'object' && typeof each !== 'function') || each === null) {
      texts.push(String(each))
      return
    }
    if (seen.has(each)) return
    seen.add(each)
    if (each instanceof Map || each instanceof Set) for (const entry of each.entries()) visit(entry)
    for (const name of Reflect.ownKeys(each)) {
      texts.push(String(name))
      const property = Object.getOwnPropertyDescriptor(each, name)
      if (property && 'value' in property) visit(property.value)
    }
  }
  visit(value)
  return texts.join('\n')
}
