import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuthInfo } from '../../../src/server/auth-info.ts'
import type { StreamSink } from '../../../src/http/server/http-message.ts'
import { endAtExpiry } from '../../../src/http/server/stream-expiry.ts'
import { createTestGuard, gate, openSession, type Reply, startWorld } from './http-world.ts'

const DAY_MS = 86_400_000

function createSink() {
  const closed: (() => void)[] = []
  return {
    write: () => true,
    end: vi.fn(),
    cut: vi.fn(),
    onDrain: () => undefined,
    onClose: (listener: () => void) => void closed.push(listener),
    close: () => {
      for (const listener of closed) listener()
    },
  } satisfies StreamSink & { close: () => void }
}

describe('a connection ends with its token', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('by the clock that it was given', () => {
    const sink = createSink()
    expect(endAtExpiry(sink, 61_000, () => 1000)).toBe(sink)
    vi.advanceTimersByTime(59_999)
    expect(sink.end).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect([sink.end.mock.calls.length, sink.cut.mock.calls.length]).toEqual([1, 0])
  })

  it('at once when that has expired meanwhile', () => {
    const sink = createSink()
    endAtExpiry(sink, 1000, () => 2000)
    vi.advanceTimersByTime(1)
    expect(sink.end).toHaveBeenCalledTimes(1)
  })

  it('and not before, however far away that is', () => {
    const sink = createSink()
    endAtExpiry(sink, 40 * DAY_MS, () => 0)
    vi.advanceTimersByTime(24 * DAY_MS)
    expect(sink.end).not.toHaveBeenCalled()
  })

  it.each([undefined, Number.POSITIVE_INFINITY, Number.NaN])('and never where that does not expire: %s', expiresAt => {
    endAtExpiry(createSink(), expiresAt, () => 0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('and is not waited for when it is gone before', () => {
    const sink = createSink()
    endAtExpiry(sink, 60_000, () => 0)
    sink.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

it('a connection that waits for its end keeps no process alive', () => {
  const setting = vi.spyOn(globalThis, 'setTimeout')
  const sink = createSink()
  endAtExpiry(sink, 60_000, () => 0)
  const [timer] = setting.mock.results
  setting.mockRestore()
  sink.close()
  expect(timer?.value.hasRef()).toBe(false)
})

it('a stream that is taken up again ends with the token of whoever took it up; the call goes on, and a newer token gets its answer', async () => {
  const { promise, open } = gate()
  const lifetimes: Record<string, number> = { short: 50, long: 60_000 }
  const guard = createTestGuard({
    authenticate: async http => {
      const token = http.header('authorization')?.replace('Bearer ', '') ?? ''
      const expiresAt = Date.now() + (lifetimes[token] ?? 0)
      const auth: AuthInfo = { principal: 'ada', scopes: [], claims: {}, token, expiresAt }
      return { auth }
    },
  })
  const world = await startWorld(
    server => {
      server.tool('work', {}, async (_args, ctx) => {
        await ctx.progress(1)
        await promise
        return 'done'
      })
    },
    { guard },
  )
  const session = await openSession(world, '2025-11-25', { authorization: 'Bearer long' })
  const first = await session.call('work', 1, { progressToken: 'meter' })
  const { value: event } = await first.events().next()
  first.drop()
  const resume = (token: string): Promise<Reply> =>
    session.send({
      method: 'GET',
      headers: { authorization: `Bearer ${token}`, 'last-event-id': event?.id ?? '' },
    })
  const early = (await (await resume('short')).messages()).map(({ method }) => method)
  expect(early).toEqual(['notifications/progress'])
  const late = await resume('long')
  open()
  expect((await late.messages()).at(-1)).toMatchObject({ id: 1, result: { content: [{ text: 'done' }] } })
})
