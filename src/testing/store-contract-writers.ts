import { ensure, ensureEqual } from './contract-assertions.ts'
import { elsewhere, ensureStored, KEY, recordOf } from './store-contract-records.ts'
import type { StoreContractCase } from './store-contract.ts'

const WRITERS = 8

/** Promises about writers that race, and about what is left of a deleted record. */
export const writerCases: readonly StoreContractCase[] = [
  {
    name: 'refuses a writer whose version is not the stored one',
    async run(world) {
      const store = await world.open()
      await store.compareAndSet(KEY, 0, recordOf('a'))
      ensureEqual(await store.compareAndSet(KEY, 0, recordOf('late')), undefined, 'a write over version 0')
      ensureEqual(await store.compareAndSet(KEY, 2, recordOf('early')), undefined, 'a write over version 2')
      ensureEqual(await store.delete(KEY, 2), false, 'a deletion of version 2')
      await ensureStored(store, { version: 1, record: recordOf('a') }, 'the record')
    },
  },
  {
    name: 'field M5: of many writers that saw the same version exactly one wins',
    async run(world) {
      const store = await world.open()
      for (const before of [0, 1, 2]) {
        const stores = await Promise.all(Array.from({ length: WRITERS }, () => elsewhere(world, store)))
        const results = await Promise.all(
          stores.map((each, index) => each.compareAndSet(KEY, before, recordOf(`writer-${index}`))),
        )
        const winners = results.filter(version => version !== undefined)
        ensureEqual(winners, [before + 1], 'the versions that were written')
        const record = recordOf(`writer-${results.indexOf(before + 1)}`)
        await ensureStored(store, { version: before + 1, record }, 'the record')
      }
    },
  },
  {
    name: 'field M5: a writer that reads again after it lost loses no change',
    async run(world) {
      const store = await world.open()
      const add = async (): Promise<void> => {
        const mine = await elsewhere(world, store)
        for (let tries = 0; tries < 100; tries++) {
          const found = await mine.get(KEY)
          const count = Number(found?.record.current ?? 0) + 1
          const next = { ...recordOf('a'), current: String(count) }
          if ((await mine.compareAndSet(KEY, found?.version ?? 0, next)) !== undefined) return
        }
        throw new Error('Broken contract: a writer that reads again never wins.')
      }
      await Promise.all(Array.from({ length: WRITERS }, add))
      const record = { ...recordOf('a'), current: String(WRITERS) }
      await ensureStored(store, { version: WRITERS, record }, 'the record')
    },
  },
  {
    name: 'of a writer and many deletions that saw the same version exactly one wins',
    async run(world) {
      const store = await world.open()
      await store.compareAndSet(KEY, 0, recordOf('a'))
      const stores = await Promise.all(Array.from({ length: WRITERS }, () => elsewhere(world, store)))
      const won = await Promise.all(
        stores.map(async (each, index) =>
          index === 0 ? (await each.compareAndSet(KEY, 1, recordOf('b'))) !== undefined : each.delete(KEY, 1),
        ),
      )
      ensureEqual(won.filter(Boolean).length, 1, 'the number of winners')
      await ensureStored(store, won[0] ? { version: 2, record: recordOf('b') } : undefined, 'the record')
    },
  },
  {
    name: 'a deleted record is absent, and a writer from before the deletion does not bring it back',
    async run(world) {
      const store = await world.open()
      await store.compareAndSet(KEY, 0, recordOf('a'))
      await store.compareAndSet(KEY, 1, recordOf('b'))
      ensureEqual(await store.delete(KEY, 2), true, 'the deletion')
      const other = await elsewhere(world, store)
      await ensureStored(other, undefined, 'the deleted record')
      ensureEqual(await other.list(), [], 'the list')
      ensureEqual(await store.delete(KEY, 2), false, 'a second deletion')
      ensureEqual(await store.delete(KEY, 0), false, 'a deletion of nothing')
      ensureEqual(await store.compareAndSet(KEY, 2, recordOf('ghost')), undefined, 'a write from before the deletion')
      await ensureStored(other, undefined, 'the deleted record')
    },
  },
  {
    name: 'versions go on counting after a deletion, so that no version ever names two records',
    async run(world) {
      const store = await world.open()
      let last = 0
      for (const account of ['first', 'second', 'third']) {
        const version = (await store.compareAndSet(KEY, 0, recordOf(account))) ?? 0
        ensure(version > last, `the version after the deletion of version ${last} is ${version}`)
        if (last > 0) {
          ensureEqual(await store.compareAndSet(KEY, last, recordOf('ghost')), undefined, 'a write from before')
          ensureEqual(await store.delete(KEY, last), false, 'a deletion from before')
        }
        await ensureStored(await elsewhere(world, store), { version, record: recordOf(account) }, 'the record')
        await store.delete(KEY, version)
        last = version
      }
    },
  },
]
