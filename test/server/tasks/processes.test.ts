import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { elicit } from '../../../src/server/asks.ts'
import { createMemoryTaskStore } from '../../../src/server/tasks/memory-task-store.ts'
import type { TaskStore } from '../../../src/server/tasks/task-store.ts'
import { createWorld, forever, untilStopped, type World } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(5)

/** A store as another process sees it: records travel as text. */
function throughText(store: TaskStore): TaskStore {
  const copy = <Value>(value: Value): Value =>
    value === undefined ? value : (JSON.parse(JSON.stringify(value)) as Value)
  return {
    create: async record => store.create(copy(record)),
    get: async taskId => copy(await store.get(taskId)),
    compareAndSet: async (taskId, version, record) => store.compareAndSet(taskId, version, copy(record)),
    delete: async taskId => store.delete(taskId),
    listDue: async now => store.listDue(now),
  }
}

/** Two servers over one store; `kill` is kill -9: nothing of the first reaches the store any more. */
function createPair(): { a: World; b: World; kill: () => void } {
  const store = createMemoryTaskStore()
  let isDead = false
  const mortal = throughText(store)
  const silent = new Proxy(mortal, {
    get: (target, name: keyof TaskStore) =>
      isDead ? () => new Promise(() => undefined) : (target[name] as (...args: unknown[]) => unknown),
  })
  return {
    a: createWorld({ store: silent }),
    b: createWorld({ store: throughText(store) }),
    kill: () => (isDead = true),
  }
}

describe('two processes over one store', () => {
  it('each answers for the tasks of the other', async () => {
    const { a, b } = createPair()
    const { taskId } = await a.start(async () => 'done', { principal: 'alice' })
    expect((await b.get(taskId, { principal: 'alice' })).status).toBe('working')
    await settle()
    expect(await b.get(taskId, { principal: 'alice' })).toMatchObject({
      status: 'completed',
      result: expect.anything(),
    })
    await expect(b.get(taskId, { principal: 'mallory' })).rejects.toMatchObject({ code: -32602 })
  })

  it('a long task is not taken for lost by the other', async () => {
    const { a, b } = createPair()
    const { taskId } = await a.start(untilStopped)
    await b.start(untilStopped)
    for (let minute = 0; minute < 10; minute++) {
      await vi.advanceTimersByTimeAsync(60_000)
      expect((await b.get(taskId)).status).toBe('working')
    }
  })

  it('an answer given to the one reaches the work in the other within the poll interval', async () => {
    const { a, b } = createPair()
    const question = elicit({ message: 'Sure?', schema: { type: 'object', properties: { sure: { type: 'boolean' } } } })
    const { taskId } = await a.start(async task => JSON.stringify(await task.ask({ question })))
    await settle()
    const [key] = Object.keys((await b.get(taskId)).inputRequests ?? {})
    const inputResponses = { [key!]: { action: 'accept', content: { sure: true } } }
    expect(await b.call('tasks/update', { taskId, inputResponses })).toEqual({ resultType: 'complete' })
    expect((await b.get(taskId)).status).toBe('working')
    await vi.advanceTimersByTimeAsync(1000)
    expect(await b.get(taskId)).toMatchObject({
      status: 'completed',
      result: { content: [{ text: '{"question":{"sure":true}}' }] },
    })
  })

  it('the first answer counts, also when the work has not seen it yet', async () => {
    const { a, b } = createPair()
    const question = elicit({ message: 'Sure?', schema: { type: 'object', properties: { sure: { type: 'boolean' } } } })
    const { taskId } = await a.start(async task => JSON.stringify(await task.ask({ question })))
    await settle()
    const [key] = Object.keys((await b.get(taskId)).inputRequests ?? {})
    for (const sure of [true, false]) {
      const inputResponses = { [key!]: { action: 'accept', content: { sure } } }
      await b.call('tasks/update', { taskId, inputResponses })
    }
    await vi.advanceTimersByTimeAsync(1000)
    expect((await b.get(taskId)).result).toEqual({ content: [{ type: 'text', text: '{"question":{"sure":true}}' }] })
  })

  it('a cancellation given to the one is seen at once, and stops the work in the other', async () => {
    const { a, b } = createPair()
    let isStopped = false
    const { taskId } = await a.start(({ signal }) => {
      signal.addEventListener('abort', () => (isStopped = true))
      return forever({} as never)
    })
    await settle()
    await b.call('tasks/cancel', { taskId })
    expect((await a.get(taskId)).status).toBe('cancelled')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(isStopped).toBe(true)
  })

  it('a cancellation stops work that waits for an answer within the poll interval', async () => {
    const { a, b } = createPair()
    const question = elicit({ message: 'Sure?', schema: { type: 'object', properties: {} } })
    let error: unknown
    const { taskId } = await a.start(task => task.ask({ question }).catch((reason: unknown) => (error = reason)))
    await settle()
    await b.call('tasks/cancel', { taskId })
    await vi.advanceTimersByTimeAsync(1000)
    expect(error).toMatchObject({ name: 'AbortError' })
  })

  it('of two that write at the same time, no change is lost', async () => {
    const { a, b } = createPair()
    const questions = Object.fromEntries(
      Array.from({ length: 8 }, (_value, index) => [
        `q${index}`,
        elicit({ message: 'Sure?', schema: { type: 'object', properties: {} } }),
      ]),
    )
    const { taskId } = await a.start(async task => Object.keys(await task.ask(questions)).length)
    await settle()
    const keys = Object.keys((await a.get(taskId)).inputRequests ?? {})
    await Promise.all(
      keys.map((key, index) =>
        (index % 2 ? a : b).call('tasks/update', { taskId, inputResponses: { [key]: { action: 'accept' } } }),
      ),
    )
    await vi.advanceTimersByTimeAsync(1000)
    expect(await b.get(taskId)).toMatchObject({ status: 'completed', result: { content: [{ text: '8' }] } })
  })
})

