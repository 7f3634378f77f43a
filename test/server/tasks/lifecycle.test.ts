import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RpcError } from '../../../src/jsonrpc/errors.ts'
import { readShape } from '../../../src/protocol/shape.ts'
import { task as taskShape } from '../../../src/protocol/tasks.ts'
import { createWorld, errorOf, forever, untilStopped } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-29T10:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(5)

describe('the extension', () => {
  it('is declared with an empty object, refuses clients that do not declare it, and has three methods (SEP-2663)', () => {
    const { extension } = createWorld()
    expect(extension.id).toBe('io.modelcontextprotocol/tasks')
    expect(extension.settings ?? {}).toEqual({})
    expect(extension.capabilities).toBeUndefined()
    expect(extension.mustBeDeclared).toBe(true)
    expect(Object.keys(extension.methods ?? {})).toEqual(['tasks/get', 'tasks/update', 'tasks/cancel'])
    expect(extension.nameParameters).toEqual({
      'tasks/get': 'taskId',
      'tasks/update': 'taskId',
      'tasks/cancel': 'taskId',
    })
  })

  it.each([{ ttlMs: 0 }, { ttlMs: 1.5 }, { pollIntervalMs: Number.NaN }, { leaseMs: 2 ** 31 }])(
    'refuses durations that are no positive whole number of milliseconds: %o',
    options => {
      expect(() => createWorld(options)).toThrow(RangeError)
    },
  )
})

describe('the start of a task', () => {
  it('is answered flat, with the members of the protocol and no others (SEP-2663)', async () => {
    const { start } = createWorld()
    const created = await start(untilStopped)
    expect(created).toEqual({
      resultType: 'task',
      taskId: expect.stringMatching(/^[0-9a-f]{48}$/),
      status: 'working',
      createdAt: '2026-11-29T10:00:00.000Z',
      lastUpdatedAt: '2026-11-29T10:00:00.000Z',
      ttlMs: 3_600_000,
      pollIntervalMs: 1000,
    })
    expect(readShape(taskShape, created, 'task').ok).toBe(true)
  })

  it('takes ttlMs and pollIntervalMs of the one task', async () => {
    const { start } = createWorld()
    expect(await start(untilStopped, { task: { ttlMs: 500, pollIntervalMs: 70 } })).toMatchObject({
      ttlMs: 500,
      pollIntervalMs: 70,
    })
    await expect(start(untilStopped, { task: { ttlMs: -1 } })).rejects.toThrow('ttlMs')
  })

  it('is answered before work that computes at once begins', async () => {
    const { start } = createWorld()
    const work = vi.fn()
    await start(work)
    expect(work).not.toHaveBeenCalled()
    await settle()
    expect(work).toHaveBeenCalledOnce()
  })

  it('is answered only when the task is in the store, so that tasks/get knows it at once', async () => {
    const { start, get, store } = createWorld()
    let release = (): void => undefined
    const create = store.create.bind(store)
    store.create = async record => {
      await new Promise<void>(resolve => (release = resolve))
      return create(record)
    }
    let isAnswered = false
    const started = start(untilStopped).finally(() => (isAnswered = true))
    await vi.advanceTimersByTimeAsync(20_000)
    expect(isAnswered).toBe(false)
    release()
    const { taskId } = await started
    expect(await get(taskId)).toMatchObject({ taskId, status: 'working', resultType: 'complete' })
    // The look that came while the store was slow did not take it for lost.
    await settle()
    expect((await get(taskId)).status).toBe('working')
  })

  it('leaves nothing behind when the store fails, or when nobody waits for the answer any more', async () => {
    const { start, store, extension } = createWorld({ maxRunning: 1 })
    const create = store.create.bind(store)
    store.create = () => Promise.reject(new Error('disk full'))
    await expect(start(untilStopped)).rejects.toThrow('disk full')
    store.create = create
    const work = vi.fn()
    await expect(start(work, { signal: AbortSignal.abort() })).rejects.toThrow('stopped before it began')
    await settle()
    expect(work).not.toHaveBeenCalled()
    expect(await store.listDue(Number.MAX_SAFE_INTEGER)).toEqual([])
    await start(untilStopped)
    await extension.close?.()
  })
})

