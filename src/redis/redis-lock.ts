import { encodeBase64Url } from '../oauth/protocol/base64url.ts'
import { StoreError } from '../oauth/store/store-error.ts'
import { type RedisConnection, stoppedWaiting } from './redis-connection.ts'

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 200
const RELEASE_PATIENCE_MS = 1_000

/** `SET key owner NX PX lease`, and once more by the same owner, whose first answer may have been lost. 0 when taken, else what is left of the holder's lease. */
const TAKE = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return math.max(1, redis.call('PTTL', KEYS[1])) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 0`

const RENEW = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`

const RELEASE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

export interface RedisLockOptions {
  readonly connection: RedisConnection
  /** Redis key of the lock. */
  readonly key: string
  /** Milliseconds until the lock of a holder that gives no sign of life is free. */
  readonly leaseMs: number
  /** Milliseconds to wait for the lock. */
  readonly timeoutMs: number
  /** Ends the wait, not the task. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs `task` while this caller holds the lock at `key`. The lock is a lease that is renewed while the task runs; a holder that is stopped or cut
 * off for longer loses it, and then the versions of the records keep its writes in order (see docs/decisions/005). Never runs `task` without
 * having taken the lock.
 *
 * @throws {StoreError} `locked` when the wait is over or `signal` ends it; `unwritable` when Redis cannot be reached
 */
export async function withRedisLock<T>(task: () => Promise<T>, options: RedisLockOptions): Promise<T> {
  const { connection, key } = options
  const owner = encodeBase64Url(crypto.getRandomValues(new Uint8Array(16)))
  const release = (): Promise<unknown> => {
    const purpose = {
      step: 'unlock credentials',
      path: key,
      code: 'unwritable',
      patienceMs: RELEASE_PATIENCE_MS,
    } as const
    // The lease frees what cannot be released; the task's result does not depend on it.
    return connection.send(['EVAL', RELEASE, '1', key, owner], purpose).catch(() => undefined)
  }
  try {
    await acquire(owner, options)
  } catch (error) {
    // An attempt without an answer may have taken it.
    void release()
    throw error
  }
  const ended = new AbortController()
  const renewing = renew(owner, options, ended.signal)
  try {
    return await task()
  } finally {
    ended.abort()
    await renewing
    await release()
  }
}

async function acquire(owner: string, options: RedisLockOptions): Promise<void> {
  const { connection, key, timeoutMs, signal } = options
  const deadline = connection.now() + timeoutMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    const leftMs = await take(owner, options, signal)
    if (leftMs === 0) return
    if (connection.now() > deadline) throw locked(key, leftMs)
    await connection.sleep(pauseMs * (0.5 + Math.random() / 2), signal).catch(() => undefined)
    if (signal?.aborted) throw stoppedWaiting(key)
  }
}

async function take(owner: string, options: RedisLockOptions, signal: AbortSignal | undefined): Promise<number> {
  const { connection, key, leaseMs } = options
  const purpose = { step: 'lock credentials', path: key, code: 'unwritable', signal } as const
  return Number(await connection.send(['EVAL', TAKE, '1', key, owner, String(leaseMs)], purpose))
}

/** Renews the lease until `ended`. A lock that vanished (Redis lost its data) is taken again if nobody else has. */
async function renew(owner: string, options: RedisLockOptions, ended: AbortSignal): Promise<void> {
  const { connection, key, leaseMs } = options
  const purpose = { step: 'keep lock', path: key, code: 'unwritable', signal: ended, patienceMs: leaseMs } as const
  for (;;) {
    await connection.sleep(leaseMs / 3, ended).catch(() => undefined)
    if (ended.aborted) return
    try {
      const renewed = await connection.send(['EVAL', RENEW, '1', key, owner, String(leaseMs)], purpose)
      if (Number(renewed) !== 1) await take(owner, options, ended)
    } catch {
      // Tried again after a third of the lease. If it is lost meanwhile, versions decide.
    }
  }
}

function locked(path: string, leftMs: number): StoreError {
  return new StoreError(
    'locked',
    `Another process holds the lock of a stored login and does not let go. Its lease ends in ${Math.ceil(leftMs / 1000)} s unless renewed.`,
    {
      step: 'lock credentials',
      path,
      hint: 'Look at what holds it, then try again. A lock whose holder is gone frees itself.',
    },
  )
}
