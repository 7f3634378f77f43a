import { isObject } from '../jsonrpc/message.ts'

/** A SKILL.md taken apart. */
export interface ParsedSkillFile {
  readonly frontmatter: Readonly<Record<string, unknown>>
  readonly body: string
}

/**
 * Takes a SKILL.md apart: YAML between two lines of three hyphens, then the instructions. Undefined when there is no frontmatter, or it is no
 * mapping. Aliases are refused: they can blow up a few lines to gigabytes.
 */
export async function readFrontmatter(text: string): Promise<ParsedSkillFile | undefined> {
  const match = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text)
  if (!match) return undefined
  const { parse } = await import('yaml')
  try {
    const frontmatter: unknown = parse(match[1] ?? '', {
      schema: 'core',
      maxAliasCount: 0,
      strict: true,
      logLevel: 'error',
    })
    return isObject(frontmatter) ? { frontmatter, body: text.slice(match[0].length) } : undefined
  } catch {
    return undefined
  }
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
