import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { elicit } from '../../../src/server/asks.ts'
import { createWorld, forever, untilStopped } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(5)

describe('tasks/cancel', () => {
  it('is acknowledged with nothing but its type, and stops the work', async () => {
    const { start, call, get, errors } = createWorld()
    let reason: unknown
    const { taskId } = await start(({ signal }) => {
      signal.addEventListener('abort', () => (reason = signal.reason))
      return untilStopped({ signal } as never)
    })
    await settle()
    expect(await call('tasks/cancel', { taskId })).toEqual({ resultType: 'complete' })
    expect(reason).toMatchObject({ name: 'AbortError' })
    await settle()
    const cancelled = await get(taskId)
    expect(cancelled).toMatchObject({ status: 'cancelled', statusMessage: 'The client cancelled the task' })
    expect(cancelled).not.toHaveProperty('error')
    expect(cancelled).not.toHaveProperty('result')
    await vi.advanceTimersByTimeAsync(60_000)
    // That the work gave up then is what was asked of it.
    expect(errors).toEqual([])
  })

  it('ends the task at once when the work ignores its signal; what it returns later is dropped', async () => {
    const { start, call, get } = createWorld()
    let finish = (_value: string): void => undefined
    const { taskId } = await start(() => new Promise(resolve => (finish = resolve)))
    await settle()
    await call('tasks/cancel', { taskId })
    expect((await get(taskId)).status).toBe('cancelled')
    finish('too late')
    await settle()
    expect(await get(taskId)).toMatchObject({ status: 'cancelled' })
    expect(await get(taskId)).not.toHaveProperty('result')
  })

  it('what goes wrong while the work stops still reaches onError', async () => {
    const { start, call, errors } = createWorld()
    const broken = new Error('The disk is full')
    const { taskId } = await start(
      ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(broken))),
    )
    await settle()
    await call('tasks/cancel', { taskId })
    await settle()
    expect(errors).toEqual([broken])
  })

  it('of a task whose work has not begun: it never does', async () => {
    const { start, call, get } = createWorld()
    const work = vi.fn()
    const { taskId } = await start(work)
    await call('tasks/cancel', { taskId })
    await settle()
    expect(work).not.toHaveBeenCalled()
    expect((await get(taskId)).status).toBe('cancelled')
  })

  it('of a task that needs input: the questions are withdrawn', async () => {
    const { start, call, get, store } = createWorld()
    let error: unknown
    const { taskId } = await start(async task => {
      const question = elicit({ message: 'Sure?', schema: { type: 'object', properties: {} } })
      await task.ask({ question }).catch((reason: unknown) => (error = reason))
    })
    await settle()
    expect((await get(taskId)).status).toBe('input_required')
    await call('tasks/cancel', { taskId })
    await settle()
    expect(error).toMatchObject({ name: 'AbortError' })
    expect(await get(taskId)).not.toHaveProperty('inputRequests')
    expect((await get(taskId)).status).toBe('cancelled')
    expect((await store.get(taskId))?.record).not.toHaveProperty('questions')
  })

  it('of a task that has ended is acknowledged and changes nothing', async () => {
    const { start, call, get } = createWorld()
    const { taskId } = await start(async () => 'done')
    await settle()
    const before = await get(taskId)
    expect(before.status).toBe('completed')
    for (let time = 0; time < 2; time++) {
      expect(await call('tasks/cancel', { taskId })).toEqual({ resultType: 'complete' })
    }
    expect(await get(taskId)).toEqual(before)
  })
})

describe('the end of the server', () => {
  it('fails what runs, in the store, before the work hears of it', async () => {
    const { start, get, extension } = createWorld()
    const seen: unknown[] = []
    const { taskId } = await start(async task => {
      await Promise.resolve(untilStopped(task)).catch(async () => seen.push((await get(taskId)).status))
      return 'all the same'
    })
    const done = await start(async () => 'done')
    await settle()
    await extension.close?.()
    await settle()
    expect(seen).toEqual(['failed'])
    expect(await get(taskId)).toMatchObject({
      status: 'failed',
      statusMessage: expect.stringContaining('The server was stopped'),
      error: { code: -32603, message: expect.stringContaining('The server was stopped') },
    })
    expect((await get(done.taskId)).status).toBe('completed')
  })

  it('leaves no timer behind, and may be repeated', async () => {
    const { start, extension } = createWorld()
    await start(untilStopped)
    const question = elicit({ message: 'Sure?', schema: { type: 'object', properties: {} } })
    await start(task => task.ask({ question }))
    await settle()
    await Promise.all([extension.close?.(), extension.close?.()])
    await settle()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('starts nothing any more: neither what comes later nor what is just being stored', async () => {
    const { start, extension, store } = createWorld()
    const create = store.create.bind(store)
    let release = (): void => undefined
    store.create = async record => {
      await new Promise<void>(resolve => (release = resolve))
      return create(record)
    }
    const work = vi.fn()
    const started = start(work)
    const closed = extension.close?.()
    release()
    await expect(started).rejects.toThrow('stopped before it began')
    await closed
    await expect(start(work)).rejects.toThrow('starts no more tasks')
    expect(await store.listDue(Number.MAX_SAFE_INTEGER)).toEqual([])
    await settle()
    expect(work).not.toHaveBeenCalled()
  })

  it('ends also when the store fails', async () => {
    const { start, extension, store, errors } = createWorld()
    let isStopped = false
    await start(({ signal }) => {
      signal.addEventListener('abort', () => (isStopped = true))
      return forever({} as never)
    })
    await settle()
    store.get = () => Promise.reject(new Error('store down'))
    await extension.close?.()
    expect(isStopped).toBe(true)
    expect(errors.map(String)).toEqual(['Error: store down'])
  })
})
