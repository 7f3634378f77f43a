import { describe, expect, it } from 'vitest'
import type { CredentialKey, CredentialStore, VersionedRecord } from '../../src/oauth/store/credential-store.ts'
import { createMemoryStore } from '../../src/oauth/store/memory-store.ts'
import { StoreError } from '../../src/oauth/store/store-error.ts'
import { storeContract } from '../../src/testing/store-contract.ts'

/** The names of the promises that a store breaks. */
async function broken(open: () => CredentialStore): Promise<readonly string[]> {
  const results = await Promise.all(
    storeContract().map(async ({ name, run }) => {
      try {
        await run({ open: async () => open() })
        return []
      } catch {
        return [name]
      }
    }),
  )
  return results.flat()
}

type Change = (store: CredentialStore) => Partial<CredentialStore>

const renamed = (store: CredentialStore, rename: (key: CredentialKey) => CredentialKey): Partial<CredentialStore> => ({
  get: key => store.get(rename(key)),
  compareAndSet: (key, version, record) => store.compareAndSet(rename(key), version, record),
  delete: (key, version) => store.delete(rename(key), version),
})

const read = (
  store: CredentialStore,
  change: (found: VersionedRecord) => VersionedRecord,
): Partial<CredentialStore> => ({
  async get(key) {
    const found = await store.get(key)
    return found && change(found)
  },
})

/** What is wrong with a store → a part of the name of a promise that it breaks. */
const wrongs: readonly [string, string, Change][] = [
  ['has no description', 'description', () => ({ description: ' ' })],
  ['lists nothing', 'leaves every other alone', () => ({ list: async () => [] })],
  ['invents records', 'knows nothing', () => ({ list: async () => [{ server: 'https://a.example', profile: '' }] })],
  ['counts from 0', 'counts versions', store => read(store, found => ({ ...found, version: found.version - 1 }))],
  [
    'lets the last writer win',
    'refuses a writer',
    store => ({
      async compareAndSet(key, _version, record) {
        return store.compareAndSet(key, (await store.get(key))?.version ?? 0, record)
      },
    }),
  ],
  [
    'deletes whatever is there',
    'refuses a writer',
    store => ({
      async delete(key) {
        return store.delete(key, (await store.get(key))?.version ?? 0)
      },
    }),
  ],
  ['says that it deleted, and did not', 'deleted record is absent', () => ({ delete: async () => true })],
  [
    'begins to count anew after a deletion',
    'versions go on counting',
    () => {
      const fresh = new Map<string, CredentialStore>()
      const at = (key: CredentialKey): CredentialStore => {
        const name = JSON.stringify([key.server, key.profile])
        const found = fresh.get(name) ?? createMemoryStore()
        fresh.set(name, found)
        return found
      }
      return {
        get: key => at(key).get(key),
        list: async () => (await Promise.all([...fresh.values()].map(each => each.list()))).flat(),
        compareAndSet: (key, version, record) => at(key).compareAndSet(key, version, record),
        async delete(key, version) {
          const deleted = await at(key).delete(key, version)
          if (deleted) fresh.delete(JSON.stringify([key.server, key.profile]))
          return deleted
        },
      }
    },
  ],
  [
    'takes A for a',
    'differ only in case',
    store => renamed(store, key => ({ ...key, server: key.server.toLowerCase() })),
  ],
  ['trims slashes', 'slash', store => renamed(store, key => ({ ...key, server: key.server.replace(/\/$/, '') }))],
  ['knows no profiles', 'profile', store => renamed(store, key => ({ ...key, profile: '' }))],
  ['glues keys', 'spelling', store => renamed(store, key => ({ server: `${key.server}:${key.profile}`, profile: '' }))],
  [
    'loses what is not ASCII',
    'whatever is in them',
    store => read(store, found => JSON.parse(JSON.stringify(found).replaceAll(/[^\0-\x7f]/g, '?'))),
  ],
  [
    'cuts long records off',
    'field L2',
    store => ({
      async compareAndSet(key, version, record) {
        if (JSON.stringify(record).length > 2_560) throw new StoreError('unwritable', 'too long', { step: 'save' })
        return store.compareAndSet(key, version, record)
      },
    }),
  ],
  [
    'hands out its own copy',
    'copies on the way',
    store => {
      const handed = new Map<number, VersionedRecord>()
      return {
        async get(key) {
          const found = await store.get(key)
          if (!found) return undefined
          if (!handed.has(found.version)) handed.set(found.version, found)
          return handed.get(found.version)
        },
      }
    },
  ],
  ['takes a newer format for none', 'newer format', store => ({ get: key => store.get(key).catch(() => undefined) })],
  [
    'takes a newer format for damage',
    'newer format',
    store => ({
      get: key =>
        store.get(key).catch(() => {
          throw new StoreError('corrupt', 'damaged', { step: 'read' })
        }),
    }),
  ],
  [
    'shows its records',
    'field L8',
    store => {
      const log = new Map<string, unknown>()
      return {
        log,
        async compareAndSet(key: CredentialKey, version: number, record: VersionedRecord['record']) {
          log.set('last', record)
          return store.compareAndSet(key, version, record)
        },
      } as Partial<CredentialStore>
    },
  ],
  ['does not lock', 'one task at a time', () => ({ withLock: async (_key, task) => task() })],
  [
    'has one lock for all',
    'different keys',
    store => ({ withLock: (_key, task, options) => heldOrTimedOut(store, task, options?.signal) }),
  ],
  [
    'keeps the lock after a failure',
    'throws what it threw',
    store => {
      let stuck = false
      return {
        withLock: (key, task, options) =>
          stuck
            ? Promise.reject(new StoreError('locked', 'locked', { step: 'lock' }))
            : store.withLock(key, task, options).catch(error => {
                stuck = true
                throw error
              }),
      }
    },
  ],
  [
    'wraps what a task throws',
    'throws what it threw',
    store => ({
      withLock: (key, task, options) =>
        store.withLock(key, task, options).catch(cause => {
          throw new Error('task failed', { cause })
        }),
    }),
  ],
  ['ends a task that runs', 'does not end the task', store => ({ withLock: withTasksEnded(store) })],
  [
    'runs the task of a wait that was aborted',
    'aborted already',
    store => ({
      withLock: (key, task, options) => store.withLock(key, task, options?.signal?.aborted ? {} : options),
    }),
  ],
]

