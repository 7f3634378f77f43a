import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryReplayCache, type ReplayCache } from '../../src/resource-server/replay-cache.ts'

const world = { now: 0 }
beforeEach(() => {
  world.now = 1_750_000_000_000
})

const cacheOf = (maxEntries: number): ReplayCache => createMemoryReplayCache({ maxEntries, now: () => world.now })
const inSeconds = (seconds: number): number => world.now + seconds * 1000

describe('used proofs in memory', () => {
  it('are known until they end', async () => {
    const cache = cacheOf(10)
    expect(await cache.claim('a', inSeconds(60))).toBe(true)
    world.now += 60_000
    expect(await cache.claim('a', inSeconds(0))).toBe(false)
    world.now += 2_000
    expect(await cache.claim('a', inSeconds(60))).toBe(true)
  })

  it('when there are too many, those that end first are forgotten, and nothing that ends as early is taken any more', async () => {
    const cache = cacheOf(3)
    for (const [index, key] of ['a', 'b', 'c', 'd'].entries())
      expect(await cache.claim(key, inSeconds(10 + index))).toBe(true)
    expect(await cache.claim('a', inSeconds(10))).toBe(false)
    expect(await cache.claim('new', inSeconds(10))).toBe(false)
    expect(await cache.claim('b', inSeconds(11))).toBe(false)
    expect(await cache.claim('new', inSeconds(20))).toBe(true)
  })

  it('make room for no proof that would be the first to go', async () => {
    const cache = cacheOf(2)
    for (const key of ['a', 'b']) expect(await cache.claim(key, inSeconds(10))).toBe(true)
    for (const key of ['c', 'd']) expect(await cache.claim(key, inSeconds(10))).toBe(false)
    expect(await cache.claim('e', inSeconds(11))).toBe(true)
  })

  it('are not used again when the clock is set back', async () => {
    const cache = cacheOf(10)
    const until = inSeconds(60)
    await cache.claim('a', until)
    world.now += 3_600_000
    await cache.claim('b', inSeconds(60))
    world.now -= 3_600_000
    expect(await cache.claim('a', until)).toBe(false)
  })
})

describe('an owner who fills the memory with proofs that are dated ahead', () => {
  /** How long a proof of now is taken, and one of the furthest future. */
  const [HONEST, AHEAD] = [300, 360]

  it.each([1, 3])('locks nobody else out, with keys: %d', async attackers => {
    const cache = cacheOf(100)
    for (let turn = 0; turn < 1000; turn += 1) {
      for (let each = 0; each < 5; each += 1)
        await cache.claim(`evil ${turn} ${each}`, inSeconds(AHEAD - (each % 60)), `mallory ${turn % attackers}`)
      expect(await cache.claim(`good ${turn}`, inSeconds(HONEST), `alice ${turn % 7}`)).toBe(true)
      world.now += 500
    }
  })

  it('all in one second, either', async () => {
    const cache = cacheOf(100)
    for (let each = 0; each < 1000; each += 1) await cache.claim(`evil ${each}`, inSeconds(AHEAD), 'mallory')
    for (let each = 0; each < 50; each += 1)
      expect(await cache.claim(`good ${each}`, inSeconds(HONEST), 'alice')).toBe(true)
  })

  it('is refused what was used, and what ends as early as what was forgotten of theirs', async () => {
    const cache = cacheOf(10)
    await cache.claim('good', inSeconds(HONEST), 'alice')
    for (let each = 0; each < 30; each += 1)
      expect(await cache.claim(`evil ${each}`, inSeconds(AHEAD - 60 + each), 'mallory')).toBe(true)
    for (let each = 0; each < 30; each += 1)
      expect(await cache.claim(`evil ${each}`, inSeconds(AHEAD - 60 + each), 'mallory')).toBe(false)
    expect(await cache.claim('evil, new', inSeconds(HONEST), 'mallory')).toBe(false)
    expect(await cache.claim('good', inSeconds(HONEST), 'alice')).toBe(false)
    expect(await cache.claim('good, new', inSeconds(1), 'alice')).toBe(true)
  })

  it('is known as that also after everything of theirs was forgotten', async () => {
    const cache = cacheOf(3)
    for (const key of ['a', 'b', 'c']) await cache.claim(key, inSeconds(AHEAD), 'mallory')
    expect(await cache.claim('good', inSeconds(HONEST), 'alice')).toBe(true)
    for (const key of ['a', 'b', 'c', 'd']) expect(await cache.claim(key, inSeconds(AHEAD), 'mallory')).toBe(false)
  })
})

describe('a memory that is too small for honest clients', () => {
  it('a lone gateway goes on, second by second, however many requests it sends', async () => {
    const cache = cacheOf(1000)
    for (let second = 0; second < 400; second += 1, world.now += 1000)
      for (let each = 0; each < 50; each += 1)
        expect(await cache.claim(`${second} ${each}`, inSeconds(300), 'gateway')).toBe(true)
    for (let second = 0; second < 400; second += 1)
      expect(await cache.claim(`${second} 0`, inSeconds(second - 100), 'gateway')).toBe(false)
  })

  it('so do many clients with one proof each', async () => {
    const cache = cacheOf(100)
    for (let second = 0; second < 400; second += 1, world.now += 1000)
      for (let each = 0; each < 5; each += 1)
        expect(await cache.claim(`${second} ${each}`, inSeconds(300), `client ${second} ${each}`)).toBe(true)
    expect(await cache.claim('399 0', inSeconds(299), 'client 399 0')).toBe(false)
    expect(await cache.claim('300 0', inSeconds(200), 'client 300 0')).toBe(false)
  })

  it('where nobody has more than one, what ends first makes room, and nobody may come as early any more', async () => {
    const cache = cacheOf(2)
    for (const [index, owner] of ['alice', 'bob', 'carol'].entries())
      expect(await cache.claim(`of ${owner}`, inSeconds(10 + index), owner)).toBe(true)
    expect(await cache.claim('of dave', inSeconds(10), 'dave')).toBe(false)
    expect(await cache.claim('of dave', inSeconds(11), 'dave')).toBe(false)
    expect(await cache.claim('of bob', inSeconds(11), 'bob')).toBe(false)
    expect(await cache.claim('of erin', inSeconds(13), 'erin')).toBe(true)
  })
})

it('takes nothing twice, whatever comes in whatever order, also when the clock is set back', async () => {
  const claim = fc.record({
    owner: fc.constantFrom(undefined, 'alice', 'bob', 'mallory'),
    name: fc.integer({ min: 0, max: 8 }),
    ends: fc.integer({ min: 0, max: 12 }),
    passes: fc.integer({ min: -2, max: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(claim, { maxLength: 80 }), async (maxEntries, claims) => {
      const [cache, taken, start] = [cacheOf(maxEntries), new Set<string>(), 1_750_000_000_000]
      world.now = start
      for (const { owner, name, ends, passes } of claims) {
        // A proof always ends when it ends.
        const key = `${owner} ${name} ${ends}`
        if (await cache.claim(key, start + ends * 1000, owner)) {
          expect(taken).not.toContain(key)
          taken.add(key)
        }
        world.now += passes * 1000
      }
    }),
  )
})
