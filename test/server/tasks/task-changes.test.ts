import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { elicit } from '../../../src/server/asks.ts'
import { createMemoryTaskStore } from '../../../src/server/tasks/memory-task-store.ts'
import { startRepetition } from '../../../src/server/tasks/repetition.ts'
import { createTaskAccess } from '../../../src/server/tasks/task-access.ts'
import { askInTask } from '../../../src/server/tasks/task-asking.ts'
import { createTaskChanges, type TaskChanges } from '../../../src/server/tasks/task-changes.ts'
import { ended, type TaskRecord } from '../../../src/server/tasks/task-record.ts'
import { createTaskSubscriptions } from '../../../src/server/tasks/task-subscriptions.ts'
import { createCall } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const quiet = new AbortController().signal

describe('changes of tasks', () => {
  it('end the wait at once, also one that begins after them; each only once', async () => {
    const changes = createTaskChanges()
    const watch = changes.watch('1')
    const waits: string[] = []
    const wait = (name: string): Promise<void> => watch.next(1000, quiet).then(() => void waits.push(name))
    changes.announce('1')
    await wait('after')
    void wait('before')
    await vi.advanceTimersByTimeAsync(0)
    expect(waits).toEqual(['after'])
    changes.announce('2')
    await vi.advanceTimersByTimeAsync(0)
    expect(waits).toEqual(['after'])
    changes.announce('1')
    await vi.advanceTimersByTimeAsync(0)
    expect(waits).toEqual(['after', 'before'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('without them the wait ends in time, or with its signal, and leaves nothing behind', async () => {
    const watch = createTaskChanges().watch('1')
    const late = watch.next(1000, quiet)
    await vi.advanceTimersByTimeAsync(1000)
    await late
    await watch.next(1000, AbortSignal.abort())
    const stop = new AbortController()
    const stopped = watch.next(1000, stop.signal)
    stop.abort()
    await stopped
    expect(vi.getTimerCount()).toBe(0)
  })

  it('are told to every watcher that has not stopped', () => {
    const changes = createTaskChanges()
    const [one, two] = [changes.watch('1'), changes.watch('1')]
    one.stop()
    one.stop()
    changes.announce('1')
    two.stop()
    changes.announce('1')
  })
})

describe('whoever watches a task stops when there is nothing more to see', () => {
  const record: TaskRecord = {
    taskId: '1'.repeat(48),
    principal: null,
    status: 'working',
    createdAt: Date.now(),
    lastUpdatedAt: Date.now(),
    ttlMs: 2 ** 31,
    pollIntervalMs: 100,
    dueAt: Number.MAX_SAFE_INTEGER,
  }

  async function createWatched(): Promise<{
    watches: () => number
    changes: TaskChanges
    access: ReturnType<typeof createTaskAccess>
  }> {
    const store = createMemoryTaskStore()
    await store.create({ ...record, createdAt: Date.now() })
    let open = 0
    const inner = createTaskChanges()
    const changes: TaskChanges = {
      announce: inner.announce,
      watch: taskId => {
        open += 1
        const watch = inner.watch(taskId)
        const stop = (): void => {
          open -= 1
          watch.stop()
        }
        return { ...watch, stop }
      },
    }
    const access = createTaskAccess({ store, changes, now: Date.now, isAlive: () => true })
    return { watches: () => open, changes, access }
  }

  it('a question', async () => {
    const { watches, changes, access } = await createWatched()
    const stop = new AbortController()
    const { client } = createCall('tools/call', {})
    const question = elicit({ message: 'Sure?', schema: { type: 'object', properties: {} } })
    const { taskId, pollIntervalMs } = record
    const [now, onError] = [Date.now, (): undefined => undefined]
    const { signal } = stop
    const asking = { taskId, client, pollIntervalMs, signal, stop: () => stop.abort(), access, changes, now, onError }
    const asked = askInTask(asking, { question }).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(0)
    expect(watches()).toBe(1)
    stop.abort()
    await asked
    await askInTask(asking, { question }).catch((error: unknown) => error)
    expect(watches()).toBe(0)
  })

  it('a subscription, when the task has ended', async () => {
    const { watches, changes, access } = await createWatched()
    const subscribe = createTaskSubscriptions({ changes, access, onError: () => undefined })
    const subscription = await subscribe(createCall('subscriptions/listen', {}), { taskIds: [record.taskId] })
    subscription?.start(() => undefined, quiet)
    await vi.advanceTimersByTimeAsync(0)
    expect(watches()).toBe(1)
    await access.change(record.taskId, task => ended(task, Date.now(), { status: 'cancelled', statusMessage: 'no' }))
    await vi.advanceTimersByTimeAsync(0)
    expect(watches()).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a repetition', () => {
  it('never runs twice at a time, and goes on after a slow run', async () => {
    let [running, most, runs] = [0, 0, 0]
    const stop = startRepetition(10, async () => {
      running += 1
      most = Math.max(most, running)
      runs += 1
      await new Promise(resolve => setTimeout(resolve, 25))
      running -= 1
    })
    await vi.advanceTimersByTimeAsync(95)
    stop()
    expect([most, runs]).toEqual([1, 3])
  })

  it('keeps no process alive, and needs no timers that are objects', () => {
    const timers = vi.spyOn(globalThis, 'setInterval')
    startRepetition(10, async () => undefined)()
    const timer = timers.mock.results[0]!.value as NodeJS.Timeout
    expect(timer.hasRef()).toBe(false)
    timers.mockReturnValue(7 as never)
    startRepetition(10, async () => undefined)()
  })
})