describe('the end of a task', () => {
  it('completed: the result inline, and kept until the end of its time', async () => {
    const { start, get } = createWorld()
    const { taskId } = await start(async () => 'done', { task: { ttlMs: 60_000 } })
    await settle()
    const done = await get(taskId)
    expect(done).toEqual({
      resultType: 'complete',
      taskId,
      status: 'completed',
      createdAt: '2026-11-29T10:00:00.000Z',
      lastUpdatedAt: expect.any(String),
      ttlMs: 60_000,
      pollIntervalMs: 1000,
      result: { content: [{ type: 'text', text: 'done' }] },
    })
    await vi.advanceTimersByTimeAsync(59_000)
    expect(await get(taskId)).toEqual(done)
  })

  it('a tool result with isError is a result: completed (SEP-2663)', async () => {
    const { start, get } = createWorld()
    const result = { content: [{ type: 'text', text: 'no' }], isError: true }
    const { taskId } = await start(async () => 1, { toResult: async () => result })
    await settle()
    expect(await get(taskId)).toMatchObject({ status: 'completed', result })
  })

  it('failed: the JSON-RPC error inline, and no result', async () => {
    const { start, get } = createWorld()
    const { taskId } = await start(() => {
      throw new RpcError(-32000, 'no more', { data: { after: 3 } })
    })
    await settle()
    const failed = await get(taskId)
    expect(failed).toMatchObject({
      status: 'failed',
      statusMessage: 'no more',
      error: { code: -32000, message: 'no more', data: { after: 3 } },
    })
    expect(failed).not.toHaveProperty('result')
  })

  it('what else is thrown reaches onError only: the client hears that it failed', async () => {
    const { start, get, errors } = createWorld()
    const { taskId } = await start(() => {
      throw new Error('password=canary')
    })
    await settle()
    const failed = await get(taskId)
    expect(failed).toMatchObject({ status: 'failed', error: { code: -32603 } })
    expect(JSON.stringify(failed)).not.toContain('canary')
    expect(String(errors)).toContain('canary')
  })

  it.each([
    [
      'a circle',
      (): unknown =>
        Object.assign(
          {},
          {
            get self(): unknown {
              return this
            },
          },
        ),
    ],
    ['a bigint', (): unknown => ({ value: 1n })],
    ['nothing', (): unknown => undefined],
  ])('a result that JSON cannot carry fails the task: %s', async (_name, make) => {
    const { start, get, errors } = createWorld()
    const { taskId } = await start(async () => 1, { toResult: async () => make() as Record<string, unknown> })
    await settle()
    expect((await get(taskId)).status).toBe('failed')
    expect(errors).toHaveLength(1)
  })

  it('data of an error that JSON cannot carry is left out', async () => {
    const { start, get } = createWorld()
    const { taskId } = await start(() => Promise.reject(new RpcError(-32000, 'no', { data: { value: 1n } })))
    await settle()
    expect((await get(taskId)).error).toEqual({ code: -32000, message: 'no' })
  })

  it('a result is what it was when the work ended', async () => {
    const { start, get } = createWorld()
    const result = { content: [{ type: 'text', text: 'before' }] }
    const { taskId } = await start(async () => 1, { toResult: async () => result })
    await settle()
    result.content[0]!.text = 'after'
    expect(JSON.stringify(await get(taskId))).toContain('before')
  })

  it('an end that the store does not take is written when it works again', async () => {
    const { start, get, store, errors } = createWorld()
    const { taskId } = await start(async () => 'done')
    const { compareAndSet } = store
    store.compareAndSet = () => Promise.reject(new Error('store down'))
    await settle()
    expect(errors.map(String)).toEqual(['Error: store down'])
    expect((await get(taskId)).status).toBe('working')
    store.compareAndSet = compareAndSet
    await vi.advanceTimersByTimeAsync(10_000)
    expect((await get(taskId)).status).toBe('completed')
  })

  it('after its time it is stopped and forgotten, whether it has ended or not', async () => {
    const { start, get, store } = createWorld({ ttlMs: 5000 })
    const done = await start(async () => 'done')
    let reason: unknown
    const running = await start(({ signal }) => {
      signal.addEventListener('abort', () => (reason = signal.reason))
      return forever({} as never)
    })
    await vi.advanceTimersByTimeAsync(4990)
    expect((await get(done.taskId)).status).toBe('completed')
    await vi.advanceTimersByTimeAsync(20)
    for (const { taskId } of [done, running]) {
      expect(await errorOf(get(taskId))).toMatchObject({
        code: -32602,
        message: expect.stringContaining('time is over'),
      })
    }
    await vi.advanceTimersByTimeAsync(10_000)
    expect(reason).toMatchObject({ name: 'AbortError', message: 'The time of the task is over' })
    expect(await store.listDue(Number.MAX_SAFE_INTEGER)).toEqual([])
  })

  it('the sweep forgets tasks that nobody looks at', async () => {
    const { start, store } = createWorld({ ttlMs: 5000 })
    const { taskId } = await start(async () => 'done')
    await vi.advanceTimersByTimeAsync(10_001)
    expect(await store.get(taskId)).toBeUndefined()
  })

  it('the sweep goes on when the store fails once', async () => {
    const { start, store, errors } = createWorld({ ttlMs: 5000 })
    const { taskId } = await start(async () => 'done')
    vi.spyOn(store, 'listDue').mockRejectedValueOnce(new Error('store down'))
    await vi.advanceTimersByTimeAsync(10_001)
    expect(errors.map(String)).toEqual(['Error: store down'])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await store.get(taskId)).toBeUndefined()
  })
})

