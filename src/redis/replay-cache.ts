import type { ReplayCache } from '../resource-server/replay-cache.ts'
import { type RedisClient, toRedisCommand } from './redis-client.ts'
import { createRedisConnection, type RedisClock } from './redis-connection.ts'

const DEFAULT_PREFIX = 'latchkey'
const DEFAULT_PATIENCE_MS = 2_000
/** For machines whose clocks differ a little. */
const MARGIN_MS = 5_000

export interface RedisReplayCacheOptions {
  /** A connected client of `redis` or `ioredis`, or a function that sends a command. The caller closes it. */
  readonly client: RedisClient
  /** Begins the name of every key in Redis. Default `latchkey`. */
  readonly prefix?: string | undefined
  /** Milliseconds that one request waits for a Redis that is away, before it fails. Default 2 000. */
  readonly patienceMs?: number | undefined
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined
  /** For waiting; tests replace it. */
  readonly clock?: RedisClock | undefined
}

/**
 * Remembers in Redis which proofs of possession were used, for servers on many machines. Redis forgets them by itself when they end. Use
 * `maxmemory-policy noeviction`: what it evicts can be used again.
 *
 * @throws {StoreError} from `claim`: `unwritable` or `unreadable` when Redis is away or refuses; the proof is not taken then
 */
export function createRedisReplayCache(options: RedisReplayCacheOptions): ReplayCache {
  const { prefix = DEFAULT_PREFIX, patienceMs = DEFAULT_PATIENCE_MS, now = Date.now } = options
  const connection = createRedisConnection({ ...options.clock, command: toRedisCommand(options.client), patienceMs })
  return {
    async claim(key, expiresAt) {
      const lifetimeMs = Math.ceil(expiresAt - now()) + MARGIN_MS
      if (lifetimeMs <= 0) return false
      const path = `${prefix}:proof:${key}`
      const purpose = { step: 'claim proof of possession', path, code: 'unwritable' } as const
      const own = crypto.randomUUID()
      const taken = await connection.send(['SET', path, own, 'NX', 'PX', String(lifetimeMs)], purpose)
      if (textOf(taken) === 'OK') return true
      // Sent twice, because the first answer was lost, it finds what it wrote itself.
      return textOf(await connection.send(['GET', path], { ...purpose, code: 'unreadable' })) === own
    },
  }
}

/** Clients may be set to answer with bytes. */
function textOf(reply: unknown): string | undefined {
  if (typeof reply === 'string') return reply
  return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : undefined
}