/** One lock for every key; a task that waits for itself gets `locked` instead of waiting for ever. */
function heldOrTimedOut<T>(store: CredentialStore, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const stop = new AbortController()
  const inner = (): Promise<T> => {
    clearTimeout(timer)
    return task()
  }
  const timer = setTimeout(() => stop.abort(), 50)
  signal?.addEventListener('abort', () => stop.abort())
  return store.withLock({ server: 'https://one.example', profile: '' }, inner, { signal: stop.signal })
}

function withTasksEnded(store: CredentialStore): CredentialStore['withLock'] {
  return (key, task, options) => {
    const ended = new Promise<never>((_, reject) => {
      const signal = options?.signal
      signal?.addEventListener('abort', () => reject(new StoreError('locked', 'ended', { step: 'lock' })))
    })
    ended.catch(() => undefined)
    return Promise.race([store.withLock(key, task, options), ended])
  }
}

describe('the store contract', () => {
  it('is kept by the memory store, and every promise has a name of its own', async () => {
    const names = storeContract().map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(await broken(createMemoryStore)).toEqual([])
  })

  it.each(wrongs)('finds a store that %s', async (_, promise, change) => {
    const open = (): CredentialStore => {
      const store = createMemoryStore()
      return { ...store, ...change(store) }
    }
    expect((await broken(open)).filter(name => name.includes(promise))).not.toEqual([])
  })

  it('says what a store did instead', async () => {
    const promise = storeContract().find(({ name }) => name.startsWith('counts versions'))
    const open = async (): Promise<CredentialStore> => ({ ...createMemoryStore(), get: async () => undefined })
    await expect(promise?.run({ open })).rejects.toThrow('Broken contract: the record is undefined, not {"version":2,')
  })
})
