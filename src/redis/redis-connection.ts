import { displayText } from '../oauth/protocol/display-text.ts'
import { sleep as sleepWithTimer } from '../oauth/sleep.ts'
import { StoreError, type StoreErrorCode } from '../oauth/store/store-error.ts'
import type { RedisCommand } from './redis-client.ts'

const FIRST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 500

/** The clock and the timer, which tests replace. */
export interface RedisClock {
  /** Milliseconds on a clock that only goes forward. Default `performance.now`. */
  readonly now?: () => number
  /** Resolves after `ms`; rejects when `signal` aborts. Default: a timer. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
}

export interface RedisConnectionOptions extends RedisClock {
  readonly command: RedisCommand
  /** Milliseconds that one command may take, with all its attempts. */
  readonly patienceMs: number
}

/** What a command is for, so that its failure can be told. */
export interface RedisPurpose {
  readonly step: string
  /** Redis key. */
  readonly path?: string
  /** The code of the error when Redis cannot be reached or refuses. */
  readonly code: 'unreadable' | 'unwritable'
  /** Ends the wait with `locked`. */
  readonly signal?: AbortSignal | undefined
  /** Default: that of the connection. */
  readonly patienceMs?: number
}

/** Sends commands, again and again while Redis cannot be reached, until its patience ends. */
export interface RedisConnection {
  readonly now: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /**
   * Every command must be safe to send twice: the answer to the first may have been lost with the connection.
   *
   * @throws {StoreError} `purpose.code`; `corrupt` where Redis holds something of another type; `locked` when `purpose.signal` aborts
   */
  send(args: readonly string[], purpose: RedisPurpose): Promise<unknown>
}

/** Creates a {@link RedisConnection} above a command. It owns no socket: connecting anew is the client's part. */
export function createRedisConnection(options: RedisConnectionOptions): RedisConnection {
  const { now = () => performance.now(), sleep = sleepWithTimer, command } = options

  /** The answer, the failure of the attempt, or `late`. */
  async function attempt(args: readonly string[], limitMs: number, signal?: AbortSignal): Promise<Attempt> {
    const over = new AbortController()
    const end = (): void => over.abort()
    signal?.addEventListener('abort', end, { once: true })
    if (signal?.aborted) end()
    try {
      const late = sleep(limitMs, over.signal).then((): Attempt => ({ kind: 'late' }))
      return await Promise.race([ask(command, args), late])
    } catch {
      return { kind: 'late' }
    } finally {
      signal?.removeEventListener('abort', end)
      end()
    }
  }

  return {
    now,
    sleep,
    async send(args, purpose) {
      const { signal, patienceMs = options.patienceMs } = purpose
      const deadline = now() + patienceMs
      let last: Attempt = { kind: 'late' }
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
        if (signal?.aborted) throw stoppedWaiting(purpose.path)
        const outcome = await attempt(args, Math.max(1, deadline - now()), signal)
        if (outcome.kind === 'answer') return outcome.answer
        if (signal?.aborted) throw stoppedWaiting(purpose.path)
        // What the last attempt but one said is worth more than that there was no time for the last.
        if (outcome.kind === 'failure' || last.kind === 'late') last = outcome
        if (outcome.kind === 'failure' && isDefinite(outcome.message)) break
        if (outcome.kind === 'late' || now() + pauseMs >= deadline) break
        await sleep(pauseMs, signal).catch(() => undefined)
      }
      throw failed(purpose, last, patienceMs)
    },
  }
}

type Attempt =
  | { readonly kind: 'answer'; readonly answer: unknown }
  | { readonly kind: 'failure'; readonly message: string }
  | { readonly kind: 'late' }

async function ask(command: RedisCommand, args: readonly string[]): Promise<Attempt> {
  try {
    return { kind: 'answer', answer: await command(args) }
  } catch (error) {
    return { kind: 'failure', message: messageOf(error) }
  }
}

/** A client's error may carry the command that failed, a password with it: only its words go on. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown error'
  if (error.message) return displayText(error.message, 200)
  return 'code' in error && typeof error.code === 'string' ? displayText(error.code, 50) : error.name
}

/** What Redis answers while it starts, fails over or moves data. Nothing was done. */
const PASSING = new Set(['LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'READONLY', 'BUSY'])

/** Redis begins its errors with one word in capitals; a broken connection speaks otherwise. */
function errorWord(message: string): string | undefined {
  return /^([A-Z]{2,}) /.exec(message)?.[1]
}

function isDefinite(message: string): boolean {
  const word = errorWord(message)
  return word !== undefined && !PASSING.has(word)
}

const HINTS: Readonly<Record<string, string>> = {
  NOAUTH: 'Give the Redis client a user name and password.',
  WRONGPASS: 'Give the Redis client the right user name and password.',
  NOPERM:
    'Allow the Redis user EVAL, HMGET, HGET, HSET, SMEMBERS, SADD, SREM, GET, SET, DEL, PTTL, PEXPIRE and PERSIST on these keys.',
  OOM: 'Give Redis more memory; keep `maxmemory-policy noeviction`.',
  MISCONF: 'Redis cannot save to its disk: look at its log.',
  READONLY: 'Connect to the primary; this is a replica.',
  WRONGTYPE: 'Something else uses this key: choose another prefix.',
}

function failed({ step, code, path }: RedisPurpose, last: Attempt, patienceMs: number): StoreError {
  const detail = (hint: string): StoreError['detail'] => ({ step, ...(path !== undefined && { path }), hint })
  if (last.kind !== 'failure') {
    const hint = 'Look at whether Redis is reachable, then try again.'
    return new StoreError(code, `Redis gave no answer within ${patienceMs} ms.`, detail(hint))
  }
  const word = errorWord(last.message)
  const what: StoreErrorCode = word === 'WRONGTYPE' ? 'corrupt' : code
  const said = word === undefined ? 'Redis cannot be reached' : 'Redis refused'
  const hint = HINTS[word ?? ''] ?? 'Look at whether Redis is reachable and what its log says, then try again.'
  return new StoreError(what, `${said}: ${last.message}`, detail(hint))
}

/** The caller's signal ended a wait. */
export function stoppedWaiting(path: string | undefined): StoreError {
  const detail = { step: 'lock credentials', ...(path !== undefined && { path }) }
  return new StoreError('locked', 'The caller stopped waiting for the lock.', detail)
}
