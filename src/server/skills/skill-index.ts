import type { Resource } from '../../protocol/resources.ts'
import { MAX_SKILL_BYTES, MAX_SKILL_FILES, SKILL_FILE_NAME, type Skill } from '../../protocol/skills.ts'
import { listDirectories } from './directory-listing.ts'
import { type FileFacts, readFacts } from './file-facts.ts'
import { readSkillFrontmatter } from './skill-frontmatter-check.ts'
import { directoryOf, findPathProblem, lastSegmentOf, toSkillUri } from './skill-path.ts'
import type { SkillFile, SkillSource } from './skill-source.ts'

/** Files that a source may have altogether. */
const MAX_SOURCE_FILES = 100_000

/** A file that is served. */
export interface ServedFile {
  readonly path: string
  readonly facts: FileFacts
  readonly resource: Resource
}

/** All skills of a source at one time. */
export interface SkillIndex {
  /** By the URI of their SKILL.md, in the order of their paths. */
  readonly skills: ReadonlyMap<string, Skill>
  /** Files of these skills, by URI. */
  readonly files: ReadonlyMap<string, ServedFile>
  /** The children of every directory that leads to such a file, by its URI. */
  readonly directories: ReadonlyMap<string, readonly Resource[]>
  /** What was left out, and what to do about it. */
  readonly problems: readonly string[]
}

/** What the reading of one skill needs besides it. */
interface Reading {
  readonly source: SkillSource
  readonly before: SkillIndex | undefined
  /** What was read of other skills. */
  readonly files: ReadonlyMap<string, ServedFile>
  readonly signal: AbortSignal
}

/** A skill with its files, before it is known whether both may be served. */
interface Candidate {
  readonly directory: string
  readonly files: SkillFile[]
}

/**
 * Reads all skills of a source: each file once, and only if its version is another than in `before`. An invalid skill is left out, and does not
 * hide the others. A skill within another is a skill of its own, and its files belong to both.
 *
 * @throws what the source throws when it cannot be listed, and when `signal` fires
 * @see the skills extension (SEP-2640)
 */
export async function readSkillIndex(
  source: SkillSource,
  before: SkillIndex | undefined,
  signal: AbortSignal,
): Promise<SkillIndex> {
  const listed = await source.list({ signal })
  if (listed.length > MAX_SOURCE_FILES)
    throw new Error(`The source of skills has ${listed.length} files, and may have ${MAX_SOURCE_FILES}`)
  const { candidates, problems } = findCandidates(listed)
  const skills = new Map<string, Skill>()
  const files = new Map<string, ServedFile>()
  const directoryByName = new Map<string, string>()
  const nested: ServedFile[] = []
  for (const candidate of candidates) {
    const { directory } = candidate
    try {
      const { skill, served } = await readSkill(candidate, { source, before, files, signal })
      const { name } = skill.frontmatter
      const other = directoryByName.get(name)
      if (other !== undefined) throw new Error(`${other} has the same name; rename one of them`)
      directoryByName.set(name, directory)
      skills.set(skill.uri, skill)
      for (const file of served) if (!files.has(file.resource.uri)) files.set(file.resource.uri, file)
      nested.push(...served.filter(({ resource }) => resource.uri === skill.uri))
    } catch (error) {
      signal.throwIfAborted()
      problems.push(`The skill in ${show(directory)} is left out: ${messageOf(error)}`)
    }
  }
  // The enclosing skill, which comes first, knows the SKILL.md of a nested one only as a file.
  for (const file of nested) files.set(file.resource.uri, file)
  return { skills, files, directories: listDirectories(files.values()), problems }
}

