import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { findPathProblem } from '../server/skills/skill-path.ts'
import { errorCode } from './private-file.ts'

/** A link is never followed at the last moment, and a pipe never waited for. Windows knows neither. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
/** Readings of a file that changes while it is read. */
const MAX_READINGS = 3

/** A file as it was read. */
export interface ConfinedContent {
  readonly bytes: Uint8Array
  /** Of the file that these bytes are of. */
  readonly stats: BigIntStats
}

/**
 * Reads a file that lies in a folder: the file itself, and whatever links lead to it, within the folder and not hidden. Undefined when there is none.
 *
 * @param root as `realpath` gives it
 * @param path relative, its segments separated by `/`
 * @throws {Error} it lies elsewhere, is hidden, no file, larger than `maxBytes`, or never the same for the time of a reading
 */
export async function readConfinedFile(
  root: string,
  path: string,
  maxBytes: number,
): Promise<ConfinedContent | undefined> {
  const problem = findPathProblem(path) ?? findSystemPathProblem(path)
  if (problem) throw new Error(`${JSON.stringify(path.slice(0, 300))} ${problem}`)
  try {
    const real = await resolveConfined(root, path)
    const handle = await open(real, OPEN_FLAGS)
    try {
      await assertSameFile(root, path, handle)
      return await readStable(handle, path, maxBytes)
    } finally {
      await handle.close()
    }
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

/**
 * Where a path leads to, links followed.
 *
 * @throws {Error} out of the folder, or to something hidden; with a system error's code when it leads nowhere
 */
export async function resolveConfined(root: string, path: string): Promise<string> {
  const real = await realpath(join(root, path))
  const inside = relative(root, real)
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside))
    throw new Error(`${JSON.stringify(path)} leads out of its directory; copy the file in instead of linking to it`)
  if (inside.split(sep).some(isHidden)) throw new Error(`${JSON.stringify(path)} is hidden, or leads to a hidden file`)
  return real
}

/** Whether a name is one of those that a listing leaves out: keys, settings, the files of version control. */
export function isHidden(name: string): boolean {
  return name.startsWith('.')
}

/** A drive, and a second stream of a file, are reached through a colon. */
function findSystemPathProblem(path: string): string | undefined {
  return process.platform === 'win32' && path.includes(':') ? 'holds a colon' : undefined
}

/** Somebody may have put a link into the way between the look and the opening: what was opened must be what lies in the folder. */
async function assertSameFile(root: string, path: string, handle: FileHandle): Promise<void> {
  const opened = await handle.stat({ bigint: true })
  const found = await lstat(await resolveConfined(root, path), { bigint: true })
  if (!opened.isFile()) throw new Error(`${JSON.stringify(path)} is no file`)
  if (opened.dev !== found.dev || opened.ino !== found.ino)
    throw new Error(`${JSON.stringify(path)} was exchanged while it was opened`)
}

async function readStable(handle: FileHandle, path: string, maxBytes: number): Promise<ConfinedContent> {
  for (let readings = 0; readings < MAX_READINGS; readings++) {
    const before = await handle.stat({ bigint: true })
    if (before.size > BigInt(Math.max(0, maxBytes)))
      throw new Error(`${JSON.stringify(path)} has ${before.size} bytes, and may have ${maxBytes}`)
    // One more than there should be, to see that there is not more.
    const buffer = new Uint8Array(Number(before.size) + 1)
    let length = 0
    while (length < buffer.byteLength) {
      const { bytesRead } = await handle.read(buffer, length, buffer.byteLength - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    const stats = await handle.stat({ bigint: true })
    const isSame = stats.size === before.size && stats.mtimeNs === before.mtimeNs && stats.ctimeNs === before.ctimeNs
    if (isSame && BigInt(length) === stats.size) return { bytes: buffer.subarray(0, length), stats }
  }
  throw new Error(`${JSON.stringify(path)} changes while it is read`)
}
