import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createIndexedDbStore, createPopupAuthorizer, createWebStorageStore } from '../../src/browser.ts'
import { storeContract, type StoreContractWorld } from '../../src/testing/store-contract.ts'

const KEY = { server: 'https://mcp.example.com/mcp', profile: 'default' }
const NAME = 'latchkey:credentials:["https://mcp.example.com/mcp","default"]'
const RECORD = { format: 1, ...KEY, issuers: {} } as const

/** As much of a browser's `Storage` as a page may count on. */
function createStorage(capacity = Infinity): Storage {
  const items = new Map<string, string>()
  return {
    get length() {
      return items.size
    },
    key: index => [...items.keys()][index] ?? null,
    getItem: name => items.get(name) ?? null,
    setItem(name, text) {
      if (text.length > capacity) throw new DOMException('full', 'QuotaExceededError')
      items.set(name, text)
    },
    removeItem: name => void items.delete(name),
    clear: () => items.clear(),
  }
}

const isAboutLocks = (name: string): boolean => /lock|one task at a time|a signal/.test(name)

// Its locks are the browser's own, and Node 20 has none: they are tested in one.
describe('the Web Storage store: the store contract', () => {
  const storages = new WeakMap<object, Storage>()
  const world: StoreContractWorld = {
    async open() {
      const storage = createStorage()
      const store = createWebStorageStore(storage)
      storages.set(store, storage)
      return store
    },
    reopen: async store => createWebStorageStore(storages.get(store)),
    inspect: value => inspect(value, { depth: Infinity, showHidden: true }),
  }
  for (const { name, run } of storeContract()) if (!isAboutLocks(name)) it(name, () => run(world))
})

describe('the Web Storage store', () => {
  it.each(['', 'not JSON', '{"version":1', '"text"', '{"version":0,"record":{}}', '{"version":1,"record":{}}'])(
    'field L4: reports %j as corrupt, not as absent, and quotes none of it',
    async text => {
      const storage = createStorage()
      storage.setItem(NAME, text)
      const error: unknown = await createWebStorageStore(storage)
        .get(KEY)
        .catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ name: 'StoreError', code: 'corrupt' })
      expect(String(error)).not.toContain('version')
      expect(await createWebStorageStore(storage).list()).toEqual([KEY])
    },
  )

  it('leaves what is not its own alone', async () => {
    const storage = createStorage()
    storage.setItem('latchkey:credentials:else', 'theirs')
    storage.setItem('theirs', '{}')
    const store = createWebStorageStore(storage)
    await store.compareAndSet(KEY, 0, RECORD)
    expect(await store.list()).toEqual([KEY])
    expect(storage.getItem('theirs')).toBe('{}')
  })

  it('tells of a storage that is full as unwritable, and keeps what was there', async () => {
    const storage = createStorage(200)
    const store = createWebStorageStore(storage)
    await store.compareAndSet(KEY, 0, RECORD)
    await expect(store.compareAndSet(KEY, 1, { ...RECORD, current: 'x'.repeat(200) })).rejects.toMatchObject({
      code: 'unwritable',
    })
    expect(await store.get(KEY)).toEqual({ version: 1, record: RECORD })
  })

  it('tells that there is no session storage, as in a worker, only when it is used', async () => {
    const store = createWebStorageStore()
    await expect(store.get(KEY)).rejects.toMatchObject({ name: 'StoreError', code: 'unreadable' })
  })

  it('and everything else of a page may be created where there is none, as by a server that renders one', async () => {
    expect(createIndexedDbStore().description).toContain('IndexedDB')
    expect(createPopupAuthorizer({ redirectUri: '/callback' })).toBeDefined()
    await expect(createIndexedDbStore().get(KEY)).rejects.toMatchObject({ name: 'StoreError', code: 'unreadable' })
  })
})
