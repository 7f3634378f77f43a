import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryTaskStore } from '../../../src/server/tasks/memory-task-store.ts'
import type { TaskRecord } from '../../../src/server/tasks/task-record.ts'
import { createWorld, errorOf, forever, untilStopped } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(5)

describe('tasks that run at a time', () => {
  it('of one principal are limited, also when all start at once; others are not held back', async () => {
    const { start, call } = createWorld({ maxRunningPerPrincipal: 3 })
    const flood = await Promise.allSettled(Array.from({ length: 50 }, () => start(untilStopped, { principal: 'eve' })))
    expect(flood.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    const error = await errorOf(start(untilStopped, { principal: 'eve' }))
    expect(error).toMatchObject({
      code: -32603,
      message: expect.stringContaining('3 tasks of this client are under way'),
    })
    const { taskId } = await start(untilStopped, { principal: 'alice' })
    await settle()
    await call('tasks/cancel', { taskId }, { principal: 'alice' })
  })

  it('are limited in all', async () => {
    const { start } = createWorld({ maxRunning: 3 })
    for (const principal of ['a', 'b', 'c']) await start(untilStopped, { principal })
    await expect(start(untilStopped, { principal: 'd' })).rejects.toThrow('3 tasks are under way')
  })

  it('clients that nobody verified count as one', async () => {
    const { start } = createWorld({ maxRunningPerPrincipal: 1 })
    await start(untilStopped)
    await expect(start(untilStopped)).rejects.toThrow('of this client')
  })

  it('a place is free again when the work has ended, in whatever way', async () => {
    const { start, call } = createWorld({ maxRunning: 1 })
    await start(async () => 'done')
    await settle()
    await start(() => Promise.reject(new Error('no')))
    await settle()
    const { taskId } = await start(untilStopped)
    await settle()
    await call('tasks/cancel', { taskId })
    await settle()
    await start(untilStopped)
  })

  it('work that ignores its cancellation keeps its place: starting and cancelling is no way around the limit', async () => {
    const { start, call } = createWorld({ maxRunning: 1 })
    const { taskId } = await start(forever)
    await settle()
    await call('tasks/cancel', { taskId })
    await vi.advanceTimersByTimeAsync(60_000)
    await expect(start(forever)).rejects.toThrow('1 tasks are under way')
  })
})

describe('the store in memory', () => {
  const record = (taskId: string, principal: string | null = null, ttlMs = 1000): TaskRecord => ({
    taskId,
    principal,
    status: 'completed',
    createdAt: Date.now(),
    lastUpdatedAt: Date.now(),
    ttlMs,
    pollIntervalMs: 1000,
    dueAt: Date.now() + ttlMs,
  })

  it('refuses more than it may hold, in all and of one principal, until the time of old ones is over', async () => {
    const store = createMemoryTaskStore({ maxTasks: 3, maxTasksPerPrincipal: 2 })
    expect(await store.create(record('1', 'eve'))).toBe('created')
    expect(await store.create(record('2', 'eve'))).toBe('created')
    expect(await store.create(record('3', 'eve'))).toBe('full')
    expect(await store.create(record('4', null, 5000))).toBe('created')
    expect(await store.create(record('5', 'alice'))).toBe('full')
    vi.setSystemTime(Date.now() + 1000)
    expect(await store.create(record('6', 'eve'))).toBe('created')
    expect(await store.get('1')).toBeUndefined()
    expect(await store.get('4')).toBeDefined()
    await store.delete('4')
    await store.delete('4')
    expect(await store.create(record('7', 'eve'))).toBe('created')
    expect(await store.create(record('8', 'eve'))).toBe('full')
  })

  it('a full store means a clear error, and no work is begun', async () => {
    const { start } = createWorld({ memory: { maxTasks: 1 } })
    await start(async () => 'done')
    await settle()
    const work = vi.fn()
    expect(await errorOf(start(work))).toMatchObject({
      code: -32603,
      message: 'No task can be started now: the server keeps no more of them. Wait for some to finish, or cancel them',
    })
    await settle()
    expect(work).not.toHaveBeenCalled()
  })

  it('of two writers that read the same version one wins; none writes what is gone', async () => {
    const store = createMemoryTaskStore()
    await store.create(record('1'))
    const { version } = (await store.get('1'))!
    const writes = [1, 2].map(number =>
      store.compareAndSet('1', version, { ...record('1'), statusMessage: `${number}` }),
    )
    expect(await Promise.all(writes)).toEqual([true, false])
    expect((await store.get('1'))?.record.statusMessage).toBe('1')
    await store.delete('1')
    expect(await store.compareAndSet('1', version + 1, record('1'))).toBe(false)
  })

  it('lists what is due', async () => {
    const store = createMemoryTaskStore()
    await store.create(record('1'))
    await store.create(record('2', null, 2000))
    expect(await store.listDue(Date.now())).toEqual([])
    expect(await store.listDue(Date.now() + 1000)).toEqual(['1'])
  })
})
