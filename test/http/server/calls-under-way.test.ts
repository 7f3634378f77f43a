import { expect, it, vi } from 'vitest'
import { createApp, createGuardedApp } from '../../../src/http/server/app.ts'
import { createCallsUnderWay, MAX_UNDER_WAY } from '../../../src/http/server/calls-under-way.ts'
import { createServer } from '../../../src/server/create-server.ts'
import { createTestGuard, stateless } from './http-world.ts'

it('runs at most so many calls at once, and says when there is no room', async () => {
  const server = createServer({ name: 'x', version: '1' })
  let running = 0
  server.method('own/wait', () => {
    running += 1
    return new Promise(() => undefined)
  })
  const app = createApp(server, { drainMs: 0, keepAliveMs: 60_000 })
  const handle = (method: string) => {
    const headers: Record<string, string> = {
      host: 'x',
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
    }
    return app.handle({
      method: 'POST',
      target: '/',
      header: name => headers[name],
      readBody: async () => JSON.stringify(stateless(method)),
      onDisconnect: () => () => undefined,
    })
  }
  const calls = Array.from({ length: MAX_UNDER_WAY }, () => handle('own/wait'))
  await expect.poll(() => running === MAX_UNDER_WAY).toBe(true)
  expect(await handle('tools/list')).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
  await app.close()
  for (const call of calls) expect((await call).status).toBe(200)
})

it('one client cannot keep all others out, by requests of whatever revision', async () => {
  const server = createServer({ name: 'x', version: '1' })
  let running = 0
  server.method('own/wait', () => {
    running += 1
    return new Promise(() => undefined)
  })
  const app = createGuardedApp(server, createTestGuard(), { drainMs: 0, keepAliveMs: 60_000 })
  const post = (principal: string, body: object, extra: Record<string, string>) => {
    const headers: Record<string, string> = {
      host: 'x',
      authorization: `Bearer ${principal}`,
      'content-type': 'application/json',
      ...extra,
    }
    return app.handle({
      method: 'POST',
      target: '/',
      header: name => headers[name],
      readBody: async () => JSON.stringify(body),
      onDisconnect: () => () => undefined,
    })
  }
  const ask = (principal: string, method: string) =>
    post(principal, stateless(method), { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method })
  const half = MAX_UNDER_WAY / 4 + 50
  for (let count = 0; count < half; count += 1) void ask('eve', 'own/wait')
  for (let opened = 0; opened * 200 < half; opened += 1) {
    const params = { protocolVersion: '2025-06-18', capabilities: {} }
    const { headers } = await post('eve', { jsonrpc: '2.0', id: 0, method: 'initialize', params }, {})
    const session = { 'mcp-session-id': headers['mcp-session-id'] ?? '' }
    for (let id = 0; id < 200; id += 1) void post('eve', { jsonrpc: '2.0', id, method: 'own/wait' }, session)
  }
  await expect.poll(() => running > MAX_UNDER_WAY / 2).toBe(true)
  expect((await ask('eve', 'tools/list')).status).toBe(503)
  expect((await ask('ada', 'own/other')).status).toBe(404)
  await app.close()
})

it('counts subscriptions apart', () => {
  const underWay = createCallsUnderWay(1000, () => 0)
  const ends = Array.from({ length: MAX_UNDER_WAY }, () =>
    underWay.begin({ startedAt: 0, isSubscription: true, abort: () => undefined }),
  )
  expect([underWay.isFullFor(undefined), underWay.size]).toEqual([false, MAX_UNDER_WAY])
  for (const end of ends) end()
  expect(underWay.size).toBe(0)
})

it('leaves room to others, whatever one principal has under way', () => {
  const underWay = createCallsUnderWay(1000, () => 0)
  const ends: (() => void)[] = []
  const fillAs = (principal: string): number => {
    let count = 0
    for (; !underWay.isFullFor(principal); count += 1)
      ends.push(underWay.begin({ principal, startedAt: 0, isSubscription: false, abort: () => undefined }))
    return count
  }
  expect(fillAs('eve')).toBe(MAX_UNDER_WAY / 2 + 1)
  expect(underWay.isFullFor('ada')).toBe(false)
  expect(fillAs('mallory')).toBeLessThanOrEqual(MAX_UNDER_WAY / 4 + 1)
  expect([underWay.isFullFor('ada'), underWay.isFullFor('eve'), underWay.isFullFor(undefined)]).toEqual([
    false,
    true,
    false,
  ])
  for (const end of ends) end()
  expect(underWay.isFullFor('eve')).toBe(false)
})

it('looks at the clock only while something runs, and ends what ran for too long', () => {
  vi.useFakeTimers()
  try {
    let at = 0
    const underWay = createCallsUnderWay(1000, () => at)
    const aborted: string[] = []
    const begin = (name: string, isSubscription = false) =>
      underWay.begin({ startedAt: at, isSubscription, abort: () => void aborted.push(name) })
    const ends = [begin('first'), begin('subscription', true)]
    at = 900
    ends.push(begin('second'))
    vi.advanceTimersByTime(1000)
    expect(aborted).toEqual([])
    at = 1001
    vi.advanceTimersByTime(1000)
    expect(aborted).toEqual(['first'])
    for (const end of ends) {
      end()
      end()
    }
    vi.advanceTimersByTime(1000)
    expect([underWay.size, vi.getTimerCount()]).toEqual([0, 0])
  } finally {
    vi.useRealTimers()
  }
})
