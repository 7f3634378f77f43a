import { expect, it, vi } from 'vitest'
import { createApp } from '../../../src/http/server/app.ts'
import { createCallsUnderWay, MAX_UNDER_WAY } from '../../../src/http/server/calls-under-way.ts'
import { createServer } from '../../../src/server/create-server.ts'
import { stateless } from './http-world.ts'

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
  await vi.waitUntil(() => running === MAX_UNDER_WAY)
  expect(await handle('tools/list')).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
  await app.close()
  for (const call of calls) expect((await call).status).toBe(200)
})

it('counts subscriptions apart', () => {
  const underWay = createCallsUnderWay(1000, () => 0)
  const ends = Array.from({ length: MAX_UNDER_WAY }, () =>
    underWay.begin({ startedAt: 0, isSubscription: true, abort: () => undefined }),
  )
  expect([underWay.isFull, underWay.size]).toEqual([false, MAX_UNDER_WAY])
  for (const end of ends) end()
  expect(underWay.size).toBe(0)
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
