import type { CredentialKey, CredentialStore, VersionedRecord } from '../oauth/store/credential-store.ts'
import { type RedisClient, toRedisCommand } from './redis-client.ts'
import { createRedisConnection, type RedisClock } from './redis-connection.ts'
import { withRedisLock } from './redis-lock.ts'
import { corrupt, openValue, type SealingKey, sealValue, toSealingKey, type ValueContent } from './sealed-value.ts'

const DEFAULT_PREFIX = 'latchkey'
const DEFAULT_LOCK_TIMEOUT_MS = 120_000
const DEFAULT_LEASE_MS = 15_000
const DEFAULT_PATIENCE_MS = 10_000
/** How long versions go on counting after a deletion. A writer from before it that slept longer is on its own. */
const TOMBSTONE_MS = 30 * 24 * 3_600_000
/** Records that `list` reads at once. */
const LIST_BATCH = 100

/**
 * Replaces version ARGV[1] by ARGV[2]. Sent twice, because the first answer was lost, it still says that it won: a sealed value holds a random
 * nonce, so nobody else writes the same.
 */
const PUBLISH = `
local version = redis.call('HGET', KEYS[1], 'version')
if version == ARGV[2] and redis.call('HGET', KEYS[1], 'sealed') == ARGV[3] then return 1 end
if (version or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'sealed', ARGV[3])
if ARGV[5] == '0' then
  redis.call('PERSIST', KEYS[1])
  redis.call('SADD', KEYS[2], ARGV[4])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  redis.call('SREM', KEYS[2], ARGV[4])
end
return 1`

export interface RedisStoreOptions extends RedisClock {
  /** A connected client of `redis` or `ioredis`, or a function that sends a command. The caller closes it, after the sessions. */
  readonly client: RedisClient
  /**
   * The key that seals the records, the same on every machine: 32 random bytes, or a `CryptoKey` for AES-GCM with 256 bits. Whoever can read
   * Redis, its backups or its traffic learns nothing without it.
   */
  readonly key: Uint8Array | CryptoKey
  /** Begins the name of every key in Redis. Default `latchkey`. */
  readonly prefix?: string
  /** Milliseconds to wait for a lock that another process holds. Default two minutes. */
  readonly lockTimeoutMs?: number
  /** Milliseconds until the lock of a process that died, or hangs, is free. Renewed while a task runs. Default 15 s. */
  readonly lockLeaseMs?: number
  /** Milliseconds that one operation waits for a Redis that is away, before it fails. Default 10 s. */
  readonly patienceMs?: number
}

/**
 * Keeps every record in Redis, for programs on many machines: sealed with AES-256-GCM, versioned, replaced by one script of which exactly one
 * writer wins. A short absence of Redis is waited out, and whatever was sent twice counts once.
 *
 * A record is as durable as Redis is: run it with `appendonly yes` (`appendfsync always`, to lose nothing at all) and
 * `maxmemory-policy noeviction`. Needs Redis 5 or newer and one primary.
 *
 * @throws {StoreError} from every method: `unreadable` or `unwritable` when Redis is away or refuses, `corrupt`, `newer_format`, `locked`
 */
export function createRedisStore(options: RedisStoreOptions): CredentialStore {
  const { prefix = DEFAULT_PREFIX, lockLeaseMs = DEFAULT_LEASE_MS, lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS } = options
  const { patienceMs = DEFAULT_PATIENCE_MS, client, now, sleep } = options
  const command = toRedisCommand(client)
  const connection = createRedisConnection({ command, patienceMs, ...(now && { now }), ...(sleep && { sleep }) })
  // Copied now: the caller may clear its bytes.
  const given = options.key instanceof Uint8Array ? new Uint8Array(options.key) : options.key
  let sealingKey: Promise<SealingKey> | undefined
  const key = (): Promise<SealingKey> => (sealingKey ??= toSealingKey(given))
  const index = `${prefix}:records`
  const pathOf = (name: string): string => `${prefix}:record:${name}`

  /** The newest version of a record; version 0 when there is none. */
  async function newest(name: string): Promise<FoundVersion> {
    const path = pathOf(name)
    const purpose = { step: 'read credentials', path, code: 'unreadable' } as const
    const reply = await connection.send(['HMGET', path, 'version', 'sealed'], purpose)
    const [stored, sealed] = Array.isArray(reply) ? reply.map(textOf) : []
    if (stored === undefined && sealed === undefined) return { version: 0, content: undefined }
    const version = versionOf(stored)
    if (version === undefined || sealed === undefined) throw corrupt({ path })
    return { version, content: await openValue(sealed, { path, name, version }, await key()) }
  }

  /** Publishes `content` as the version after `version`, unless somebody else did. */
  async function publish(name: string, version: number, content: ValueContent): Promise<number | undefined> {
    const next = version + 1
    const path = pathOf(name)
    const sealed = await sealValue(content, { path, name, version: next }, await key())
    const expiry = content === 'deleted' ? TOMBSTONE_MS : 0
    const values = [version, next, sealed, name, expiry].map(String)
    const purpose = { step: 'write credentials', path, code: 'unwritable' } as const
    const won = await connection.send(['EVAL', PUBLISH, '2', path, index, ...values], purpose)
    return Number(won) === 1 ? next : undefined
  }

  return {
    description: `encrypted values in Redis under ${prefix}:`,
    async get(credentialKey) {
      const { version, content } = await newest(await nameOf(credentialKey))
      return content === undefined || content === 'deleted'
        ? undefined
        : ({ version, record: content } satisfies VersionedRecord)
    },
    async list() {
      const purpose = { step: 'list credentials', path: index, code: 'unreadable' } as const
      const reply = await connection.send(['SMEMBERS', index], purpose)
      const names = Array.isArray(reply) ? reply.flatMap(member => textOf(member) ?? []) : []
      const found: FoundVersion[] = []
      for (let start = 0; start < names.length; start += LIST_BATCH)
        found.push(...(await Promise.all(names.slice(start, start + LIST_BATCH).map(newest))))
      return found.flatMap(({ content }) =>
        content === undefined || content === 'deleted' ? [] : [{ server: content.server, profile: content.profile }],
      )
    },
    async compareAndSet(credentialKey, version, record) {
      const name = await nameOf(credentialKey)
      const current = await newest(name)
      if (visibleVersion(current) !== version) return undefined
      return publish(name, current.version, record)
    },
    async delete(credentialKey, version) {
      const name = await nameOf(credentialKey)
      const current = await newest(name)
      if (visibleVersion(current) !== version || version === 0) return false
      return (await publish(name, current.version, 'deleted')) !== undefined
    },
    async withLock(credentialKey, task, { signal } = {}) {
      const lock = `${prefix}:lock:${await nameOf(credentialKey)}`
      return withRedisLock(task, { connection, key: lock, leaseMs: lockLeaseMs, timeoutMs: lockTimeoutMs, signal })
    },
  }
}

interface FoundVersion {
  readonly version: number
  readonly content: ValueContent | undefined
}

function visibleVersion({ version, content }: FoundVersion): number {
  return content === 'deleted' ? 0 : version
}

/** A digest gives away neither the server nor the profile to who does not know them already. */
async function nameOf({ server, profile }: CredentialKey): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify([server, profile])))
  return Array.from(new Uint8Array(digest, 0, 20), byte => byte.toString(16).padStart(2, '0')).join('')
}

/** Clients may be set to answer with bytes. */
function textOf(reply: unknown): string | undefined {
  if (typeof reply === 'string') return reply
  return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : undefined
}

function versionOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined
}
