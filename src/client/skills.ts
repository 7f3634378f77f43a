import { TransportError } from '../jsonrpc/errors.ts'
import type { ReadResourceResult, Resource } from '../protocol/resources.ts'
import { readShape, type Shape } from '../protocol/shape.ts'
import { readFrontmatter, sameFrontmatter } from '../protocol/skill-frontmatter.ts'
import {
  listDirectoryResult,
  listSkillsResult,
  getSkillResult,
  MAX_SKILL_BYTES,
  MAX_SKILL_FILES,
  skill as skillShape,
  type Skill,
  type SkillResource,
} from '../protocol/skills.ts'
import type { Client } from './client.ts'
import { paginate } from './pagination.ts'
import type { ListOptions, RequestOptions } from './request-options.ts'

/** A skill whose instructions were read and verified. */
export interface LoadedSkill {
  readonly skill: Skill
  /** The text of SKILL.md behind its frontmatter: for a model to read. Untrusted as to its meaning. */
  readonly instructions: string
  /** Reads another of the skill's files, verified. @throws {TransportError} `unverified_content` */
  read(uri: string, options?: RequestOptions): Promise<Uint8Array>
}

/** The skills that a server offers. Nothing is read ahead of need. */
export interface Skills {
  /** Every skill, page by page as they are consumed. A malformed entry is reported to `onInvalid` and left out. */
  list(options?: ListOptions & { readonly onInvalid?: (problem: string) => void }): AsyncGenerator<Skill, void, void>
  /** One skill by the URI of its SKILL.md. */
  get(uri: string, options?: RequestOptions): Promise<Skill>
  /**
   * Reads the skill's SKILL.md and verifies it: its size and digest, and that its frontmatter is what the list said.
   *
   * @throws {TransportError} `unverified_content` when it is anything else; nothing of it is returned then
   */
  load(skill: Skill, options?: RequestOptions): Promise<LoadedSkill>
  /** What a directory of a skill holds; only where the server offers that. */
  directory(uri: string, options?: RequestOptions): Promise<readonly Resource[]>
}

/** A step upwards, in whatever disguise: hosts write skills to disk. */
const CLIMBS = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){2}(?:$|[/\\?#]|%2f|%5c)/i

/**
 * The skills of a server: `skillsOf(client).list()`.
 *
 * @see the skills extension (SEP-2640)
 */
export function skillsOf(client: Client): Skills {
  async function listPage({
    cursor,
    ...options
  }: ListOptions): Promise<{ skills: readonly unknown[]; nextCursor?: string }> {
    const answer = await client.request('skills/list', cursor === undefined ? {} : { cursor }, options)
    return read(listSkillsResult, answer, 'skills/list')
  }

  async function readVerified(skill: Skill, uri: string, options: RequestOptions | undefined): Promise<Uint8Array> {
    const entry = skill.resources.find(each => each.uri === uri)
    if (!entry) throw unverified(uri, 'is not in the manifest of the skill')
    const bytes = bytesOf(await client.readResource(uri, options), uri)
    await verify(bytes, entry)
    return bytes
  }

  return {
    async *list({ onInvalid, ...options } = {}) {
      const pages = paginate(
        cursor => listPage(cursor === undefined ? options : { ...options, cursor }),
        options.cursor,
      )
      for await (const { skills } of pages) {
        for (const value of skills) {
          const skill = readSkill(value)
          if (typeof skill === 'string') onInvalid?.(skill)
          else yield skill
        }
      }
    },
    async get(uri, options) {
      const { skill: value } = read(getSkillResult, await client.request('skills/get', { uri }, options), 'skills/get')
      const skill = readSkill(value)
      if (typeof skill === 'string') throw new TransportError('invalid_response', `The skill cannot be used: ${skill}`)
      return skill
    },
    async load(skill, options) {
      const text = new TextDecoder().decode(await readVerified(skill, skill.uri, options))
      const parsed = await readFrontmatter(text)
      if (!parsed || !sameFrontmatter(parsed.frontmatter, skill.frontmatter))
        throw unverified(skill.uri, 'has another frontmatter than the list says')
      return { skill, instructions: parsed.body, read: (uri, reading) => readVerified(skill, uri, reading) }
    },
    async directory(uri, options) {
      const answer = await client.request('resources/directory/read', { uri }, options)
      return read(listDirectoryResult, answer, 'resources/directory/read').resources
    },
  }
}

function read<Value>(shape: Shape<Value>, answer: unknown, method: string): Value {
  const verdict = readShape(shape, answer, 'result')
  if (verdict.ok) return verdict.value
  const message = `The answer to ${method} is not what the extension promises: ${verdict.issue.message}`
  throw new TransportError('invalid_response', message, { method })
}

/** The entry of a skill, or what is wrong with it. */
function readSkill(value: unknown): Skill | string {
  const verdict = readShape(skillShape, value, 'skill')
  if (!verdict.ok) return verdict.issue.message
  const { uri, frontmatter, resources } = verdict.value
  const root = uri.slice(0, -'SKILL.md'.length)
  if (!uri.endsWith(`/${frontmatter.name}/SKILL.md`)) return `${show(uri)} does not end in the name of the skill`
  if (!/^[a-z0-9-]{1,64}$/.test(frontmatter.name)) return `${show(frontmatter.name)} is no name for a skill`
  if (resources.filter(each => each.uri === uri).length !== 1) return `${show(uri)} is not in its own manifest once`
  const outside = resources.find(each => !each.uri.startsWith(root) || CLIMBS.test(each.uri))
  if (outside) return `${show(outside.uri)} lies outside of the skill`
  const bytes = resources.reduce((sum, { size }) => sum + size, 0)
  if (resources.length > MAX_SKILL_FILES || bytes > MAX_SKILL_BYTES)
    return `${show(uri)} has too many files, or too large ones`
  return verdict.value
}

async function verify(bytes: Uint8Array, { uri, digest, size }: SkillResource): Promise<void> {
  if (bytes.byteLength !== size) throw unverified(uri, `has ${bytes.byteLength} bytes, and should have ${size}`)
  const found = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource))
  const hex = Array.from(found, byte => byte.toString(16).padStart(2, '0')).join('')
  if (digest.toLowerCase() !== `sha256:${hex}`) throw unverified(uri, 'has another digest than its manifest says')
}

function bytesOf({ contents }: ReadResourceResult, uri: string): Uint8Array {
  const [content] = contents.filter(each => each.uri === uri)
  if (content && 'text' in content) return new TextEncoder().encode(content.text)
  if (content && 'blob' in content) {
    return decodeBase64(content.blob, uri)
  }
  throw unverified(uri, 'was not in the answer')
}

function decodeBase64(text: string, uri: string): Uint8Array {
  let binary: string
  try {
    binary = atob(text)
  } catch {
    throw unverified(uri, 'is no base64')
  }
  // Not with `Uint8Array.from`, which takes seconds for the 16 MiB that a file may have.
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < bytes.length; index++) bytes[index] = binary.charCodeAt(index)
  return bytes
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}

function unverified(uri: string, what: string): TransportError {
  return new TransportError('unverified_content', `${show(uri)} ${what}: it must not be used`, {
    method: 'resources/read',
    hint: 'The server changed the skill since it was listed, or somebody tampers with it. List the skills again.',
  })
}