describe('kill -9', () => {
  it('a task whose server is gone has failed within the lease, with words that say so', async () => {
    const { a, b, kill } = createPair()
    const { taskId } = await a.start(untilStopped)
    await vi.advanceTimersByTimeAsync(100_000)
    kill()
    await vi.advanceTimersByTimeAsync(15_000)
    expect((await b.get(taskId)).status).toBe('working')
    await vi.advanceTimersByTimeAsync(15_001)
    const failed = await b.get(taskId)
    const message = 'The server that worked on this task is gone, and its work with it: start it again'
    expect(failed).toMatchObject({ status: 'failed', statusMessage: message, error: { code: -32603, message } })
    expect(await b.get(taskId)).toEqual(failed)
  })

  it('also one that needs input: its questions are asked no more', async () => {
    const { a, b, kill } = createPair()
    const question = elicit({ message: 'Sure?', schema: { type: 'object', properties: {} } })
    const { taskId } = await a.start(task => task.ask({ question }))
    await settle()
    kill()
    expect((await b.get(taskId)).status).toBe('input_required')
    await vi.advanceTimersByTimeAsync(30_001)
    expect((await b.get(taskId)).status).toBe('failed')
    expect(await b.get(taskId)).not.toHaveProperty('inputRequests')
  })

  it('what has ended before stays as it is', async () => {
    const { a, b, kill } = createPair()
    const { taskId } = await a.start(async () => 'done')
    await settle()
    kill()
    await vi.advanceTimersByTimeAsync(600_000)
    expect((await b.get(taskId)).status).toBe('completed')
  })

  it('another server fails it also when nobody looks', async () => {
    const { a, b, kill } = createPair()
    const { taskId } = await a.start(untilStopped)
    await settle()
    kill()
    await b.start(untilStopped)
    await vi.advanceTimersByTimeAsync(45_000)
    expect((await b.store.get(taskId))?.record.status).toBe('failed')
  })

  it('a server that was only busy for long does not lose its own tasks', async () => {
    const { start, get } = createWorld()
    const { taskId } = await start(untilStopped)
    await settle()
    vi.setSystemTime(Date.now() + 120_000)
    expect((await get(taskId)).status).toBe('working')
  })

  it('when another has taken it for lost, the end that comes later is dropped, and the work stopped', async () => {
    const { a, b } = createPair()
    let isStopped = false
    const { taskId } = await a.start(({ signal }) => {
      signal.addEventListener('abort', () => (isStopped = true))
      return forever({} as never)
    })
    await settle()
    vi.setSystemTime(Date.now() + 120_000)
    expect((await b.get(taskId)).status).toBe('failed')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(isStopped).toBe(true)
    expect((await a.get(taskId)).status).toBe('failed')
  })

  it('a store where others are always faster is an error, not an endless loop', async () => {
    const { start, call, store } = createWorld()
    const { taskId } = await start(untilStopped)
    await settle()
    store.compareAndSet = async () => false
    await expect(call('tasks/cancel', { taskId })).rejects.toMatchObject({ code: -32603 })
  })
})