/** Which directories are skills, and which files belong to them. */
function findCandidates(listed: readonly SkillFile[]): {
  readonly candidates: readonly Candidate[]
  readonly problems: string[]
} {
  const sorted = [...listed].sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)))
  const manifests = sorted.filter(({ path, problem }) => lastSegmentOf(path) === SKILL_FILE_NAME && !problem)
  const byDirectory = new Map<string, Candidate>()
  const problems: string[] = []
  for (const { path } of manifests) {
    const directory = directoryOf(path)
    if (directory) byDirectory.set(directory, { directory, files: [] })
    else problems.push('SKILL.md at the top of the source is left out: put it into a directory of its name')
  }
  for (const file of sorted) {
    let isTaken = false
    for (let directory = directoryOf(file.path); directory; directory = directoryOf(directory)) {
      const candidate = byDirectory.get(directory)
      candidate?.files.push(file)
      isTaken ||= candidate !== undefined
    }
    if (!isTaken && file.problem) problems.push(`${show(file.path)} is left out: it ${file.problem}`)
  }
  const candidates = [...byDirectory.values()].sort((a, b) => (a.directory < b.directory ? -1 : 1))
  return { candidates, problems }
}

async function readSkill(
  { directory, files }: Candidate,
  reading: Reading,
): Promise<{ readonly skill: Skill; readonly served: readonly ServedFile[] }> {
  assertServable(files)
  const manifestPath = `${directory}/${SKILL_FILE_NAME}`
  const manifest = await readManifest(
    directory,
    files.find(({ path }) => path === manifestPath),
    reading,
  )
  const { name, description } = manifest.frontmatter
  let left = MAX_SKILL_BYTES - manifest.facts.size
  const served: ServedFile[] = []
  for (const file of files) {
    const { path } = file
    const isManifest = path === manifestPath
    const facts = isManifest ? manifest.facts : await readFile(file, left, reading)
    if (!isManifest) left -= facts.size
    const described = isManifest ? { name, description } : { name: lastSegmentOf(path) }
    const { mimeType, size } = facts
    served.push({ path, facts, resource: { uri: toSkillUri(path), ...described, mimeType, size } })
  }
  const resources = served.map(({ resource: { uri }, facts: { digest, size } }) => ({ uri, digest, size }))
  return { skill: { uri: toSkillUri(manifestPath), frontmatter: manifest.frontmatter, resources }, served }
}

async function readManifest(
  directory: string,
  listed: SkillFile | undefined,
  { source, before, signal }: Reading,
): Promise<{ readonly facts: FileFacts; readonly frontmatter: Skill['frontmatter'] }> {
  const path = `${directory}/${SKILL_FILE_NAME}`
  const uri = toSkillUri(path)
  const skill = before?.skills.get(uri)
  const facts = keptFacts(before?.files.get(uri), listed)
  if (skill && facts) return { facts, frontmatter: skill.frontmatter }
  const read = await readFacts(source, path, { maxBytes: MAX_SKILL_BYTES, signal })
  return { facts: read.facts, frontmatter: await readSkillFrontmatter(directory, read.bytes) }
}

async function readFile(file: SkillFile, maxBytes: number, reading: Reading): Promise<FileFacts> {
  const { source, before, files, signal } = reading
  const uri = toSkillUri(file.path)
  const facts =
    keptFacts(files.get(uri) ?? before?.files.get(uri), file) ??
    (await readFacts(source, file.path, { maxBytes, signal })).facts
  if (facts.size > maxBytes) throw new Error(`its files have more than ${MAX_SKILL_BYTES} bytes`)
  return facts
}

/** What is known of a file, as long as it is the same file. */
function keptFacts(kept: ServedFile | undefined, listed: SkillFile | undefined): FileFacts | undefined {
  const version = kept?.facts.version
  return version !== undefined && version === listed?.version ? kept?.facts : undefined
}

/** Refuses what no client would take, before anything of it is read. @throws {Error} */
function assertServable(files: readonly SkillFile[]): void {
  if (files.length > MAX_SKILL_FILES)
    throw new Error(`it has more than ${MAX_SKILL_FILES} files; take away what the skill does not need`)
  for (const { path, problem } of files) {
    const why = problem ?? findPathProblem(path)
    if (why) throw new Error(`${show(path)} ${why}`)
  }
  if (new Set(files.map(({ path }) => path)).size < files.length) throw new Error('the source lists a file twice')
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  if (bytes > MAX_SKILL_BYTES)
    throw new Error(`its files have ${bytes} bytes, and may have ${MAX_SKILL_BYTES}; take away what it does not need`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function show(path: string): string {
  return JSON.stringify(path.slice(0, 300))
}
