import type { Resource } from './resources.ts'
import { anyObject, list, mismatch, number, object, string } from './shape.ts'
import type { Shape } from './shape.ts'

/** The extension through which servers offer skills (SEP-2640). */
export const SKILLS_EXTENSION = 'io.modelcontextprotocol/skills'

/** The file that makes a directory a skill. */
export const SKILL_FILE_NAME = 'SKILL.md'
/** The type of a resource that is a directory. */
export const DIRECTORY_MIME_TYPE = 'inode/directory'
/** Files that a skill may have, SKILL.md included. */
export const MAX_SKILL_FILES = 512
/** Bytes of all files of a skill together. */
export const MAX_SKILL_BYTES: number = 16 * 1024 * 1024

/** One file of a skill. */
export interface SkillResource {
  readonly uri: string
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

/** What a list says about a skill: enough to choose it, and to verify what is read later. */
export interface Skill {
  /** Of its SKILL.md. */
  readonly uri: string
  /** Verbatim. */
  readonly frontmatter: Readonly<Record<string, unknown>> & { readonly name: string; readonly description: string }
  /** Every file of the skill, SKILL.md included. */
  readonly resources: readonly SkillResource[]
}

const size: Shape<number> = value =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : mismatch('a number of bytes', value)
const digest: Shape<string> = value =>
  typeof value === 'string' && /^sha256:[0-9a-f]{64}$/i.test(value) ? value : mismatch('a SHA-256 digest', value)

/** An entry of `skills/list`. */
export const skill: Shape<Skill> = object<Skill>({
  uri: string,
  frontmatter: object<Skill['frontmatter']>({ name: string, description: string }),
  resources: list(object<SkillResource>({ uri: string, digest, size })),
})

const anything: Shape<unknown> = value => value

/** The answer to `skills/list`; entries are judged one by one. */
export const listSkillsResult: Shape<{ skills: readonly unknown[]; nextCursor?: string }> = object<{
  skills: readonly unknown[]
  nextCursor?: string
}>({ skills: list(anything) }, { nextCursor: string })

/** The answer to `skills/get`. */
export const getSkillResult: Shape<{ skill: unknown }> = object<{ skill: unknown }>({ skill: anyObject() })

/** The answer to `resources/directory/read`. */
export const listDirectoryResult: Shape<{ resources: readonly Resource[] }> = object<{
  resources: readonly Resource[]
}>({
  resources: list(object<Resource>({ uri: string, name: string }, {}, { mimeType: string, size: number })),
})
