import { readFile, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { displayText } from '../oauth/protocol/display-text.ts'
import { StoreError } from '../oauth/store/store-error.ts'
import { errorCode, unreadable } from './private-file.ts'
import { isCertainlyGone, type ProcessIdentity } from './process-identity.ts'
import { emptyVersion, newestVersion, publishVersion } from './versioned-folder.ts'

/** Longest wait for a lock. A redemption ends after 30 s by itself, and a dead owner is found at once. */
const DEFAULT_TIMEOUT_MS = 120_000
const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 200
const HEARTBEAT_MS = 5_000

export interface FileLockOptions {
  /** The process that asks. */
  readonly own: ProcessIdentity
  /** Milliseconds to wait for the lock. Default two minutes. */
  readonly timeoutMs?: number
  /** Ends the wait, not the task. */
  readonly signal?: AbortSignal | undefined
}

/** Who holds a lock: nobody, a process, or something that is not ours to judge. */
type Holder = 'nobody' | ProcessIdentity | 'unknown'

/**
 * Runs `task` while this process holds the lock that lives in `folder`. The lock of a process that is certainly gone is taken over; an owner
 * that merely looks slow is waited for. Never runs `task` without the lock.
 *
 * A lock is the newest version in the folder: it names its owner, and is free when it is empty. Taking it, from nobody or from the dead, is
 * publishing the next version, which exactly one can do; nothing that may be live is ever moved or removed (see docs/decisions/003).
 *
 * @throws {StoreError} `locked` when the wait is over or `signal` ends it; `unreadable`, `unwritable`
 */
export async function withFileLock<T>(folder: string, task: () => Promise<T>, options: FileLockOptions): Promise<T> {
  const version = await acquire(folder, options)
  // Proves nothing to a program, since a blocked event loop is silent too; it tells people, and other hosts, how long ago.
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(join(folder, String(version)), now, now).catch(() => undefined)
  }, HEARTBEAT_MS)
  heartbeat.unref()
  try {
    return await task()
  } finally {
    clearInterval(heartbeat)
    await letGo(folder, version)
  }
}

/** Gives the lock back; when that fails, for want of a file descriptor say, again until it is done or this process ends. */
async function letGo(folder: string, version: number): Promise<void> {
  if (await emptyVersion(folder, version)) return
  const again = setTimeout(() => void letGo(folder, version), LONGEST_PAUSE_MS)
  again.unref()
}

async function acquire(folder: string, options: FileLockOptions): Promise<number> {
  const { own, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options
  const content = new TextEncoder().encode(JSON.stringify(own))
  const deadline = performance.now() + timeoutMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    if (signal?.aborted) throw givenUp(folder)
    const { version, holder } = await currentLock(folder)
    const free = holder === 'nobody' || (holder !== 'unknown' && (await isCertainlyGone(holder, own)))
    const onDoubt = (): void => void letGo(folder, version + 1)
    if (free && (await publishVersion(folder, version + 1, content, { durable: false, onDoubt }))) return version + 1
    if (performance.now() > deadline) throw await locked(join(folder, String(version)), holder)
    await pause(pauseMs * (0.5 + Math.random() / 2), signal)
  }
}

async function currentLock(folder: string): Promise<{ readonly version: number; readonly holder: Holder }> {
  const version = await newestVersion(folder)
  if (version === 0) return { version, holder: 'nobody' }
  const path = join(folder, String(version))
  try {
    return { version, holder: toHolder(await readFile(path, 'utf8')) }
  } catch (error) {
    // Superseded and given up meanwhile: look again.
    if (errorCode(error) === 'ENOENT') return { version, holder: 'unknown' }
    throw unreadable(path, error)
  }
}

function toHolder(text: string): Holder {
  if (text === '') return 'nobody'
  try {
    const owner: unknown = JSON.parse(text)
    if (typeof owner !== 'object' || owner === null) return 'unknown'
    const { host, boot, namespace, pid, started } = owner as Partial<Record<keyof ProcessIdentity, unknown>>
    if (typeof host !== 'string' || typeof boot !== 'string' || typeof namespace !== 'string') return 'unknown'
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0 || typeof started !== 'string') return 'unknown'
    return { host, boot, namespace, pid, started }
  } catch {
    return 'unknown'
  }
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

function givenUp(path: string): StoreError {
  return new StoreError('locked', 'The caller stopped waiting for the lock.', { step: 'lock credentials', path })
}

async function locked(path: string, holder: Holder): Promise<StoreError> {
  const known = typeof holder === 'object'
  const who = known
    ? `Process ${holder.pid} on ${displayText(holder.host.split(' ')[0] ?? '', 100)}`
    : 'Another process'
  const silentMs = await stat(path).then(
    ({ mtimeMs }) => Math.max(0, Date.now() - mtimeMs),
    () => undefined,
  )
  const sign = silentMs === undefined ? '' : ` It gave its last sign of life ${Math.round(silentMs / 1000)} s ago.`
  return new StoreError('locked', `${who} holds the lock of a stored login and does not let go.${sign}`, {
    step: 'lock credentials',
    path,
    hint: `Look at what it is doing, then try again. If it no longer exists, remove ${path}.`,
  })
}
