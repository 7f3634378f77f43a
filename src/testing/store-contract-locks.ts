import { ensure, ensureEqual, ensureStoreError, rejectionOf } from './contract-assertions.ts'
import { elsewhere, ensureStored, KEY, OTHER_KEY, recordOf } from './store-contract-records.ts'
import type { StoreContractCase } from './store-contract.ts'

/** Lets everything that is ready run once. */
const turn = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0))

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let settle: (() => void) | undefined
  const promise = new Promise<void>(resolve => {
    settle = resolve
  })
  return { promise, resolve: () => settle?.() }
}

/** Promises about `withLock`. */
export const lockCases: readonly StoreContractCase[] = [
  {
    name: 'gives back what the task under the lock resolves to, or throws what it threw',
    async run(world) {
      const store = await world.open()
      const value = { any: 'thing' }
      ensure((await store.withLock(KEY, async () => value)) === value, 'the value of the task is another one')
      const error = new Error('of the task')
      const failures = [
        () => Promise.reject(error),
        () => {
          throw error
        },
      ]
      for (const task of failures) {
        const thrown = await rejectionOf(store.withLock(KEY, task), 'a task that failed did not fail its lock')
        ensure(thrown === error, 'the error of the task is another one')
      }
      ensureEqual(await store.withLock(KEY, async () => 'free again'), 'free again', 'the lock after a failure')
    },
  },
  {
    name: 'field M1: runs one task at a time for a key, and hands over after a failure',
    async run(world) {
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
        [0, 1, 2, 3].map(async index => (await elsewhere(world, store)).withLock(KEY, () => task(index))),
      )
      ensureEqual(most, 1, 'the most tasks at a time')
      const expected = ['fulfilled', 'rejected', 'fulfilled', 'fulfilled']
      ensureEqual(
        results.map(({ status }) => status),
        expected,
        'the outcomes',
      )
    },
  },
  {
    name: 'locks of different keys do not wait for each other',
    async run(world) {
      const store = await world.open()
      const nested = store.withLock(KEY, () => store.withLock(OTHER_KEY, async () => 'both'))
      ensureEqual(await nested, 'both', 'the value of the inner task')
    },
  },
  {
    name: 'reads and writes go on under a lock, by others too',
    async run(world) {
      const store = await world.open()
      const other = await elsewhere(world, store)
      await store.withLock(KEY, async () => {
        ensureEqual(await store.compareAndSet(KEY, 0, recordOf('a')), 1, 'the version written by the holder')
        ensureEqual(await other.compareAndSet(KEY, 1, recordOf('b')), 2, 'the version written by another')
        ensureEqual(await store.delete(KEY, 2), true, 'the deletion by the holder')
      })
      await ensureStored(other, undefined, 'the record')
      ensureEqual(await other.withLock(KEY, async () => 'free'), 'free', 'the lock of a deleted record')
    },
  },
  {
    name: 'a signal ends the wait for the lock with `locked`; the task never runs, and nobody gets in early',
    async run(world) {
      const store = await world.open()
      const held = deferred()
      const taken = deferred()
      const holder = store.withLock(KEY, () => {
        taken.resolve()
        return held.promise
      })
      await taken.promise
      const stop = new AbortController()
      const ran: string[] = []
      const run = (name: string) => async (): Promise<void> => void ran.push(name)
      const waiter = (await elsewhere(world, store)).withLock(KEY, run('aborted'), { signal: stop.signal })
      const ended = waiter.then(
        () => 'a value',
        (error: unknown) => error,
      )
      const next = (await elsewhere(world, store)).withLock(KEY, run('next'))
      await turn()
      stop.abort()
      ensureStoreError(await ended, 'locked', 'the failure of an aborted wait')
      await turn()
      ensureEqual(ran, [], 'the tasks that ran while the lock was held')
      held.resolve()
      await Promise.all([holder, next])
      ensureEqual(await store.withLock(KEY, async () => 'free again'), 'free again', 'the lock afterwards')
      ensureEqual(ran, ['next'], 'the tasks that ran')
    },
  },
  {
    name: 'a signal that has aborted already never lets the task run',
    async run(world) {
      const store = await world.open()
      let ran = false
      const task = async (): Promise<void> => void (ran = true)
      const failure = await rejectionOf(
        store.withLock(KEY, task, { signal: AbortSignal.abort() }),
        'a wait that was aborted before it began ended well',
      )
      ensureStoreError(failure, 'locked', 'the failure')
      ensureEqual(await store.withLock(KEY, async () => 'free'), 'free', 'the lock afterwards')
      ensureEqual(ran, false, 'whether the task ran')
    },
  },
  {
    name: 'a signal that aborts later does not end the task',
    async run(world) {
      const store = await world.open()
      const stop = new AbortController()
      const done = store.withLock(
        KEY,
        async () => {
          stop.abort()
          await turn()
          return 'done'
        },
        { signal: stop.signal },
      )
      ensureEqual(await done, 'done', 'the value of the task')
    },
  },
]
