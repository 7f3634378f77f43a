import { randomBytes } from 'node:crypto'
import { link, mkdir, open, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { StoreError } from '../oauth/store/store-error.ts'

const POSIX = process.platform !== 'win32'
/** Virus scanners and indexers hold new files open for a moment on Windows (field L7). */
const RETRIED: ReadonlySet<unknown> = new Set(['EPERM', 'EACCES', 'EBUSY'])
const RETRIES = POSIX ? 0 : 8
/** What is said of a folder that its file system cannot sync, or that may be passed through and not opened. */
const CANNOT_SYNC: ReadonlySet<unknown> = new Set(['EINVAL', 'ENOTSUP', 'ENOSYS', 'EBADF', 'EACCES', 'EPERM'])

/** The code of a system error, if it is one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Creates a folder that only its owner can enter, and its parents, durably. @throws {StoreError} `unwritable`, `insecure_permissions` */
export async function createPrivateFolder(path: string): Promise<void> {
  const folder = resolve(path)
  try {
    const first = await mkdir(folder, { recursive: true, mode: 0o700 })
    if (first !== undefined) await syncParents(folder, first)
  } catch (error) {
    throw unwritable(path, error)
  }
  await assertPrivate(path)
}

/**
 * Refuses what other users could read or change: they could have taken, or planted, a credential.
 *
 * @throws {StoreError} `insecure_permissions`; `unreadable` when it cannot be looked at. What does not exist passes.
 */
export async function assertPrivate(path: string): Promise<void> {
  if (!POSIX) return
  let found: { readonly mode: number; readonly uid: number }
  try {
    found = await stat(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return
    throw unreadable(path, error)
  }
  const mine = found.uid === process.getuid?.()
  if (mine && (found.mode & 0o077) === 0) return
  throw new StoreError(
    'insecure_permissions',
    mine
      ? `${path} is open to other users (mode ${(found.mode & 0o777).toString(8)}).`
      : `${path} belongs to another user.`,
    {
      step: 'check permissions',
      path,
      hint: mine ? `Run: chmod go-rwx '${path}'` : 'Choose another folder with LATCHKEY_HOME.',
    },
  )
}

/**
 * Puts a complete file at `path` if nothing is there: write aside (`.new-<name>-…`) → fsync → link → fsync the folder. Of any
 * number of writers exactly one gets true, and no reader ever sees a part. Also false when the file aside was removed meanwhile. Without
 * `durable` (default true) nothing is synced: a power cut may undo it, or leave the file empty.
 *
 * @throws {StoreError} `unwritable`
 */
export async function publishFile(
  path: string,
  content: Uint8Array,
  { durable = true }: { readonly durable?: boolean } = {},
): Promise<boolean> {
  const folder = dirname(path)
  const aside = join(folder, `.new-${basename(path)}-${randomBytes(9).toString('base64url')}`)
  try {
    const file = await open(aside, 'wx', 0o600)
    try {
      await file.writeFile(content)
      if (durable) await file.sync()
    } finally {
      await file.close()
    }
    const won = await withRetries(() => linkIfFree(aside, path))
    if (won && durable) await syncFolder(folder)
    return won
  } catch (error) {
    throw unwritable(path, error)
  } finally {
    await removeFile(aside)
  }
}

/** Removes a file; one that is not there, or cannot be removed, is left to the next clean-up. */
export async function removeFile(path: string): Promise<void> {
  try {
    await withRetries(() => unlink(path))
  } catch {
    // Nothing depends on it being gone.
  }
}

/** Runs a file operation again, later each time, while a scanner holds the file. Elsewhere than on Windows such an error is final. */
export async function withRetries<T>(operation: () => Promise<T>, retries: number = RETRIES): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await operation()
    } catch (error) {
      if (tries >= retries || !RETRIED.has(errorCode(error))) throw error
      await new Promise(resolve => setTimeout(resolve, 10 * 2 ** tries))
    }
  }
}

async function linkIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT') return false
    if (code !== 'EEXIST') throw error
    // A network file system may say so of a link it made itself, when its first answer was lost (link(2)): the number of names is the truth.
    return (await stat(from).catch(() => undefined))?.nlink === 2
  }
}

/** A new folder survives a power cut once the one it lies in was synced; `first` is the uppermost new one. */
async function syncParents(folder: string, first: string): Promise<void> {
  await syncFolder(dirname(folder))
  if (folder.length > first.length) await syncParents(dirname(folder), first)
}

/** Makes a new name survive a power cut, where the file system can. Not possible, and not needed, on Windows. */
async function syncFolder(folder: string): Promise<void> {
  if (!POSIX) return
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!CANNOT_SYNC.has(errorCode(error))) throw error
  }
}

/** A {@link StoreError} for something that is there and cannot be read. */
export function unreadable(path: string, cause: unknown): StoreError {
  const message = `${path} cannot be read (${errorCode(cause) ?? 'unknown error'}).`
  return new StoreError(
    'unreadable',
    message,
    { step: 'read credentials', path, hint: 'Check who owns it.' },
    { cause },
  )
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full.',
  EDQUOT: 'The disk quota is used up.',
  EMFILE: 'This process has too many files open.',
}

function unwritable(path: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause
  const code = errorCode(cause) ?? 'unknown error'
  const hint = HINTS[code] ?? 'Choose a folder on a local disk that you may write to, with LATCHKEY_HOME.'
  return new StoreError(
    'unwritable',
    `${path} cannot be written (${code}).`,
    { step: 'save credentials', path, hint },
    { cause },
  )
}
