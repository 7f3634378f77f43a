import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyRecord } from '../../src/oauth/credential-record.ts'
import type { CredentialRecord, CredentialStore } from '../../src/oauth/store/credential-store.ts'
import { createRedisStore, type RedisStoreOptions } from '../../src/redis.ts'
import { describeStoreContract } from '../oauth/store-contract.ts'
import {
  CLIENT_PACKAGES,
  type ClientPackage,
  connectClient,
  type ConnectedClient,
  type RedisServer,
  startRedis,
  withoutRedis,
} from './redis-server.ts'

const key = { server: 'https://mcp.example.com/mcp', profile: 'default' }
const ISSUER = 'https://as.example.com'
const secretKey = crypto.getRandomValues(new Uint8Array(32))

function recordOf(accessToken: string, at = key): CredentialRecord {
  const grant = {
    grantId: 'g',
    accessToken,
    tokenType: 'Bearer' as const,
    obtainedAt: 1,
    refreshToken: 'canary-refresh',
  }
  const registration = {
    kind: 'dynamic' as const,
    clientId: 'canary-client',
    clientSecret: 'canary-secret',
    tokenEndpointAuthMethod: 'none' as const,
  }
  return { ...emptyRecord(at), current: ISSUER, issuers: { [ISSUER]: { grant, registration } } }
}

function gate(): { promise: Promise<void>; open: () => void } {
  let open!: () => void
  const promise = new Promise<void>(resolve => (open = resolve))
  return { promise, open }
}

