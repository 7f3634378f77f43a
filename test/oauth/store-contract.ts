import { describe, expect, it } from 'vitest'
import { emptyRecord, withLogin } from '../../src/oauth/credential-record.ts'
import type { CredentialRecord, CredentialStore } from '../../src/oauth/store/credential-store.ts'

const key = { server: 'https://mcp.example.com/mcp', profile: 'default' }
const other = { ...key, profile: 'work' }

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void
  const promise = new Promise<void>(done => (resolve = done))
  return { promise, resolve }
}

function recordOf(accessToken: string, at: { server: string; profile: string } = key): CredentialRecord {
  return withLogin(emptyRecord(at), {
    issuer: 'https://as.example.com',
    grant: { grantId: 'g', accessToken, tokenType: 'Bearer', obtainedAt: 1, refreshToken: `refresh-${accessToken}` },
    registration: undefined,
    requestedScope: 'notes:read',
  })
}

/**
 * What every `CredentialStore` promises. `open` gives a new, empty store; `reopen` one more over the same records, as another process
 * would have it (the same store where there is no such thing).
 */
export function describeStoreContract(
  name: string,
  world: { open(): Promise<CredentialStore>; reopen?(store: CredentialStore): Promise<CredentialStore> },
): void {
  const reopen = world.reopen ?? (async store => store)

  describe(`${name}: the store contract`, () => {
    it('has a description for people', async () => {
      expect((await world.open()).description).toMatch(/\w/)
    })

    it('knows nothing at first', async () => {
      const store = await world.open()
      expect(await store.get(key)).toBeUndefined()
      expect(await store.list()).toEqual([])
    })

    it('counts versions up from 1 for each key; 0 stands for no record', async () => {
      const store = await world.open()
      expect(await store.compareAndSet(key, 0, recordOf('a'))).toBe(1)
      expect(await store.compareAndSet(key, 1, recordOf('b'))).toBe(2)
      expect(await store.compareAndSet(other, 0, recordOf('c', other))).toBe(1)
      expect(await (await reopen(store)).get(key)).toEqual({ version: 2, record: recordOf('b') })
    })

    it('field M5: a login to one server or profile leaves every other alone', async () => {
      const store = await world.open()
      const keys = [key, other, { server: 'https://mcp.example.com', profile: 'default' }]
      await Promise.all(keys.map((each, index) => store.compareAndSet(each, 0, recordOf(`token-${index}`, each))))
      await store.compareAndSet(key, 1, recordOf('changed'))
      await store.delete(other, 1)
      expect((await store.get(keys[2]!))?.record).toEqual(recordOf('token-2', keys[2]))
      const listed = (await (await reopen(store)).list()).map(({ server, profile }) => `${profile} ${server}`)
      expect(listed.sort()).toEqual(['default https://mcp.example.com', 'default https://mcp.example.com/mcp'])
    })

    it('refuses a writer whose version is not the stored one', async () => {
      const store = await world.open()
      await store.compareAndSet(key, 0, recordOf('a'))
      expect(await store.compareAndSet(key, 0, recordOf('late'))).toBeUndefined()
      expect(await store.compareAndSet(key, 2, recordOf('early'))).toBeUndefined()
      expect(await store.delete(key, 2)).toBe(false)
      expect(await store.get(key)).toEqual({ version: 1, record: recordOf('a') })
    })

    it('field M5: of many writers that saw the same version exactly one wins', async () => {
      const store = await world.open()
      await store.compareAndSet(key, 0, recordOf('a'))
      const stores = await Promise.all(Array.from({ length: 8 }, () => reopen(store)))
      const results = await Promise.all(
        stores.map((each, index) => each.compareAndSet(key, 1, recordOf(`writer-${index}`))),
      )
      expect(results.filter(version => version !== undefined)).toEqual([2])
      expect((await store.get(key))?.record).toEqual(recordOf(`writer-${results.indexOf(2)}`))
    })

    it('a deleted record is absent, and a writer from before the deletion does not bring it back', async () => {
      const store = await world.open()
      await store.compareAndSet(key, 0, recordOf('a'))
      await store.compareAndSet(key, 1, recordOf('b'))
      expect(await store.delete(key, 2)).toBe(true)
      expect(await store.get(key)).toBeUndefined()
      expect(await store.list()).toEqual([])
      expect(await store.delete(key, 2)).toBe(false)
      expect(await store.delete(key, 0)).toBe(false)
      expect(await store.compareAndSet(key, 2, recordOf('ghost'))).toBeUndefined()
    })

    it('versions go on counting after a deletion, so that no version ever names two records', async () => {
      const store = await world.open()
      await store.compareAndSet(key, 0, recordOf('first account'))
      await store.delete(key, 1)
      const version = await store.compareAndSet(key, 0, recordOf('second account'))
      expect(version).toBeGreaterThan(1)
      expect(await store.compareAndSet(key, 1, recordOf('ghost'))).toBeUndefined()
      expect((await store.get(key))?.record).toEqual(recordOf('second account'))
    })

    it('copies on the way in and out', async () => {
      const store = await world.open()
      const mine = structuredClone(recordOf('a')) as { current?: string }
      await store.compareAndSet(key, 0, mine as CredentialRecord)
      mine.current = 'changed'
      const read = (await store.get(key))!.record as { current?: string }
      read.current = 'changed too'
      expect((await store.get(key))?.record).toEqual(recordOf('a'))
    })

    it('runs one task at a time for a key, and hands over after a failure', async () => {
      const store = await world.open()
      let inside = 0
      let most = 0
      const task = async (index: number): Promise<number> => {
        most = Math.max(most, ++inside)
        await turn()
        inside--
        if (index === 1) throw new Error('failed')
        return index
      }
      const results = await Promise.allSettled(
        [0, 1, 2, 3].map(async index => (await reopen(store)).withLock(key, () => task(index))),
      )
      expect(most).toBe(1)
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    })

    it('locks of different keys do not wait for each other', async () => {
      const store = await world.open()
      const nested = await store.withLock(key, () => store.withLock(other, async () => 'both'))
      expect(nested).toBe('both')
    })

    it('reads and writes go on under a lock', async () => {
      const store = await world.open()
      await store.withLock(key, async () => {
        expect(await store.compareAndSet(key, 0, recordOf('a'))).toBe(1)
        expect((await (await reopen(store)).get(key))?.version).toBe(1)
      })
    })

    it('a signal ends the wait for the lock with `locked`, and the task never runs', async () => {
      const store = await world.open()
      const held = deferred()
      const taken = deferred()
      const holder = store.withLock(key, () => {
        taken.resolve()
        return held.promise
      })
      await taken.promise
      const stop = new AbortController()
      let ran = false
      const waiter = (await reopen(store)).withLock(key, async () => void (ran = true), { signal: stop.signal })
      stop.abort()
      await expect(waiter).rejects.toMatchObject({ name: 'StoreError', code: 'locked' })
      held.resolve()
      await holder
      expect(await store.withLock(key, async () => 'free again')).toBe('free again')
      expect(ran).toBe(false)
    })

    it('a signal that aborts later does not end the task', async () => {
      const store = await world.open()
      const stop = new AbortController()
      const done = store.withLock(
        key,
        async () => {
          stop.abort()
          await turn()
          return 'done'
        },
        { signal: stop.signal },
      )
      expect(await done).toBe('done')
    })
  })
}
