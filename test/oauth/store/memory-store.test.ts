import { describe, expect, it } from 'vitest'
import { emptyRecord } from '../../../src/oauth/credential-record.ts'
import { createMemoryStore } from '../../../src/oauth/store/memory-store.ts'

const key = { server: 'https://mcp.example.com', profile: 'default' }
const record = emptyRecord(key)

describe('the memory store', () => {
  it('counts versions up from 1 for each key, 0 standing for no record', async () => {
    const store = createMemoryStore()
    expect(await store.get(key)).toBeUndefined()
    expect(await store.compareAndSet(key, 0, record)).toBe(1)
    expect(await store.compareAndSet(key, 1, record)).toBe(2)
    expect(await store.compareAndSet({ ...key, profile: 'other' }, 0, record)).toBe(1)
    expect(await store.get(key)).toEqual({ version: 2, record })
    expect(await store.list()).toEqual([key, { ...key, profile: 'other' }])
  })

  it('refuses the writer that lost', async () => {
    const store = createMemoryStore()
    await store.compareAndSet(key, 0, record)
    expect(await store.compareAndSet(key, 0, record)).toBeUndefined()
    expect(await store.compareAndSet(key, 2, record)).toBeUndefined()
    expect(await store.delete(key, 2)).toBe(false)
  })

  it('a writer from before a delete cannot win over a record from after it', async () => {
    const store = createMemoryStore()
    await store.compareAndSet(key, 0, record)
    expect(await store.delete(key, 1)).toBe(true)
    expect(await store.compareAndSet(key, 0, record)).toBe(2)
    expect(await store.compareAndSet(key, 1, record)).toBeUndefined()
  })

  it('copies in and out', async () => {
    const store = createMemoryStore()
    const mine = structuredClone(record) as { profile: string }
    await store.compareAndSet(key, 0, mine as typeof record)
    mine.profile = 'changed'
    const read = (await store.get(key))!.record as { profile: string }
    read.profile = 'changed too'
    expect((await store.get(key))?.record.profile).toBe('default')
  })

  it('runs tasks under its lock one after another, in order, whether they fail or not', async () => {
    const store = createMemoryStore()
    const log: string[] = []
    const task = (name: string) => async () => {
      log.push(`${name} in`)
      await new Promise(resolve => setImmediate(resolve))
      log.push(`${name} out`)
      if (name === 'a') throw new Error(name)
      return name
    }
    const results = await Promise.allSettled(['a', 'b', 'c'].map(name => store.withLock(key, task(name))))
    expect(log).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  })

  it('a signal ends the wait for the lock, and lets nobody in early', async () => {
    const store = createMemoryStore()
    const gate = new EventTarget()
    const open = new Promise(resolve => gate.addEventListener('open', resolve))
    const first = store.withLock(key, () => open)
    const controller = new AbortController()
    const second = store.withLock(key, async () => 'never', { signal: controller.signal })
    let third = false
    const last = store.withLock(key, async () => {
      third = true
    })
    controller.abort()
    await expect(second).rejects.toMatchObject({ name: 'StoreError', code: 'locked' })
    await new Promise(resolve => setImmediate(resolve))
    expect(third).toBe(false)
    gate.dispatchEvent(new Event('open'))
    await Promise.all([first, last])
    expect(third).toBe(true)
  })

  it('different keys do not wait for each other', async () => {
    const store = createMemoryStore()
    const result = await store.withLock(key, () => store.withLock({ ...key, profile: 'other' }, async () => 'in'))
    expect(result).toBe('in')
  })
})
