// One process of test/processes/redis-many.test.ts: node redis-child.mjs <built folder> <redis|ioredis> <port> <key in hex> <what> <number>
import { writeSync } from 'node:fs'
import { Redis } from 'ioredis'
import { createClient } from 'redis'

const [, , built, name, port, secret, what, number] = process.argv
const { createRedisStore } = await import(`${built}/redis.js`)
const client = name === 'ioredis' ? new Redis({ port: Number(port) }) : createClient({ socket: { port: Number(port) } })
if (name === 'redis') await client.connect()
const store = createRedisStore({ client, key: new Uint8Array(Buffer.from(secret, 'hex')), lockLeaseMs: 500 })
const key = { server: 'https://mcp.example.com/mcp', profile: 'default' }
// A synchronous write: what was said before a kill -9 has been said.
const say = line => writeSync(1, `${line}\n`)

/** The record counts in a field that a test can read back. */
const recordOf = count => ({ format: 1, ...key, current: String(count), issuers: {} })
const countOf = found => Number(found?.record.current ?? 0)

async function increment() {
  for (;;) {
    const found = await store.get(key)
    const next = countOf(found) + 1
    if ((await store.compareAndSet(key, found?.version ?? 0, recordOf(next))) !== undefined) return next
  }
}

const commands = {
  async increment() {
    for (let times = 0; times < Number(number); times++) await increment()
  },
  /** Reads and writes apart, under the lock: fails unless nobody else gets in. */
  async incrementUnderLock() {
    for (let times = 0; times < Number(number); times++) {
      await store.withLock(key, async () => {
        const found = await store.get(key)
        await new Promise(resolve => setImmediate(resolve))
        const version = await store.compareAndSet(key, found?.version ?? 0, recordOf(countOf(found) + 1))
        if (version === undefined) throw new Error('somebody else was in')
      })
    }
  },
  async incrementForEverUnderLock() {
    for (;;) say(await store.withLock(key, increment))
  },
  async hold() {
    await store.withLock(key, async () => {
      say('held')
      await new Promise(() => setInterval(() => undefined, 1000))
    })
  },
}

await commands[what]()
if (name === 'redis') client.destroy()
else client.disconnect()
