import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { elicit, type FormAsk, listRoots } from '../../../src/server/asks.ts'
import type { TaskWork } from '../../../src/server/task-runner.ts'
import { createWorld, errorOf, type World } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(5)

/** A form with one text. */
function form(property: string): FormAsk<Readonly<Record<string, unknown>>> {
  const schema = { type: 'object', properties: { [property]: { type: 'string' } }, required: [property] }
  return elicit({ message: `What is your ${property}?`, schema })
}

const accept = (content: object): object => ({ action: 'accept', content })

const askName: TaskWork = async task => {
  const { name } = await task.ask({ name: form('name') })
  return JSON.stringify(name)
}
const askTwo: TaskWork = async task => JSON.stringify(await task.ask({ name: form('name'), town: form('town') }))

async function openKeys({ get }: World, taskId: string): Promise<string[]> {
  await settle()
  return Object.keys((await get(taskId)).inputRequests ?? {})
}

async function update({ call }: World, taskId: string, inputResponses: unknown): Promise<unknown> {
  const answer = await call('tasks/update', { taskId, inputResponses })
  await settle()
  return answer
}

describe('questions of a task', () => {
  it('are shown by tasks/get under opaque keys while it needs input', async () => {
    const world = createWorld()
    const { taskId } = await world.start(askName)
    await settle()
    const task = await world.get(taskId)
    expect(task.status).toBe('input_required')
    const entries = Object.entries(task.inputRequests ?? {})
    expect(entries).toEqual([
      [
        expect.stringMatching(/^[0-9a-f]{48}$/),
        {
          method: 'elicitation/create',
          params: expect.objectContaining({ mode: 'form', message: 'What is your name?' }),
        },
      ],
    ])
  })

  it('an answer is acknowledged with nothing but its type, and lets the task go on at once', async () => {
    const world = createWorld({ pollIntervalMs: 60_000 })
    const { taskId } = await world.start(askName)
    const [key] = await openKeys(world, taskId)
    expect(await update(world, taskId, { [key!]: accept({ name: 'Ada' }) })).toEqual({ resultType: 'complete' })
    expect(await world.get(taskId)).toMatchObject({
      status: 'completed',
      result: { content: [{ text: '{"name":"Ada"}' }] },
    })
  })

  it('a part of the answers leaves the others open: the task keeps needing input', async () => {
    const world = createWorld()
    const { taskId } = await world.start(askTwo)
    const [name, town] = await openKeys(world, taskId)
    // At once, before the work has looked.
    await world.call('tasks/update', { taskId, inputResponses: { [name!]: accept({ name: 'Ada' }) } })
    const between = await world.get(taskId)
    expect(between.status).toBe('input_required')
    expect(Object.keys(between.inputRequests ?? {})).toEqual([town])
    expect(await openKeys(world, taskId)).toEqual([town])
    await update(world, taskId, { [town!]: accept({ town: 'London' }) })
    const { status, result } = await world.get(taskId)
    expect(status).toBe('completed')
    expect(JSON.parse((result as { content: [{ text: string }] }).content[0].text)).toEqual({
      name: { name: 'Ada' },
      town: { town: 'London' },
    })
  })

  it('keys that are unknown or answered are ignored', async () => {
    const world = createWorld()
    const { taskId } = await world.start(askTwo)
    const [name, town] = await openKeys(world, taskId)
    expect(await update(world, taskId, { nothing: { ignored: true } })).toEqual({ resultType: 'complete' })
    expect(await openKeys(world, taskId)).toEqual([name, town])
    await update(world, taskId, { [name!]: accept({ name: 'Ada' }) })
    await update(world, taskId, { [name!]: accept({ name: 'Eve' }), [town!]: accept({ town: 'London' }) })
    expect(JSON.stringify((await world.get(taskId)).result)).toContain('Ada')
  })

  it('the first answer counts, also before the work has looked at it', async () => {
    const world = createWorld()
    const { taskId } = await world.start(askName)
    const [key] = await openKeys(world, taskId)
    await Promise.all([
      world.call('tasks/update', { taskId, inputResponses: { [key!]: accept({ name: 'Ada' }) } }),
      world.call('tasks/update', { taskId, inputResponses: { [key!]: accept({ name: 'Eve' }) } }),
    ])
    await settle()
    expect(JSON.stringify((await world.get(taskId)).result)).toContain('Ada')
  })

  it.each([
    ['a number', 12345],
    ['null', null],
    ['a list', [1]],
    ['an unknown action', { action: 'explode' }],
    ['content of the wrong type', accept({ name: 7 })],
    ['content without what is required', accept({})],
    ['a member named __proto__', JSON.parse('{"action":"accept","content":{"__proto__":{"name":"Eve"}}}')],
  ])('an answer that does not fit is asked for again, under a key that was never used: %s', async (_what, response) => {
    const world = createWorld()
    const { taskId } = await world.start(askTwo)
    const [name, town] = await openKeys(world, taskId)
    expect(await update(world, taskId, { [name!]: response })).toEqual({ resultType: 'complete' })
    const task = await world.get(taskId)
    expect(task.status).toBe('input_required')
    expect(task.statusMessage).toMatch(/^The answer to name cannot be used: /)
    const keys = Object.keys(task.inputRequests ?? {})
    expect(keys).toHaveLength(2)
    expect(keys).toContain(town)
    expect(keys).not.toContain(name)
    const again = keys.find(key => key !== town)
    await update(world, taskId, { [again!]: accept({ name: 'Ada' }) })
    expect(await world.get(taskId)).not.toHaveProperty('statusMessage')
    await update(world, taskId, { [town!]: accept({ town: 'London' }) })
    expect((await world.get(taskId)).status).toBe('completed')
  })

  it('ten answers to one question that do not fit are enough: the work is told', async () => {
    const world = createWorld()
    const { taskId } = await world.start(askName)
    const used = new Set<string>()
    for (let round = 0; round < 10; round++) {
      const [key] = await openKeys(world, taskId)
      used.add(key!)
      await update(world, taskId, { [key!]: 'nonsense' })
    }
    expect(used.size).toBe(10)
    expect(await world.get(taskId)).toMatchObject({ status: 'failed', error: { code: -32602 } })
  })

  it.each([undefined, null, 'text', 7, [{ action: 'accept' }]])(
    'refuses inputResponses that are no object, and changes nothing: %o',
    async inputResponses => {
      const world = createWorld()
      const { taskId } = await world.start(askName)
      const keys = await openKeys(world, taskId)
      const error = await errorOf(world.call('tasks/update', { taskId, inputResponses }))
      expect(error).toMatchObject({ code: -32602, message: expect.stringContaining('inputResponses') })
      expect(await openKeys(world, taskId)).toEqual(keys)
    },
  )

  it('names of object members are no keys: __proto__, constructor', async () => {
    const world = createWorld()
    const { taskId } = await world.start(askName)
    const [key] = await openKeys(world, taskId)
    const hostile = JSON.parse(`{"__proto__":{"${key}":{"action":"accept"}},"constructor":1,"toString":2}`) as object
    await update(world, taskId, hostile)
    expect(await openKeys(world, taskId)).toEqual([key])
  })

  it('a user who declines ends the question with an error that the work may handle', async () => {
    const world = createWorld()
    const { taskId } = await world.start(askTwo)
    const [name] = await openKeys(world, taskId)
    await update(world, taskId, { [name!]: { action: 'decline' } })
    expect(await world.get(taskId)).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('declined') },
    })
  })

  it('work that handles it goes on, and what it no longer waits for is withdrawn', async () => {
    const world = createWorld()
    const { taskId } = await world.start(async task => {
      await Promise.resolve(askTwo(task)).catch(() => undefined)
      await new Promise(resolve => setTimeout(resolve, 1000))
    })
    const [name] = await openKeys(world, taskId)
    await update(world, taskId, { [name!]: { action: 'decline' } })
    const task = await world.get(taskId)
    expect(task.status).toBe('working')
    expect(task).not.toHaveProperty('inputRequests')
  })

  it('where the user may decline, that is an answer', async () => {
    const world = createWorld()
    const { taskId } = await world.start(async task =>
      Object.values(await task.ask({ name: { ...form('name'), mayDecline: true } })),
    )
    const [key] = await openKeys(world, taskId)
    await update(world, taskId, { [key!]: { action: 'cancel' } })
    expect((await world.get(taskId)).result).toEqual({ content: [{ type: 'text', text: '' }] })
  })

  it('work may ask several times, and at the same time; no key comes twice', async () => {
    const world = createWorld()
    const { taskId } = await world.start(async task => {
      await task.ask({ name: form('name') })
      await Promise.all([task.ask({ name: form('name') }), task.ask({ town: form('town') })])
      return 'done'
    })
    const first = await openKeys(world, taskId)
    await update(world, taskId, { [first[0]!]: accept({ name: 'Ada' }) })
    const second = await openKeys(world, taskId)
    expect(new Set([...first, ...second]).size).toBe(3)
    await update(world, taskId, { [second[0]!]: accept({ name: 'Ada', town: 'x' }) })
    await update(world, taskId, { [second[1]!]: accept({ name: 'Ada', town: 'x' }) })
    expect((await world.get(taskId)).status).toBe('completed')
  })

  it('questions without a value are not asked', async () => {
    const world = createWorld()
    const { taskId } = await world.start(async task => Object.keys(await task.ask({ name: undefined })).length)
    await settle()
    expect(JSON.stringify((await world.get(taskId)).result)).toContain('"0"')
  })

  it('a client that did not declare that it can be asked is not asked: −32021 for the work', async () => {
    const world = createWorld()
    const { taskId } = await world.start(async task => task.ask({ roots: listRoots() }))
    await settle()
    expect(await world.get(taskId)).toMatchObject({
      status: 'failed',
      error: { code: -32021, data: { requiredCapabilities: { roots: {} } } },
    })
  })

  it('a task asks at most 50 questions at a time', async () => {
    const world = createWorld()
    const questions = Object.fromEntries(Array.from({ length: 51 }, (_value, index) => [`q${index}`, form('name')]))
    const { taskId } = await world.start(task => task.ask(questions))
    await settle()
    expect(await world.get(taskId)).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('50') },
    })
  })

  it('answers are not kept longer than the work needs them', async () => {
    const world = createWorld()
    const { taskId } = await world.start(async task => {
      await task.ask({ name: form('name') })
      await new Promise(resolve => setTimeout(resolve, 1000))
      return 'done'
    })
    const [key] = await openKeys(world, taskId)
    await update(world, taskId, { [key!]: accept({ name: 'canary' }) })
    expect((await world.get(taskId)).status).toBe('working')
    expect(JSON.stringify(await world.store.get(taskId))).not.toContain('canary')
  })

  it('a store that fails while an answer is waited for costs time only', async () => {
    const world = createWorld()
    const { taskId } = await world.start(askName)
    const [key] = await openKeys(world, taskId)
    const { store } = world
    const { get } = store
    await world.call('tasks/update', { taskId, inputResponses: { [key!]: accept({ name: 'Ada' }) } })
    store.get = () => Promise.reject(new Error('store down'))
    await vi.advanceTimersByTimeAsync(3000)
    expect(world.errors.length).toBeGreaterThan(0)
    store.get = get
    await vi.advanceTimersByTimeAsync(1000)
    expect((await world.get(taskId)).status).toBe('completed')
  })

  it('an update of a task that has ended is acknowledged and changes nothing', async () => {
    const world = createWorld()
    const { taskId } = await world.start(async () => 'done')
    await settle()
    const before = await world.get(taskId)
    expect(await update(world, taskId, { key: accept({}) })).toEqual({ resultType: 'complete' })
    expect(await world.get(taskId)).toEqual(before)
  })
})
