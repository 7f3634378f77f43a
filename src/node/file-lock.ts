import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../oauth/store/store-error.ts'
import { errorCode, unreadable } from './private-file.ts'
import { isCertainlyGone, ownIdentity, type ProcessIdentity } from './process-identity.ts'
import { emptyVersion, newestVersion, publishVersion } from './versioned-folder.ts'

/** Longest wait for a lock. A redemption ends after 30 s by itself, and a dead owner is found at once. */
const MAX_WAIT_MS = 120_000
const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 200

export interface FileLockOptions {
  /** Ends the wait, not the task. */
  readonly signal?: AbortSignal
  /** Milliseconds to wait for the lock. Default two minutes. */
  readonly maxWaitMs?: number
}

/**
 * Runs `task` while this process holds the lock that lives in `folder`. The lock of a process that is certainly gone is taken over; an owner
 * that merely looks slow is waited for. Never runs `task` without the lock.
 *
 * A lock is the newest version in the folder: it names its owner, and is free when it is empty. Taking it, from nobody or from the dead, is
 * publishing the next version, which exactly one can do; nothing that may be live is ever moved or removed (see docs/decisions/003).
 *
 * @throws {StoreError} `locked` when the wait is over or `signal` ends it; `corrupt`, `unreadable`, `unwritable`
 */
export async function withFileLock<T>(
  folder: string,
  task: () => Promise<T>,
  { signal, maxWaitMs = MAX_WAIT_MS }: FileLockOptions = {},
): Promise<T> {
  const owner = new TextEncoder().encode(JSON.stringify(await ownIdentity()))
  const deadline = performance.now() + maxWaitMs
  let pauseMs = FIRST_PAUSE_MS
  for (;;) {
    const { version, holder } = await currentLock(folder)
    if (signal?.aborted) throw locked(folder, holder, signal)
    if (!holder || (await isCertainlyGone(holder))) {
      const own = version + 1
      if (await publishVersion(folder, own, owner)) return await holding(folder, own, task)
    }
    if (performance.now() > deadline) throw locked(folder, holder, signal)
    await pause(pauseMs * (0.5 + Math.random() / 2), signal)
    pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)
  }
}

async function holding<T>(folder: string, version: number, task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } finally {
    await emptyVersion(folder, version)
  }
}

async function currentLock(
  folder: string,
): Promise<{ readonly version: number; readonly holder: ProcessIdentity | undefined }> {
  const version = await newestVersion(folder)
  const path = join(folder, String(version))
  try {
    return { version, holder: version === 0 ? undefined : parseOwner(await readFile(path, 'utf8'), path) }
  } catch (error) {
    // Superseded and given up meanwhile: nobody gets the next version by this look.
    if (errorCode(error) === 'ENOENT') return { version, holder: undefined }
    throw error instanceof StoreError ? error : unreadable(path, error)
  }
}

/** Undefined for an empty file, which is a free lock, and for one that a power cut left incomplete. */
function parseOwner(text: string, path: string): ProcessIdentity | undefined {
  let owner: unknown
  try {
    owner = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof owner === 'object' && owner !== null) {
    const { host, pid, started } = owner as Partial<Record<keyof ProcessIdentity, unknown>>
    if (typeof host === 'string' && typeof pid === 'number' && typeof started === 'string')
      return { host, pid, started }
  }
  throw new StoreError('corrupt', `${path} does not say who holds the lock.`, {
    step: 'lock credentials',
    path,
    hint: 'Remove it when no other program uses these credentials.',
  })
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })
}

function locked(path: string, holder: ProcessIdentity | undefined, signal: AbortSignal | undefined): StoreError {
  const who = holder ? `process ${holder.pid} on ${holder.host}` : 'another process'
  const message = signal?.aborted ? `The wait for ${path} was given up.` : `${who} has held ${path} for too long.`
  return new StoreError('locked', message, {
    step: 'lock credentials',
    path,
    hint: `Look at what ${who} is doing, then try again. If it is no more, remove ${path}.`,
  })
}