describe.skipIf(withoutRedis)('Redis', () => {
  let server: RedisServer
  let raw: Redis
  const clients = new Map<string, ConnectedClient>()
  let prefixes = 0

  beforeAll(async () => {
    server = await startRedis()
    raw = new Redis({ host: '127.0.0.1', port: server.port })
    for (const name of CLIENT_PACKAGES)
      for (const number of [1, 2]) clients.set(`${name}-${number}`, await connectClient(name, server.port))
  })
  afterAll(async () => {
    for (const { close } of clients.values()) close()
    raw?.disconnect()
    await server?.remove()
  })

  const newPrefix = (): string => `test-${++prefixes}`
  const storeOf = (
    name: ClientPackage,
    options: Partial<RedisStoreOptions> & { prefix: string },
    number = 1,
  ): CredentialStore =>
    createRedisStore({ client: clients.get(`${name}-${number}`)!.client, key: secretKey, ...options })

  describe.each(CLIENT_PACKAGES)('through %s', name => {
    const prefixOf = new WeakMap<CredentialStore, string>()
    describeStoreContract(`the Redis store through ${name}`, {
      async open() {
        const prefix = newPrefix()
        const store = storeOf(name, { prefix })
        prefixOf.set(store, prefix)
        return store
      },
      // As another machine has it: over a connection of its own.
      reopen: async store => storeOf(name, { prefix: prefixOf.get(store)! }, 2),
    })

    it('holds nothing in clear: no secret, server, profile or issuer in any key or value', async () => {
      const prefix = newPrefix()
      const store = storeOf(name, { prefix })
      const at = { server: 'https://canary-server.example/mcp', profile: 'canary-profile' }
      await store.compareAndSet(at, 0, recordOf('canary-access', at))
      await store.compareAndSet(at, 1, recordOf('canary-access-2', at))
      await store.withLock(at, async () => {
        const dump: string[] = []
        for (const each of await raw.keys(`${prefix}:*`)) {
          const type = await raw.type(each)
          const value =
            type === 'hash' ? await raw.hgetall(each) : type === 'set' ? await raw.smembers(each) : await raw.get(each)
          dump.push(each, JSON.stringify(value))
        }
        expect(dump).toHaveLength(6)
        const shown = dump.join('\n')
        for (const clear of ['canary', btoa('canary').slice(0, 7), ISSUER, 'grantId'])
          expect(shown).not.toContain(clear)
      })
      expect((await store.get(at))?.record).toEqual(recordOf('canary-access-2', at))
    })

    it('a lock is renewed for as long as its task runs', async () => {
      const prefix = newPrefix()
      const holder = storeOf(name, { prefix, lockLeaseMs: 150 })
      const waiter = storeOf(name, { prefix, lockTimeoutMs: 600 }, 2)
      const finish = gate()
      const held = holder.withLock(key, () => finish.promise)
      await expect.poll(() => raw.keys(`${prefix}:lock:*`)).toHaveLength(1)
      await expect(waiter.withLock(key, async () => 'in')).rejects.toMatchObject({ name: 'StoreError', code: 'locked' })
      finish.open()
      await held
      expect(await raw.keys(`${prefix}:lock:*`)).toEqual([])
    })

    it('field M8: the lock of a holder that is gone frees itself when its lease ends', async () => {
      const prefix = newPrefix()
      const [lock] = await lockKeyOf(prefix)
      await raw.set(lock!, 'a process that died', 'PX', 200)
      expect(await storeOf(name, { prefix }).withLock(key, async () => 'in')).toBe('in')
      expect(await raw.get(lock!)).toBeNull()
    })

    it('a holder whose lease ended overwrites nothing that a newer holder wrote, and does not free its lock', async () => {
      const prefix = newPrefix()
      const [lock] = await lockKeyOf(prefix)
      const slow = storeOf(name, { prefix })
      const fast = storeOf(name, { prefix }, 2)
      await slow.compareAndSet(key, 0, recordOf('first'))
      const [entered, wake, leave] = [gate(), gate(), gate()]
      const late = slow.withLock(key, async () => {
        const { version = 0 } = (await slow.get(key)) ?? {}
        entered.open()
        await wake.promise
        return slow.compareAndSet(key, version, recordOf('late'))
      })
      await entered.promise
      // As if it had been stopped for longer than its lease.
      await raw.del(lock!)
      const inside = gate()
      const newer = fast.withLock(key, async () => {
        expect(await fast.compareAndSet(key, 1, recordOf('newer'))).toBe(2)
        inside.open()
        await leave.promise
      })
      await inside.promise
      const owner = await raw.get(lock!)
      wake.open()
      expect(await late).toBeUndefined()
      expect((await fast.get(key))?.record).toEqual(recordOf('newer'))
      expect(await raw.get(lock!)).toBe(owner)
      leave.open()
      await newer
    })

    it('takes a lock again that Redis forgot while its task ran', async () => {
      const prefix = newPrefix()
      const [lock] = await lockKeyOf(prefix)
      const finish = gate()
      const held = storeOf(name, { prefix, lockLeaseMs: 150 }).withLock(key, () => finish.promise)
      await expect.poll(() => raw.get(lock!)).not.toBeNull()
      const owner = await raw.get(lock!)
      await raw.del(lock!)
      await expect.poll(() => raw.get(lock!)).toBe(owner)
      finish.open()
      await held
    })
  })

  async function lockKeyOf(prefix: string): Promise<readonly string[]> {
    return storeOf('ioredis', { prefix }).withLock(key, () => raw.keys(`${prefix}:lock:*`))
  }

  async function stored(): Promise<{ prefix: string; path: string; store: CredentialStore }> {
    const prefix = newPrefix()
    const store = storeOf('redis', { prefix })
    await store.compareAndSet(key, 0, recordOf('a'))
    const [path] = await raw.keys(`${prefix}:record:*`)
    return { prefix, path: path!, store }
  }

  const damages: readonly [string, (path: string) => Promise<unknown>][] = [
    [
      'a changed character',
      async path => raw.hset(path, 'sealed', `${(await raw.hget(path, 'sealed'))!.slice(0, -2)}AA`),
    ],
    ['a cut value', async path => raw.hset(path, 'sealed', (await raw.hget(path, 'sealed'))!.slice(0, 60))],
    ['no base64', path => raw.hset(path, 'sealed', 'latchkey-credentials 1\n{}')],
    ['nothing', path => raw.hset(path, 'sealed', '')],
    ['a missing value', path => raw.hdel(path, 'sealed')],
    ['a missing version', path => raw.hdel(path, 'version')],
    ['another version', path => raw.hset(path, 'version', '7')],
    ['a version that is no number', path => raw.hset(path, 'version', 'seven')],
    ['another type', async path => (await raw.del(path), raw.set(path, 'text'))],
  ]
  it.each(damages)('%s is corrupt, not absent, and is left as it is', async (_, damage) => {
    const { store, path } = await stored()
    await damage(path)
    const before = await raw.dump(path)
    for (const attempt of [
      () => store.get(key),
      () => store.list(),
      () => store.compareAndSet(key, 0, recordOf('b')),
      () => store.compareAndSet(key, 1, recordOf('b')),
      () => store.delete(key, 1),
    ])
      await expect(attempt()).rejects.toMatchObject({ name: 'StoreError', code: 'corrupt', detail: { path } })
    expect(await raw.dump(path)).toBe(before)
  })

  it('a value copied to another record does not open', async () => {
    const { prefix, path, store } = await stored()
    const other = { ...key, profile: 'work' }
    await store.compareAndSet(other, 0, recordOf('other', other))
    const target = (await raw.keys(`${prefix}:record:*`)).find(each => each !== path)!
    await raw.copy(path, target, 'REPLACE')
    await expect(store.get(other)).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('what a newer version wrote is refused and left as it is', async () => {
    const { store, path } = await stored()
    const sealed = (await raw.hget(path, 'sealed'))!
    await raw.hset(path, 'sealed', sealed.replace('latchkey-credentials 1', 'latchkey-credentials 2'))
    await expect(store.get(key)).rejects.toMatchObject({ code: 'newer_format' })
    await expect(store.compareAndSet(key, 1, recordOf('b'))).rejects.toMatchObject({ code: 'newer_format' })
  })

  it('what another key sealed is corrupt, whichever kind of key it was', async () => {
    const { store, prefix } = await stored()
    const bytes = crypto.getRandomValues(new Uint8Array(32))
    const other = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
    for (const each of [bytes, other])
      await expect(storeOf('redis', { prefix, key: each }).get(key)).rejects.toMatchObject({ code: 'corrupt' })
    expect((await store.get(key))?.version).toBe(1)
  })

  it('bytes and a CryptoKey of the same bytes open each other’s records', async () => {
    const { prefix } = await stored()
    for (const extractable of [true, false]) {
      const same = await crypto.subtle.importKey('raw', secretKey, 'AES-GCM', extractable, ['encrypt', 'decrypt'])
      const store = storeOf('ioredis', { prefix, key: same })
      const { version = 0 } = (await store.get(key)) ?? {}
      await store.compareAndSet(key, version, recordOf(`extractable-${extractable}`))
      expect((await storeOf('redis', { prefix }).get(key))?.record).toEqual(recordOf(`extractable-${extractable}`))
    }
  })

  /** Sends through ioredis; `lose` says whose answer is lost with the connection. */
  const losing = (
    lose: (args: readonly string[]) => boolean,
    between?: () => Promise<unknown>,
  ): RedisStoreOptions['client'] => {
    const { client } = clients.get('ioredis-1')!
    return async args => {
      if (typeof client === 'function' || !('call' in client)) throw new Error('not ioredis')
      const answer = await client.call(args[0]!, ...args.slice(1))
      if (!lose(args)) return answer
      await between?.()
      throw new Error('Socket closed unexpectedly')
    }
  }
  const firstOf = (word: string): ((args: readonly string[]) => boolean) => {
    let lost = false
    return args => !lost && args[0] === word && (lost = true)
  }

  it('a write whose answer was lost with the connection counts once, and says that it won', async () => {
    const prefix = newPrefix()
    const store = storeOf('ioredis', { prefix, client: losing(firstOf('EVAL')) })
    expect(await store.compareAndSet(key, 0, recordOf('a'))).toBe(1)
    expect(await store.get(key)).toEqual({ version: 1, record: recordOf('a') })
    const deleting = storeOf('ioredis', { prefix, client: losing(firstOf('EVAL')) })
    expect(await deleting.delete(key, 1)).toBe(true)
    expect(await store.compareAndSet(key, 0, recordOf('b'))).toBe(3)
  })

  it('a write whose answer was lost, and that another followed, is a lost race: nothing is overwritten', async () => {
    const prefix = newPrefix()
    const other = storeOf('redis', { prefix })
    const client = losing(firstOf('EVAL'), () => other.compareAndSet(key, 1, recordOf('other')))
    expect(await storeOf('ioredis', { prefix, client }).compareAndSet(key, 0, recordOf('a'))).toBeUndefined()
    expect(await other.get(key)).toEqual({ version: 2, record: recordOf('other') })
  })

  it('a lock whose answer was lost is held, once, by who asked', async () => {
    const prefix = newPrefix()
    const store = storeOf('ioredis', { prefix, client: losing(firstOf('EVAL')), lockTimeoutMs: 200 })
    expect(await store.withLock(key, () => raw.keys(`${prefix}:lock:*`))).toHaveLength(1)
    expect(await raw.keys(`${prefix}:lock:*`)).toEqual([])
  })

  it('never runs a task when it cannot know that it has the lock, and leaves none behind', async () => {
    const prefix = newPrefix()
    let lost = 0
    const client = losing(args => args[0] === 'EVAL' && ++lost > 0)
    const store = storeOf('ioredis', { prefix, client, patienceMs: 80 })
    let ran = false
    await expect(store.withLock(key, async () => void (ran = true))).rejects.toMatchObject({ code: 'unwritable' })
    expect(ran).toBe(false)
    expect(lost).toBeGreaterThan(1)
    await expect.poll(() => raw.keys(`${prefix}:lock:*`)).toEqual([])
  })

  it('lists by its index, and never asks Redis for all of its keys', async () => {
    const prefix = newPrefix()
    const sent: string[] = []
    const { client } = clients.get('ioredis-1')!
    const command = async (args: readonly string[]): Promise<unknown> => {
      sent.push(args[0]!)
      if (typeof client === 'function' || !('call' in client)) throw new Error('not ioredis')
      return client.call(args[0]!, ...args.slice(1))
    }
    const store = createRedisStore({ client: command, key: secretKey, prefix })
    const profiles = Array.from({ length: 130 }, (_, index) => `p${index}`)
    await Promise.all(
      profiles.map(profile => store.compareAndSet({ ...key, profile }, 0, recordOf('a', { ...key, profile }))),
    )
    expect((await store.list()).map(({ profile }) => profile).sort()).toEqual(profiles.sort())
    expect(new Set(sent)).toEqual(new Set(['HMGET', 'EVAL', 'SMEMBERS']))
  })

  it('what is left of a deleted record names nobody and expires; a record that follows does not', async () => {
    const { prefix, store, path } = await stored()
    expect(await raw.scard(`${prefix}:records`)).toBe(1)
    await store.delete(key, 1)
    expect(await raw.exists(`${prefix}:records`)).toBe(0)
    expect(await raw.pttl(path)).toBeGreaterThan(29 * 24 * 3_600_000)
    expect(await store.compareAndSet(key, 0, recordOf('again'))).toBe(3)
    expect(await raw.pttl(path)).toBe(-1)
    expect(await store.list()).toEqual([key])
  })

  it('a hung Redis ends in a typed error when the patience does', async () => {
    const prefix = newPrefix()
    const store = createRedisStore({
      client: () => new Promise(() => undefined),
      key: secretKey,
      prefix,
      patienceMs: 40,
    })
    await expect(store.get(key)).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringContaining('40 ms'),
    })
  })
})
