import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRedisReplayCache } from '../../src/redis.ts'
import {
  CLIENT_PACKAGES,
  connectClient,
  type ConnectedClient,
  type RedisServer,
  startRedis,
  withoutRedis,
} from './redis-server.ts'

describe.skipIf(withoutRedis)('used proofs in Redis', () => {
  let server: RedisServer
  let raw: Redis
  const clients: ConnectedClient[] = []
  beforeAll(async () => {
    server = await startRedis()
    raw = new Redis({ host: '127.0.0.1', port: server.port })
    for (const name of CLIENT_PACKAGES) clients.push(await connectClient(name, server.port))
  })
  afterAll(async () => {
    for (const { close } of clients) close()
    raw?.disconnect()
    await server?.remove()
  })

  it('are taken once, whichever machine is asked, and however many at once', async () => {
    const caches = clients.map(({ client }) => createRedisReplayCache({ client, prefix: 'once' }))
    const until = Date.now() + 60_000
    const claims = await Promise.all(
      caches.flatMap(cache => Array.from({ length: 20 }, () => cache.claim('digest', until))),
    )
    expect(claims.filter(Boolean)).toHaveLength(1)
    for (const cache of caches) expect(await cache.claim('digest', until)).toBe(false)
    expect(await caches[0]?.claim('another', until)).toBe(true)
  })

  it('are forgotten by Redis when they end', async () => {
    const [first] = clients
    await createRedisReplayCache({ client: first!.client, prefix: 'ends' }).claim('digest', Date.now() + 60_000)
    const leftMs = await raw.pttl('ends:proof:digest')
    expect(leftMs).toBeGreaterThan(60_000)
    expect(leftMs).toBeLessThanOrEqual(65_000)
  })
})
