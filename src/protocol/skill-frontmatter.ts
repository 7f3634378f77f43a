import { isObject } from '../jsonrpc/message.ts'

/** Longest frontmatter that is read, in characters: to take YAML apart costs much more than its length says. */
const MAX_FRONTMATTER_LENGTH = 65_536

/** A SKILL.md taken apart. */
export interface ParsedSkillFile {
  readonly frontmatter: Readonly<Record<string, unknown>>
  readonly body: string
}

/**
 * Takes a SKILL.md apart: YAML between two lines of three hyphens, then the instructions. Undefined when there is no frontmatter, it is no
 * mapping, or longer than 65 536 characters; `onInvalid` hears which. Aliases are refused: they can blow up a few lines to gigabytes.
 */
export async function readFrontmatter(
  text: string,
  onInvalid?: (problem: string) => void,
): Promise<ParsedSkillFile | undefined> {
  const match = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text)
  if (!match) {
    onInvalid?.('it does not begin with a line of three hyphens, YAML, and another such line')
    return undefined
  }
  const [whole, yaml = ''] = match
  if (yaml.length > MAX_FRONTMATTER_LENGTH) {
    onInvalid?.(`its frontmatter is longer than ${MAX_FRONTMATTER_LENGTH} characters`)
    return undefined
  }
  const { parse } = await import('yaml')
  try {
    const frontmatter: unknown = parse(yaml, { schema: 'core', maxAliasCount: 0, strict: true, logLevel: 'error' })
    if (isObject(frontmatter)) return { frontmatter, body: text.slice(whole.length) }
    onInvalid?.('its frontmatter is no mapping of names to values')
  } catch (error) {
    // The lines behind it show the place.
    const [why] = (error instanceof Error ? error.message : String(error)).split('\n')
    onInvalid?.(`its frontmatter cannot be read: ${why}`)
  }
  return undefined
}

/** Whether two frontmatters say the same, member by member, in whatever order. */
export function sameFrontmatter(a: unknown, b: unknown, depth = 0): boolean {
  if (Object.is(a, b)) return true
  if (depth > 32) return false
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) && a.length === b.length && a.every((each, index) => sameFrontmatter(each, b[index], depth + 1))
    )
  }
  if (!isObject(a) || !isObject(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every(name => Object.hasOwn(b, name) && sameFrontmatter(a[name], b[name], depth + 1))
  )
}
