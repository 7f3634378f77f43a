import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { createRedisStore } from '../../src/redis.ts'
import { type ConnectedClient, connectClient, type RedisServer, startRedis, withoutRedis } from './redis-server.ts'
import { createRefreshWorld, type RefreshWorld } from './refresh-world.ts'
import { killAll } from './started-process.ts'

const PROCESSES = 20
const CALLS = 25
/** Milliseconds between two calls of one process, on the average: about four expiries in a run. */
const PAUSE_MS = 150
/**
 * The access token lives one second; nobody may replace it before a tenth of that is left, and a tenth of the tenth. The rest is for requests
 * that were on their way longer than the next one, on a busy machine.
 */
const EARLIEST_REDEMPTION_MS = 700

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
    const world = await createRefreshWorld(library, { store, place })
    world.command('set', { accessTokenLifetimeS: 1 })
    await world.login()
    return world
  }

  it(`field M1: ${PROCESSES} processes × ${CALLS} calls: nothing fails, nothing is reused, one redemption per expiry`, async () => {
    const world = await loggedIn()
    const clients = Array.from({ length: PROCESSES }, () => world.client('call', CALLS, PAUSE_MS))
    await Promise.all(clients.map(client => client.said(line => line === 'ready')))
    for (const client of clients) client.tell('go')
    expect(new Set(await Promise.all(clients.map(client => client.ended)))).toEqual(new Set([0]))
    const said = clients.flatMap(({ lines }) => lines.filter(line => line !== 'ready'))
    expect(said.filter(line => line !== 'ok')).toEqual([])
    expect(said).toHaveLength(PROCESSES * CALLS)
    const { redemptions, logins } = await world.report()
    expect(logins).toBe(1)
    expect(redemptions.filter(({ status }) => status !== 200)).toEqual([])
    // One chain: each redemption spends what the one before it brought.
    expect(redemptions.slice(1).map(({ spent }) => spent)).toEqual(redemptions.slice(0, -1).map(({ next }) => next))
    expect(redemptions.at(-1)?.next).toBe((await world.grant()).refreshToken)
    const gaps = redemptions.slice(1).map(({ at }, index) => at - redemptions[index]!.at)
    expect(gaps.filter(gap => gap < EARLIEST_REDEMPTION_MS)).toEqual([])
    expect(redemptions.length).toBeGreaterThanOrEqual(2)
  })

  it('field M8: a random process killed every 200 ms loses no login but with an answer of the server', async () => {
    const world = await loggedIn()
    const clients = Array.from({ length: 8 }, () => world.client('call', CALLS, PAUSE_MS))
    await Promise.all(clients.map(client => client.said(line => line === 'ready')))
    for (const client of clients) client.tell('go')
    const all = [...clients]
    for (let kills = 0; kills < 10; kills++) {
      await new Promise(resolve => setTimeout(resolve, 200))
      const index = Math.floor(Math.random() * clients.length)
      clients[index]!.kill('SIGKILL')
      const next = world.client('call', CALLS, PAUSE_MS)
      next.tell('go')
      clients[index] = next
      all.push(next)
      expect((await world.store.get(world.key))?.record.format).toBe(1)
    }
    expect(new Set(await Promise.all(clients.map(client => client.ended)))).toEqual(new Set([0]))
    const { redemptions, logins } = await world.report()
    const used = new Set(redemptions.map(({ spent }) => spent))
    const { refreshToken } = await world.grant()
    // What the server answered to a process that was killed before it could store it.
    const lost = redemptions.filter(({ next }) => next !== undefined && next !== refreshToken && !used.has(next))
    const refused = redemptions.filter(({ status }) => status !== 200)
    if (lost.length > 0) return expect(refused.length).toBeGreaterThan(0)
    expect(all.flatMap(({ lines }) => lines.filter(line => line !== 'ok' && line !== 'ready'))).toEqual([])
    expect(logins).toBe(1)
    expect(refused).toEqual([])
  })
})
