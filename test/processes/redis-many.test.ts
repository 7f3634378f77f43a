import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import type { CredentialStore } from '../../src/oauth/store/credential-store.ts'
import { createRedisStore } from '../../src/redis.ts'
import { type ConnectedClient, connectClient, type RedisServer, startRedis, withoutRedis } from './redis-server.ts'
import { killAll, startNode, type StartedProcess } from './started-process.ts'

const child = fileURLToPath(new URL('redis-child.mjs', import.meta.url))
const key = { server: 'https://mcp.example.com/mcp', profile: 'default' }
const secretKey = crypto.getRandomValues(new Uint8Array(32))

describe.skipIf(withoutRedis)('many processes, one Redis', () => {
  const built = inject('library')
  let server: RedisServer
  let connected: ConnectedClient
  let store: CredentialStore
  beforeEach(async () => {
    server = await startRedis()
    connected = await connectClient('redis', server.port)
    store = createRedisStore({ client: connected.client, key: secretKey })
  })
  afterEach(async () => {
    killAll()
    connected?.close()
    await server?.remove()
  })

  /** Every other one uses the other package. */
  let started = 0
  const start = (what: string, number = 0): StartedProcess => {
    const name = ++started % 2 === 0 ? 'redis' : 'ioredis'
    const secret = Buffer.from(secretKey).toString('hex')
    return startNode(child, [built, name, String(server.port), secret, what, String(number)])
  }
  const count = async (): Promise<number> => Number((await store.get(key))?.record.current ?? 0)

  it('field M5: increments by compare-and-set from six processes are all there', async () => {
    const all = Array.from({ length: 6 }, () => start('increment', 15))
    expect(await Promise.all(all.map(({ ended }) => ended))).toEqual([0, 0, 0, 0, 0, 0])
    expect(await count()).toBe(90)
    expect((await store.get(key))?.version).toBe(90)
  })

  it('field M1: under the lock nobody else gets in', async () => {
    const all = Array.from({ length: 5 }, () => start('incrementUnderLock', 10))
    expect(await Promise.all(all.map(({ ended }) => ended))).toEqual([0, 0, 0, 0, 0])
    expect(await count()).toBe(50)
  })

  it('field M8: kill -9 at any moment, the lock held or not, loses nothing that was reported, and the others go on', async () => {
    const writers = Array.from({ length: 3 }, () => start('incrementForEverUnderLock'))
    const killed: StartedProcess[] = []
    const reported = (): number[] => [...killed, ...writers].flatMap(({ lines }) => lines.map(Number))
    await Promise.all(writers.map(writer => writer.said(Boolean)))
    for (let kills = 0; kills < 5; kills++) {
      const [victim] = writers.splice(kills % 3, 1)
      killed.push(victim!)
      victim!.kill('SIGKILL')
      await victim!.ended
      const known = Math.max(...reported())
      expect(await count()).toBeGreaterThanOrEqual(known)
      writers.push(start('incrementForEverUnderLock'))
      // Somebody gets the lock, whoever was killed with it.
      await Promise.race(writers.map(writer => writer.said(line => Number(line) > known)))
    }
    expect(new Set(reported()).size).toBe(reported().length)
  })

  it('field M8: the lock of a holder that is stopped for longer than its lease goes to one of those who wait', async () => {
    const holder = start('hold')
    await holder.said(line => line === 'held')
    holder.kill('SIGSTOP')
    const waiting = Array.from({ length: 3 }, () => start('incrementUnderLock', 5))
    expect(await Promise.all(waiting.map(({ ended }) => ended))).toEqual([0, 0, 0])
    expect(await count()).toBe(15)
    holder.kill('SIGKILL')
    await holder.ended
  })
})
