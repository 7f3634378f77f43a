import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { elicit } from '../../../src/server/asks.ts'
import { createMemoryTaskStore } from '../../../src/server/tasks/memory-task-store.ts'
import { createCall, createWorld, errorOf, untilStopped, type World } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(5)

type Told = { method: string; params: Record<string, unknown> }

const listen = (world: World, taskIds: unknown, options?: Parameters<typeof createCall>[2]) =>
  world.extension.listen!(createCall('subscriptions/listen', {}, options), { taskIds, toolsListChanged: true })

async function follow(world: World, taskIds: unknown, stop = new AbortController()): Promise<Told[]> {
  const told: Told[] = []
  const subscription = await listen(world, taskIds)
  subscription!.start((method, params) => told.push({ method, params: { ...params } }), stop.signal)
  await settle()
  return told
}

describe('subscriptions/listen with taskIds', () => {
  it('tells the whole task as tasks/get would: as it stands, then at every change, until its end', async () => {
    const world = createWorld()
    const question = elicit({ message: 'Sure?', schema: { type: 'object', properties: {} } })
    const { taskId } = await world.start(async task => {
      await task.ask({ question })
      return 'done'
    })
    const told = await follow(world, [taskId])
    const { resultType: _type, ...asked } = await world.get(taskId)
    expect(told.at(-1)).toEqual({ method: 'notifications/tasks', params: asked })
    const [key] = Object.keys(asked.inputRequests ?? {})
    await world.call('tasks/update', { taskId, inputResponses: { [key!]: { action: 'accept' } } })
    await settle()
    const { resultType: _again, ...done } = await world.get(taskId)
    expect(told.at(-1)?.params).toEqual(done)
    expect(told.map(({ params }) => params['status'])).toEqual(['working', 'input_required', 'working', 'completed'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told).toHaveLength(4)
  })

  it('says nothing while nothing changes: renewals are nobody else’s business', async () => {
    const world = createWorld()
    const { taskId } = await world.start(untilStopped)
    const told = await follow(world, [taskId])
    await vi.advanceTimersByTimeAsync(120_000)
    expect(told).toHaveLength(1)
  })

  it('takes up only tasks of the caller, each once, and at most 100', async () => {
    const world = createWorld({ maxRunningPerPrincipal: 200 })
    const mine = await world.start(untilStopped)
    const foreign = await world.start(untilStopped, { principal: 'alice' })
    const wish = [mine.taskId, foreign.taskId, '0'.repeat(48), 'x', mine.taskId]
    expect((await listen(world, wish))?.notifications).toEqual({ taskIds: [mine.taskId] })
    const many = await Promise.all(Array.from({ length: 150 }, async () => (await world.start(untilStopped)).taskId))
    expect((await listen(world, many))?.notifications['taskIds']).toHaveLength(100)
  })

  it('is refused to clients that do not declare the extension (−32021)', async () => {
    const world = createWorld()
    expect(await errorOf(listen(world, [], { capabilities: {} }))).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } },
    })
  })

  it.each(['text', 7, {}, [7], [null]])('refuses what is no list of strings: %o', async taskIds => {
    expect(await errorOf(listen(createWorld(), taskIds))).toMatchObject({ code: -32602 })
  })

  it.each([undefined, null])('is not concerned by subscriptions without them: %o', async taskIds => {
    expect(await listen(createWorld(), taskIds, { capabilities: {} })).toBeUndefined()
  })

  it('ends with its signal, and leaves nothing behind', async () => {
    const world = createWorld()
    const { taskId } = await world.start(untilStopped)
    const stop = new AbortController()
    const told = await follow(world, [taskId], stop)
    stop.abort()
    await settle()
    await world.call('tasks/cancel', { taskId })
    await world.extension.close?.()
    await settle()
    expect(told).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('follows a task that runs in another process, and one that is forgotten', async () => {
    const store = createMemoryTaskStore()
    const [a, b] = [createWorld({ store, ttlMs: 5000 }), createWorld({ store })]
    const { taskId } = await a.start(untilStopped)
    const told = await follow(b, [taskId])
    await a.call('tasks/cancel', { taskId })
    await vi.advanceTimersByTimeAsync(1000)
    expect(told.map(({ params }) => params['status'])).toEqual(['working', 'cancelled'])
    const other = await a.start(untilStopped)
    await follow(b, [other.taskId])
    await vi.advanceTimersByTimeAsync(10_000)
    await a.extension.close?.()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('goes on when the store fails once', async () => {
    const world = createWorld()
    const { taskId } = await world.start(async () => {
      await new Promise(resolve => setTimeout(resolve, 5000))
      return 'done'
    })
    const told = await follow(world, [taskId])
    vi.spyOn(world.store, 'get').mockRejectedValueOnce(new Error('store down'))
    await vi.advanceTimersByTimeAsync(6000)
    expect(world.errors.map(String)).toEqual(['Error: store down'])
    expect(told.at(-1)?.params['status']).toBe('completed')
  })
})
