import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createWorld, errorOf, untilStopped } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const METHODS = ['tasks/get', 'tasks/update', 'tasks/cancel'] as const
const UNKNOWN = '0'.repeat(48)

describe('whose a task is', () => {
  it.each([
    ['another principal', { principal: 'alice' }, { principal: 'mallory' }],
    ['nobody verified', { principal: 'alice' }, {}],
    ['a principal, of a task of nobody verified', {}, { principal: 'mallory' }],
  ])('to %s it is like one that never was', async (_who, owner, stranger) => {
    const { start, call, get } = createWorld()
    const { taskId } = await start(untilStopped, owner)
    for (const method of METHODS) {
      const foreign = await errorOf(call(method, { taskId, inputResponses: {} }, stranger))
      const unknown = await errorOf(call(method, { taskId: UNKNOWN, inputResponses: {} }, stranger))
      expect(foreign).toMatchObject({ name: 'RpcError', code: -32602 })
      expect([foreign.message, foreign.data]).toEqual([unknown.message, unknown.data])
    }
    expect((await get(taskId, owner)).status).toBe('working')
  })

  it.each([...METHODS])('%s refuses ids that are none, without asking the store (−32602)', async method => {
    const { call, store } = createWorld()
    const get = vi.spyOn(store, 'get')
    const ids = [undefined, null, 7, {}, [], '', '__proto__', 'x'.repeat(1_000_000), `${UNKNOWN}\n`, '*', '../x']
    for (const taskId of ids) {
      expect(await errorOf(call(method, { taskId, inputResponses: {} }))).toMatchObject({ code: -32602 })
    }
    expect(get).not.toHaveBeenCalled()
  })

  it('ids have 192 random bits, and none comes twice', async () => {
    const { start } = createWorld({ maxRunningPerPrincipal: 1000 })
    const ids = await Promise.all(Array.from({ length: 200 }, async () => (await start(untilStopped)).taskId))
    expect(new Set(ids).size).toBe(200)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{48}$/)
    const firstDigits = new Set(ids.map(id => id[0]))
    expect(firstDigits.size).toBeGreaterThan(8)
  })

  it('an error of the store is no unknown task', async () => {
    const { call, store } = createWorld()
    vi.spyOn(store, 'get').mockRejectedValue(new Error('store down'))
    await expect(call('tasks/get', { taskId: UNKNOWN })).rejects.toThrow('store down')
  })
})

describe('which scopes a task needs', () => {
  const alice = { principal: 'alice', scopes: [], claims: {}, token: 'secret' }
  const mallory = { ...alice, principal: 'mallory' }

  it('those that the call needed which started it, and nobody else learns of them', async () => {
    const { start, extension } = createWorld()
    const { taskId } = await start(untilStopped, { principal: 'alice', neededScopes: ['admin'] })
    const needed = (id: unknown, auth: typeof alice | undefined): unknown =>
      extension.scopesOf?.('tasks/get', { taskId: id }, auth)
    expect(await needed(taskId, alice)).toEqual(['admin'])
    for (const auth of [mallory, undefined]) expect(await needed(taskId, auth)).toEqual([])
    for (const id of [UNKNOWN, undefined, 7, '__proto__']) expect(await needed(id, alice)).toEqual([])
  })

  it('none, where the record says none, as older ones do', async () => {
    const { start, extension, store, get } = createWorld()
    const { taskId } = await start(untilStopped, { principal: 'alice', neededScopes: [] })
    expect((await store.get(taskId))?.record).not.toHaveProperty('scopes')
    expect(await extension.scopesOf?.('tasks/get', { taskId }, alice)).toEqual([])
    expect((await get(taskId, { principal: 'alice', scopes: [] })).status).toBe('working')
  })

  it('they stay with it to its end', async () => {
    const { start, call, extension } = createWorld()
    const owner = { principal: 'alice', neededScopes: ['admin'] }
    const { taskId } = await start(untilStopped, owner)
    await call('tasks/cancel', { taskId }, owner)
    expect(await extension.scopesOf?.('tasks/get', { taskId }, alice)).toEqual(['admin'])
  })

  it.each([...METHODS])('%s finds none without them, should nobody have asked before', async method => {
    const { start, call, get } = createWorld()
    const { taskId } = await start(untilStopped, { principal: 'alice', neededScopes: ['admin'] })
    const narrow = { principal: 'alice', scopes: ['read'] }
    expect(await errorOf(call(method, { taskId, inputResponses: {} }, narrow))).toMatchObject({ code: -32602 })
    expect((await get(taskId, { principal: 'alice', scopes: ['admin'] })).status).toBe('working')
  })
})
