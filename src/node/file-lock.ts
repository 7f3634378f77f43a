import { randomUUID } from 'node:crypto'
import { readFile, rename } from 'node:fs/promises'
import { StoreError } from '../oauth/store/store-error.ts'
import { errorCode, publishFile, removeFile, unreadable, withRetries } from './private-file.ts'
import { isCertainlyGone, ownIdentity, type ProcessIdentity } from './process-identity.ts'

/** Longest wait for a lock. A redemption ends after 30 s by itself, and a dead owner is found at once. */
const MAX_WAIT_MS = 120_000
const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 200

interface LockOwner extends ProcessIdentity {
  readonly id: string
}

/**
 * Runs `task` while this process holds the lock file at `path`. The lock of a process that is certainly gone is taken over; an owner that
 * merely looks slow is waited for. Never runs `task` without the lock.
 *
 * @throws {StoreError} `locked` after two minutes or when `signal` ends the wait; `unreadable`, `unwritable`
 */
export async function withFileLock<T>(
  path: string,
  task: () => Promise<T>,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<T> {
  const owner: LockOwner = { ...(await ownIdentity()), id: randomUUID() }
  const content = new TextEncoder().encode(JSON.stringify(owner))
  const deadline = performance.now() + MAX_WAIT_MS
  for (
    let pauseMs = FIRST_PAUSE_MS;
    !(await publishFile(path, content));
    pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)
  ) {
    const holder = await readOwner(path)
    if (holder && (await isCertainlyGone(holder))) {
      await takeAway(path, holder)
      continue
    }
    if (signal?.aborted || performance.now() > deadline) throw locked(path, holder, signal)
    await pause(pauseMs * (0.5 + Math.random() / 2), signal)
  }
  try {
    return await task()
  } finally {
    // Not ours any more only if somebody removed the file by hand.
    if ((await readOwner(path).catch(() => undefined))?.id === owner.id) await removeFile(path)
  }
}

/** Undefined when the lock was given back meanwhile. */
async function readOwner(path: string): Promise<LockOwner | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw unreadable(path, error)
  }
  const owner = parseOwner(text)
  if (owner) return owner
  throw new StoreError('corrupt', `${path} is not a lock file.`, { step: 'lock credentials', path, hint: 'Remove it.' })
}

function parseOwner(text: string): LockOwner | undefined {
  try {
    const owner: unknown = JSON.parse(text)
    if (typeof owner !== 'object' || owner === null) return undefined
    const { id, host, pid, started } = owner as Partial<Record<keyof LockOwner, unknown>>
    const valid =
      typeof id === 'string' && typeof host === 'string' && typeof pid === 'number' && typeof started === 'string'
    return valid ? { id, host, pid, started } : undefined
  } catch {
    return undefined
  }
}

/**
 * Removes a dead owner's lock. Between the look and the rename somebody else may have done the same and locked anew: then what was moved is
 * a live lock, and it is put back.
 */
async function takeAway(path: string, dead: LockOwner): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await withRetries(() => rename(path, aside))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return
    throw unreadable(path, error)
  }
  const moved = await readOwner(aside)
  if (moved && moved.id !== dead.id) await publishFile(path, new TextEncoder().encode(JSON.stringify(moved)))
  await removeFile(aside)
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

function locked(path: string, holder: LockOwner | undefined, signal: AbortSignal | undefined): StoreError {
  const who = holder ? `process ${holder.pid} on ${holder.host}` : 'another process'
  const message = signal?.aborted ? `The wait for ${path} was given up.` : `${who} has held ${path} for too long.`
  return new StoreError('locked', message, {
    step: 'lock credentials',
    path,
    hint: `Look at what ${who} is doing, then try again.`,
  })
}