describe('what work says of itself', () => {
  it('is shown to the client', async () => {
    const { start, get } = createWorld()
    const { taskId } = await start(task => {
      task.status('half done')
      return untilStopped(task)
    })
    await settle()
    expect(await get(taskId)).toMatchObject({ status: 'working', statusMessage: 'half done' })
  })

  it('is written as fast as the store can, the last of it at the latest; it is cut after 2000 characters', async () => {
    const { start, get, store } = createWorld()
    const writes = vi.spyOn(store, 'compareAndSet')
    const { taskId } = await start(task => {
      for (let percent = 0; percent < 10_000; percent++) task.status(`${percent} of 10000`.padEnd(3000))
      return untilStopped(task)
    })
    await settle()
    expect((await get(taskId)).statusMessage).toBe('9999 of 10000'.padEnd(2000))
    expect(writes.mock.calls.length).toBeLessThan(5)
  })

  it('a store that fails does not disturb the work', async () => {
    const { start, get, store, errors } = createWorld()
    vi.spyOn(store, 'compareAndSet').mockRejectedValueOnce(new Error('store down'))
    const { taskId } = await start(async task => {
      task.status('half done')
      await new Promise(resolve => setTimeout(resolve, 1))
      return 'done'
    })
    await settle()
    expect((await get(taskId)).status).toBe('completed')
    expect(errors).toHaveLength(1)
  })

  it('is gone when the task has ended', async () => {
    const { start, get } = createWorld()
    const { taskId } = await start(async task => {
      task.status('half done')
      await new Promise(resolve => setTimeout(resolve, 1))
    })
    await settle()
    expect((await get(taskId)).status).toBe('completed')
    expect(await get(taskId)).not.toHaveProperty('statusMessage')
  })

  it('changes nothing after the end', async () => {
    const { start, get } = createWorld()
    let late = (_message: string): void => undefined
    const { taskId } = await start(async task => {
      late = task.status
      return 'done'
    })
    await settle()
    late('still here')
    await settle()
    expect(await get(taskId)).not.toHaveProperty('statusMessage')
  })
})
