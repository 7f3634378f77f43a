// One process of test/processes/store.test.ts: node store-child.mjs <built file-store.js> <directory> <what> [number]
import { writeSync } from 'node:fs'

const [, , module, directory, what, number] = process.argv
const { createFileStore } = await import(module)
const store = createFileStore({ directory })
const key = { server: 'https://mcp.example.com/mcp', profile: 'default' }
// A synchronous write: what was said before a kill -9 has been said.
const say = line => writeSync(1, `${line}\n`)

/** The record counts in a field that a test can read back. */
const recordOf = count => ({
  format: 1,
  server: key.server,
  profile: key.profile,
  issuers: { 'https://as.example.com': { knownScope: 's'.repeat(count % 3000), refreshRefusedAt: count } },
})
const countOf = found => found?.record.issuers['https://as.example.com'].refreshRefusedAt ?? 0

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
  /** Says every count that is surely stored, until it is killed. */
  async incrementForEver() {
    for (;;) say(await increment())
  },
  async incrementForEverUnderLock() {
    for (;;) say(await store.withLock(key, increment))
  },
  /** Reads and writes apart, under the lock: a lost update unless nobody else gets in. */
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
  async hold() {
    await store.withLock(key, async () => {
      say('held')
      await new Promise(() => setInterval(() => undefined, 1000))
    })
  },
  /** Holds the lock and blocks the event loop, so that no heartbeat is given; lets go when its input ends. */
  async holdSilently() {
    await store.withLock(key, async () => {
      say('held')
      const until = Date.now() + Number(number)
      while (Date.now() < until);
      say('letting go')
    })
  },
  async lockAndSay() {
    await store.withLock(key, async () => say('mine'))
  },
  async createAnother() {
    const mine = { ...key, profile: `p${number}` }
    await store.compareAndSet(mine, 0, { ...recordOf(Number(number)), profile: mine.profile })
  },
}

await commands[what]()
