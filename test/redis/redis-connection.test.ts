import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { StoreError } from '../../src/oauth/store/store-error.ts'
import { toRedisCommand } from '../../src/redis/redis-client.ts'
import { createRedisConnection, type RedisConnection } from '../../src/redis/redis-connection.ts'
import { createRedisStore } from '../../src/redis/redis-store.ts'

const PATIENCE_MS = 10_000
const reading = { step: 'read credentials', path: 'latchkey:record:1', code: 'unreadable' } as const
const writing = { step: 'write credentials', path: 'latchkey:record:1', code: 'unwritable' } as const

/** A Redis that does what `answers` say, one after the other, the last for ever; `hang` never answers. */
function scripted(...answers: readonly unknown[]): { connection: RedisConnection; sent: number; now: number } {
  const world = { sent: 0, now: 0 }
  const connection = createRedisConnection({
    patienceMs: PATIENCE_MS,
    now: () => world.now,
    async sleep(ms, signal) {
      // A limit passes only when nothing else happens before it.
      for (let turns = 0; turns < 10; turns++) await Promise.resolve()
      signal?.throwIfAborted()
      world.now += ms
    },
    command: async () => {
      const answer = answers[Math.min(world.sent++, answers.length - 1)]
      if (answer === 'hang') return new Promise(() => undefined)
      if (answer instanceof Error) throw answer
      return answer
    },
  })
  return Object.assign(world, { connection })
}

const caught = async (work: Promise<unknown>): Promise<StoreError> =>
  work.then(
    () => Promise.reject(new Error('it should have failed')),
    (error: StoreError) => error,
  )

describe('a Redis that is away for a moment', () => {
  it.each([
    'Socket closed unexpectedly',
    'Connection is closed.',
    'connect ECONNREFUSED 127.0.0.1:6379',
    'The client is closed',
    'LOADING Redis is loading the dataset in memory',
    'READONLY You can’t write against a read only replica.',
    'MASTERDOWN Link with MASTER is down',
  ])('is asked again after: %s', async message => {
    const world = scripted(new Error(message), new Error(message), 'value')
    expect(await world.connection.send(['GET', 'a'], reading)).toBe('value')
    expect(world.sent).toBe(3)
  })

  it('is given up when the patience ends, with the code of what was tried and what was said last', async () => {
    const refused = new Error('connect ECONNREFUSED 127.0.0.1:6379')
    for (const purpose of [reading, writing]) {
      const world = scripted(refused)
      const error = await caught(world.connection.send(['GET', 'a'], purpose))
      expect(error).toMatchObject({ name: 'StoreError', code: purpose.code })
      expect(error.detail).toMatchObject({ step: purpose.step, path: purpose.path, hint: expect.stringMatching(/\w/) })
      expect(error.message).toContain('ECONNREFUSED')
      expect(world.now).toBeLessThanOrEqual(PATIENCE_MS)
      expect(world.sent).toBeGreaterThan(5)
    }
  })

  it('that never answers is not waited for longer than the patience', async () => {
    const world = scripted('hang')
    expect(await caught(world.connection.send(['GET', 'a'], reading))).toMatchObject({ code: 'unreadable' })
    expect(world).toMatchObject({ now: PATIENCE_MS, sent: 1 })
  })

  it('is not waited for once the caller gave up', async () => {
    const world = scripted('hang')
    const error = await caught(world.connection.send(['GET', 'a'], { ...writing, signal: AbortSignal.abort() }))
    expect(error.code).toBe('locked')
    expect(world.sent).toBe(0)
  })
})

describe('a Redis that says no', () => {
  it.each([
    ['NOAUTH Authentication required.', 'password'],
    ['NOPERM this user has no permissions to run the eval command', 'EVAL'],
    ['OOM command not allowed when used memory > maxmemory', 'memory'],
    ['MISCONF Redis is configured to save RDB snapshots', 'disk'],
  ])('is not asked again: %s', async (message, hint) => {
    const world = scripted(new Error(message))
    const error = await caught(world.connection.send(['EVAL', 'x', '0'], writing))
    expect(error).toMatchObject({ code: 'unwritable', detail: { hint: expect.stringContaining(hint) } })
    expect(world.sent).toBe(1)
  })

  it('about a key of another type means a corrupt record, not an absent one', async () => {
    const wrong = new Error('WRONGTYPE Operation against a key holding the wrong kind of value')
    expect((await caught(scripted(wrong).connection.send(['GET', 'a'], reading))).code).toBe('corrupt')
  })

  it('shows neither the command nor the password that a client’s error carries', async () => {
    const failure = Object.assign(new Error('WRONGPASS invalid username-password pair'), {
      command: { name: 'auth', args: ['canary-password'] },
    })
    const error = await caught(scripted(failure).connection.send(['EVAL', 'canary-value'], writing))
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary')
  })
})

describe('the clients', () => {
  it('that have a `call` are given the words apart, whatever else they have', async () => {
    const client = {
      call: async (...words: string[]) => words,
      sendCommand: async () => 'takes a Command in ioredis',
    }
    expect(await toRedisCommand(client)(['SET', 'a', 'b'])).toEqual(['SET', 'a', 'b'])
  })

  it('of the other kind are given the words together; a function is taken as it is', async () => {
    expect(await toRedisCommand({ sendCommand: async words => [words] })(['GET', 'a'])).toEqual([['GET', 'a']])
    expect(await toRedisCommand(async words => words.length)(['GET', 'a'])).toBe(2)
  })
})

describe('the key', () => {
  const record = { server: 'https://mcp.example.com', profile: 'default' }
  const unusable = async (given: Uint8Array | CryptoKey): Promise<StoreError> =>
    caught(
      createRedisStore({ client: async () => ['1', 'sealed'], key: given }).compareAndSet(record, 1, {
        ...record,
        format: 1,
        issuers: {},
      }),
    )

  it.each([0, 16, 31, 33, 64])('of %i bytes is refused, and not shown', async length => {
    const error = await unusable(new Uint8Array(length).fill(0xab))
    expect(error).toMatchObject({ code: 'unreadable', message: expect.stringContaining(`${length} bytes`) })
    expect(inspect(error)).not.toMatch(/abab|171/)
  })

  it('of another algorithm, length or purpose is refused', async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(32))
    const [raw, both] = ['raw', ['encrypt', 'decrypt']] as const
    for (const each of [
      await crypto.subtle.importKey(raw, bytes, 'AES-CBC', false, both),
      await crypto.subtle.importKey(raw, bytes.slice(0, 16), 'AES-GCM', false, both),
      await crypto.subtle.importKey(raw, bytes, 'AES-GCM', false, ['decrypt']),
    ])
      expect((await unusable(each)).code).toBe('unreadable')
  })
})
