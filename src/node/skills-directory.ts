import { type BigIntStats, type Dirent } from 'node:fs'
import { lstat, opendir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MAX_SKILL_FILES, SKILL_FILE_NAME } from '../protocol/skills.ts'
import type { SkillFile, SkillSource } from '../server/skills/skill-source.ts'
import { isHidden, readConfinedFile, resolveConfined } from './confined-file.ts'
import { errorCode } from './private-file.ts'

/** Files and directories that are looked at, all in all; in one directory (but the topmost); directories in one skill. */
const MAX_ENTRIES = 100_000
const MAX_ENTRIES_OF_DIRECTORY = 10_000
const MAX_DIRECTORIES_OF_SKILL = 10_000
/** A file that changed less than this long ago may change again without its times telling: some file systems count in steps of two seconds. */
const SETTLED_AFTER_MS = 3_000

/** What a directory of skills depends on. */
export interface SkillsDirectoryOptions {
  /** Milliseconds since the epoch, by the clock that the file system uses. Default `Date.now`. */
  readonly now?: () => number
}

/**
 * Skills in a directory, for `skills` of `latchkey/server`: every directory in it, however deep, that holds a SKILL.md. Changes are seen at the
 * next list. Hidden files and directories (`.git`, `.env`) are left out. Links are followed as long as they stay inside; a skill with one
 * that leads out, or in circles, is left out, so that nobody who may write a skill can have another file read.
 *
 * Whoever can exchange directories while a file is opened is caught by looking at what was opened, twice; only one who wins two races in
 * a row gets past that.
 */
export function skillsDirectory(path: string | URL, options: SkillsDirectoryOptions = {}): SkillSource {
  const { now = Date.now } = options
  const directory = typeof path === 'string' ? path : fileURLToPath(path)
  const versionOf = (stats: BigIntStats): string | undefined => {
    const changed = Number((stats.mtimeNs > stats.ctimeNs ? stats.mtimeNs : stats.ctimeNs) / 1_000_000n)
    if (now() - changed < SETTLED_AFTER_MS) return undefined
    return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':')
  }
  const findRoot = async (): Promise<string> => {
    try {
      return await realpath(directory)
    } catch (cause) {
      const why = errorCode(cause) ?? 'unknown error'
      throw new Error(`The skills directory ${directory} cannot be read (${why}); create it, or name another`, {
        cause,
      })
    }
  }
  return {
    list: async ({ signal } = {}) => listFiles({ root: await findRoot(), versionOf, signal, left: MAX_ENTRIES }),
    read: async (file, { maxBytes, signal }) => {
      signal?.throwIfAborted()
      const content = await readConfinedFile(await findRoot(), file, maxBytes)
      return content && { bytes: content.bytes, version: versionOf(content.stats) }
    },
  }
}

/** One walk through everything. */
interface Walk {
  readonly versionOf: (stats: BigIntStats) => string | undefined
  readonly signal: AbortSignal | undefined
  /** Where the walk began, links followed. */
  readonly root: string
  /** Entries that may still be looked at. */
  left: number
}

/** What was counted of a skill, the outermost where skills lie in each other. */
interface SkillCount {
  files: number
  directories: number
}

/** A directory on the way. */
interface Place {
  /** Relative, with slashes; empty at the top. */
  readonly path: string
  /** Where it is, links followed. */
  readonly real: string
  /** The places of the directories above it. */
  readonly above: readonly string[]
  readonly skill: SkillCount | undefined
}

async function listFiles(walk: Walk): Promise<readonly SkillFile[]> {
  const files: SkillFile[] = []
  const waiting: Place[] = [{ path: '', real: walk.root, above: [], skill: undefined }]
  for (let place = waiting.pop(); place; place = waiting.pop()) {
    if (isFull(place.skill)) continue
    const entries = await readEntries(walk, place)
    if (typeof entries === 'string') {
      files.push({ path: place.path, size: 0, problem: entries })
      continue
    }
    const isSkill = place.path !== '' && entries.some(({ name }) => name === SKILL_FILE_NAME)
    const skill = place.skill ?? (isSkill ? { files: 0, directories: 0 } : undefined)
    for (const entry of entries) {
      if (isFull(skill)) break
      const found = await look(walk, { ...place, skill }, entry)
      if (!found) continue
      if ('real' in found) waiting.push(found)
      else files.push(found)
      if (skill && 'real' in found) skill.directories++
      else if (skill) skill.files++
      if (skill && skill.directories > MAX_DIRECTORIES_OF_SKILL)
        files.push({ path: joined(place, entry), size: 0, problem: 'is one directory too many' })
    }
  }
  return files
}

/** Whether a skill has more than it may have: how much more, nobody needs to know. */
function isFull(skill: SkillCount | undefined): boolean {
  return skill !== undefined && (skill.files > MAX_SKILL_FILES || skill.directories > MAX_DIRECTORIES_OF_SKILL)
}

/** What a directory holds, or why that cannot be told. @throws {Error} for the topmost, and when there is too much altogether */
async function readEntries(walk: Walk, { path, real }: Place): Promise<readonly Dirent[] | string> {
  const entries: Dirent[] = []
  try {
    for await (const entry of await opendir(real)) {
      walk.signal?.throwIfAborted()
      if (--walk.left < 0)
        throw new Error(`${walk.root} holds more than ${MAX_ENTRIES} files; give the skills a directory of their own`)
      if (!isHidden(entry.name)) entries.push(entry)
      if (path && entries.length > MAX_ENTRIES_OF_DIRECTORY)
        return `holds more than ${MAX_ENTRIES_OF_DIRECTORY} files; take away what no skill needs`
    }
  } catch (error) {
    const code = errorCode(error)
    if (code === undefined || !path) throw error
    return code === 'ENOENT' ? [] : `cannot be read (${code})`
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What an entry is: a file, a directory to enter, or nothing any more. */
async function look(walk: Walk, place: Place, entry: Dirent): Promise<SkillFile | Place | undefined> {
  const path = joined(place, entry)
  const unusable = (problem: string): SkillFile => ({ path, size: 0, problem })
  const isLink = entry.isSymbolicLink()
  try {
    const real = isLink ? await resolveConfined(walk.root, path) : join(place.real, entry.name)
    const stats = await lstat(real, { bigint: true })
    if (stats.isFile()) return { path, size: Number(stats.size), version: walk.versionOf(stats) }
    if (!stats.isDirectory()) return unusable('is neither a file nor a directory; remove it')
    const above = [...place.above, place.real]
    if (above.includes(real)) return unusable('is a link to a directory that it lies in; remove it')
    return { path, real, above, skill: place.skill }
  } catch (error) {
    const code = errorCode(error)
    if (code === undefined)
      return unusable('is a link out of the directory, or to something hidden; copy the file instead')
    // A name that is no Unicode cannot be found by what was read of it.
    if (code === 'ENOENT' && !isLink && !entry.name.includes('\uFFFD')) return undefined
    return unusable(isLink ? `is a link that leads nowhere (${code})` : `cannot be read (${code})`)
  }
}

function joined({ path }: Place, { name }: Dirent): string {
  return path ? `${path}/${name}` : name
}
