/** How deep objects and arrays may be nested. */
export const MAX_CANONICAL_DEPTH = 100

/**
 * Writes JSON that is the same for equal values, in whatever order the members of their objects are: sorted, without spaces, numbers and strings as
 * `JSON.stringify` writes them. `undefined` when it is nested deeper than {@link MAX_CANONICAL_DEPTH}.
 *
 * @param value what `JSON.parse` can return; members that are `undefined` are left out
 */
export function toCanonicalJson(value: unknown): string | undefined {
  return write(value, MAX_CANONICAL_DEPTH)
}

function write(value: unknown, levels: number): string | undefined {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (levels === 0) return undefined
  const written: string[] = []
  if (Array.isArray(value)) {
    for (const item of value) {
      const text = write(item, levels - 1)
      if (text === undefined) return undefined
      written.push(text)
    }
    return `[${written.join(',')}]`
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  for (const [name, member] of members.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const text = write(member, levels - 1)
    if (text === undefined) return undefined
    written.push(`${JSON.stringify(name)}:${text}`)
  }
  return `{${written.join(',')}}`
}
