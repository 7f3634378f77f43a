import { describe, expect, it } from 'vitest'
import { createRedisReplayCache } from '../../src/redis/replay-cache.ts'

/** A Redis with one key space, whose answers may be lost after the command was done. */
function fakeRedis() {
  const keys = new Map<string, string>()
  const world = { sent: [] as (readonly string[])[], lose: 0, now: 1_000_000, down: false }
  async function client(args: readonly string[]): Promise<unknown> {
    world.sent.push(args)
    if (world.down) throw new Error('connect ECONNREFUSED 127.0.0.1:6379')
    const [command, key = '', value = ''] = args
    let answer: string | null = keys.get(key) ?? null
    if (command === 'SET') {
      answer = keys.has(key) ? null : 'OK'
      if (answer === 'OK') keys.set(key, value)
    }
    if (world.lose-- > 0) throw new Error('Socket closed unexpectedly')
    return answer
  }
  const cache = createRedisReplayCache({
    client,
    now: () => world.now,
    clock: {
      now: () => world.now,
      async sleep(ms, signal) {
        // A limit passes only when nothing else happens before it.
        for (let turns = 0; turns < 10; turns++) await Promise.resolve()
        signal?.throwIfAborted()
        world.now += ms
      },
    },
  })
  return Object.assign(world, { cache })
}

describe('used proofs in Redis', () => {
  it('are claimed by one command, for as long as they last and a little longer', async () => {
    const redis = fakeRedis()
    expect(await redis.cache.claim('digest', redis.now + 60_000)).toBe(true)
    expect(redis.sent).toEqual([['SET', 'latchkey:proof:digest', expect.any(String), 'NX', 'PX', '65000']])
    expect(await redis.cache.claim('digest', redis.now + 60_000)).toBe(false)
  })

  it('a claim whose answer was lost is still won, and lost for everybody else', async () => {
    const redis = fakeRedis()
    redis.lose = 1
    expect(await redis.cache.claim('digest', redis.now + 60_000)).toBe(true)
    expect(await redis.cache.claim('digest', redis.now + 60_000)).toBe(false)
  })

  it('nothing is taken while Redis is away', async () => {
    const redis = fakeRedis()
    redis.down = true
    const claim = redis.cache.claim('digest', redis.now + 60_000)
    await expect(claim).rejects.toMatchObject({ name: 'StoreError', code: 'unwritable' })
  })

  it('what has ended long ago is not taken', async () => {
    const redis = fakeRedis()
    expect(await redis.cache.claim('digest', redis.now - 5_000)).toBe(false)
    expect(redis.sent).toEqual([])
  })
})
