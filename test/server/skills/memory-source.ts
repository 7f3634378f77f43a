import type { SkillFile, SkillSource } from '../../../src/server.ts'

/** A SKILL.md. */
export const manifest = (name: string, more = '', body = '\nDo it well.\n'): string =>
  `---\nname: ${name}\ndescription: About ${name}\n${more}---\n${body}`

/** A source whose files can be changed, and which says what was read of it. */
export interface MemorySource extends SkillSource {
  readonly files: Map<string, string | Uint8Array>
  /** Paths, in the order in which they were read. */
  readonly reads: string[]
  /** How often it was listed. */
  lists: number
}

/** @param versions whether files have versions; theirs is their content */
export function createMemorySource(
  files: Readonly<Record<string, string | Uint8Array>>,
  { versions = true }: { readonly versions?: boolean } = {},
): MemorySource {
  const versionOf = (content: string | Uint8Array) => (versions ? Buffer.from(content).toString('hex') : undefined)
  const source: MemorySource = {
    files: new Map(Object.entries(files)),
    reads: [],
    lists: 0,
    list: async () => {
      source.lists++
      return [...source.files].map(
        ([path, content]): SkillFile => ({ path, size: Buffer.byteLength(content), version: versionOf(content) }),
      )
    },
    read: async path => {
      source.reads.push(path)
      const content = source.files.get(path)
      if (content === undefined) return undefined
      return { bytes: new Uint8Array(Buffer.from(content)), version: versionOf(content) }
    },
  }
  return source
}
