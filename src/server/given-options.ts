/** The names of all options that something takes; the compiler says when one is missing. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>

/**
 * Refuses options that do not exist, for a misspelt `scopes` would quietly protect nothing.
 *
 * @param what whose options they are, such as `the tool add`
 * @throws {TypeError} naming the option, and those that there are
 */
export function assertOptions<Options extends object>(
  what: string,
  options: Options,
  names: OptionNames<Options>,
): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`The options of ${what} should be an object, {} for none; received ${nameOf(options)}`)
  const unknown = findOther(options, names)
  if (unknown === undefined) return
  throw new TypeError(
    `There is no option ${JSON.stringify(unknown)} of ${what}; there are ${Object.keys(names).join(', ')}`,
  )
}

/** The first option that is none of these. */
export function findOther(options: object, names: Readonly<Record<string, true>>): string | undefined {
  return Object.keys(options).find(name => !Object.hasOwn(names, name))
}

/** @throws {TypeError} it is no function; `what` says which one should be */
export function assertFunction(what: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`${what} should be a function; received ${nameOf(value)}`)
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`
}
