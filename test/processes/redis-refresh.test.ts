import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { createRedisStore } from '../../src/redis.ts'
import { type ConnectedClient, connectClient, type RedisServer, startRedis, withoutRedis } from './redis-server.ts'
import { createRefreshWorld, type RefreshWorld } from './refresh-world.ts'
import {
  CALLS,
  expectOneRedemptionPerExpiry,
  isReady,
  killAtRandom,
  logInBriefly,
  lostAnswers,
  PROCESSES,
  startCalling,
} from './stampede.ts'
import { killAll } from './started-process.ts'

/** About four expiries in a run. */
const PAUSE_MS = 150

describe.skipIf(withoutRedis)('many processes, one rotating refresh token, over Redis', () => {
  const library = inject('library')
  let redis: RedisServer
  let connected: ConnectedClient
  beforeEach(async () => {
    redis = await startRedis()
    connected = await connectClient('redis', redis.port)
  })
  afterEach(async () => {
    killAll()
    connected?.close()
    await redis?.remove()
  })

  async function loggedIn(): Promise<RefreshWorld> {
    const key = crypto.getRandomValues(new Uint8Array(32))
    const store = createRedisStore({ client: connected.client, key })
    const place = `redis:${redis.port}:${Buffer.from(key).toString('hex')}`
    return logInBriefly(await createRefreshWorld(library, { store, place }))
  }

  it(`field M1: ${PROCESSES} processes × ${CALLS} calls: nothing fails, nothing is reused, one redemption per expiry`, async () => {
    const world = await loggedIn()
    await expectOneRedemptionPerExpiry(world, await startCalling(world, PROCESSES, PAUSE_MS))
  })

  it('field M8: a random process killed every 200 ms loses no login but with an answer of the server', async () => {
    const world = await loggedIn()
    const all = await killAtRandom(world, await startCalling(world, 8, PAUSE_MS), PAUSE_MS)
    const { redemptions, logins } = await world.report()
    const refused = redemptions.filter(({ status }) => status !== 200)
    if ((await lostAnswers(world)) > 0) return expect(refused.length).toBeGreaterThan(0)
    expect(all.flatMap(({ lines }) => lines.filter(line => line !== 'ok' && !isReady(line)))).toEqual([])
    expect(logins).toBe(1)
    expect(refused).toEqual([])
  })
})
