import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, publishFile, removeFile, unreadable, withRetries } from './private-file.ts'

/**
 * How many superseded versions keep their names, emptied. A writer that slept through more than these finds its version's name free again;
 * it is then told apart by the distance to the newest one (see docs/decisions/003).
 */
const KEPT_NAMES = 16

/** The number of the newest version in `folder`; 0 when there is none. @throws {StoreError} `unreadable` */
export async function newestVersion(folder: string): Promise<number> {
  return newestOf(await namesIn(folder))
}

/**
 * Publishes `content` as `version`, the one after the newest that was seen, and empties those before it. Of any number of writers that saw
 * the same version exactly one gets true; none does that slept while others went on. It survives a power cut unless `durable` is false.
 *
 * @throws {StoreError} `unwritable`, `unreadable`
 */
export async function publishVersion(
  folder: string,
  version: number,
  content: Uint8Array,
  options: {
    readonly durable?: boolean
    /** Called when it was published, and a failure after that hides whether it won. */
    readonly onDoubt?: () => void
  } = {},
): Promise<boolean> {
  const path = join(folder, String(version))
  if (!(await publishFile(path, content, options))) return false
  let names: readonly string[]
  try {
    names = await namesIn(folder)
  } catch (error) {
    options.onDoubt?.()
    throw error
  }
  const newest = newestOf(names)
  // The name had been free only because it was given up long ago: this writer did not win, it overslept.
  if (newest - version >= KEPT_NAMES) {
    await removeFile(path)
    return false
  }
  await cleanUp(folder, names, newest)
  return true
}

/** Empties the file of a version, and says whether nothing is in it now. One that cannot be emptied is left to the next clean-up. */
export async function emptyVersion(folder: string, version: number): Promise<boolean> {
  try {
    await withRetries(() => truncate(join(folder, String(version))))
    return true
  } catch (error) {
    return errorCode(error) === 'ENOENT'
  }
}

/** The names in `folder`; none when it is not there. @throws {StoreError} `unreadable` */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw unreadable(folder, error)
  }
}

/** Leaves no content but the newest, gives up the oldest names, and removes what killed writers left behind. */
async function cleanUp(folder: string, names: readonly string[], newest: number): Promise<void> {
  await Promise.all(
    names.map(async name => {
      const version = versionOf(name)
      const unpublished = Number(/^\.new-(\d{1,15})-/.exec(name)?.[1] ?? Number.NaN)
      // Whoever still writes one of these has lost already.
      if (unpublished <= newest || (version > 0 && version <= newest - KEPT_NAMES)) await removeFile(join(folder, name))
      else if (version > 0 && version < newest && !(await isEmpty(join(folder, name))))
        await emptyVersion(folder, version)
    }),
  )
}

/** Emptying what is empty would still be a write to the disk. */
async function isEmpty(path: string): Promise<boolean> {
  return await stat(path).then(
    ({ size }) => size === 0,
    () => false,
  )
}

function newestOf(names: readonly string[]): number {
  return Math.max(0, ...names.map(versionOf))
}

/** 0 for a name that is no version. */
function versionOf(name: string): number {
  return /^[1-9]\d{0,14}$/.test(name) ? Number(name) : 0
}
