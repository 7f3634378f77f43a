import { isObject } from '../../jsonrpc/message.ts'
import { readFrontmatter, sameFrontmatter } from '../../protocol/skill-frontmatter.ts'
import type { Skill } from '../../protocol/skills.ts'
import { decodeText } from './media-type.ts'
import { lastSegmentOf } from './skill-path.ts'

/** Most characters of a description. @see {@link https://agentskills.io/specification | Agent Skills} */
const MAX_DESCRIPTION_LENGTH = 1024
const RESERVED_PREFIX = 'io.modelcontextprotocol/'

/**
 * The frontmatter of a skill, as its SKILL.md has it.
 *
 * @param directory of the skill; its last segment must be the skill's name
 * @throws {Error} it is none that may be served; the message says what to change
 * @see the skills extension (SEP-2640), Resource Mapping and Frontmatter
 */
export async function readSkillFrontmatter(directory: string, bytes: Uint8Array): Promise<Skill['frontmatter']> {
  const text = decodeText(bytes)
  if (text === undefined) throw new Error('SKILL.md is not UTF-8')
  let why = ''
  const parsed = await readFrontmatter(text, problem => {
    why = problem
  })
  if (!parsed) throw new Error(`SKILL.md should begin with YAML between two lines of three hyphens, but ${why}`)
  const { frontmatter } = parsed
  const { name, description, metadata } = frontmatter
  if (typeof name !== 'string' || !isSkillName(name))
    throw new Error(
      `the name in SKILL.md is ${show(name)}; it should be 1 to 64 of a-z, 0-9 and single hyphens, with a letter or digit at both ends`,
    )
  const expected = lastSegmentOf(directory)
  if (name !== expected)
    throw new Error(`the name in SKILL.md is ${show(name)} and its directory ${show(expected)}; rename one of them`)
  if (typeof description !== 'string' || !description.trim() || description.length > MAX_DESCRIPTION_LENGTH)
    throw new Error(`SKILL.md should have a description of 1 to ${MAX_DESCRIPTION_LENGTH} characters`)
  const reserved = isObject(metadata) && Object.keys(metadata).find(key => key.startsWith(RESERVED_PREFIX))
  if (typeof reserved === 'string')
    throw new Error(`the metadata in SKILL.md has the key ${show(reserved)}; ${RESERVED_PREFIX} is reserved`)
  if (!isJson(frontmatter))
    throw new Error('the frontmatter holds what JSON cannot say (.nan, .inf, -0), or is nested deeper than 32 levels')
  return { ...frontmatter, name, description }
}

function isSkillName(name: string): boolean {
  return name.length <= 64 && /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name)
}

/** Whether whoever reads it from JSON finds what the file says: clients compare the two. */
function isJson(frontmatter: object): boolean {
  return sameFrontmatter(frontmatter, JSON.parse(JSON.stringify(frontmatter)))
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 200)
}
