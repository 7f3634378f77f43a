import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RpcError, TransportError } from '../../src/jsonrpc/errors.ts'
import { Peer } from '../../src/jsonrpc/peer.ts'
import { MAX_ABANDONED, MAX_ASIDES, MAX_BATCH_LENGTH, type PeerOptions } from '../../src/jsonrpc/peer-options.ts'
import { createMemoryTransport, type MemoryTransport } from './memory-transport.ts'

let transport: MemoryTransport
let errors: unknown[]

async function openPeer(options: Partial<PeerOptions> = {}): Promise<Peer> {
  transport = createMemoryTransport()
  errors = []
  const peer = new Peer({ transport, onError: error => errors.push(error), ...options })
  await peer.open()
  return peer
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('requests of ours', () => {
  it('get ids of their own, and answers in any order', async () => {
    const peer = await openPeer()
    const answers = [peer.request('a'), peer.request('b', { x: 1 }), peer.request('c')]
    expect(transport.sent).toEqual([
      { jsonrpc: '2.0', id: 1, method: 'a' },
      { jsonrpc: '2.0', id: 2, method: 'b', params: { x: 1 } },
      { jsonrpc: '2.0', id: 3, method: 'c' },
    ])
    for (const id of [3, 1, 2]) transport.receive({ jsonrpc: '2.0', id, result: { id } })
    expect(await Promise.all(answers)).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
  })

  it('take an integer id that comes back as a string', async () => {
    const peer = await openPeer()
    const answer = peer.request('a')
    transport.receive({ jsonrpc: '2.0', id: '1', result: { ok: true } })
    expect(await answer).toEqual({ ok: true })
  })

  it('reject with the error of the other side, its text free of control characters', async () => {
    const peer = await openPeer()
    const answer = peer.request('a')
    transport.receive({ jsonrpc: '2.0', id: 1, error: { code: -32001, message: 'no\u001b[31m way', data: { why: 1 } } })
    const error = await answer.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(RpcError)
    expect(error).toMatchObject({ code: -32001, message: 'no [31m way', data: { why: 1 } })
  })

  it('reject at once when their answer cannot be used', async () => {
    const peer = await openPeer()
    const answer = peer.request('a')
    transport.receive({ jsonrpc: '2.0', id: 1, result: 'text' })
    await expect(answer).rejects.toMatchObject({ code: 'invalid_response' })
  })

  it('reject with what the transport threw', async () => {
    const peer = await openPeer()
    const broken = new TransportError('network', 'gone')
    transport.onSend = () => Promise.reject(broken)
    await expect(peer.request('a')).rejects.toBe(broken)
  })

  it('are bounded in number', async () => {
    const peer = await openPeer({ maxOutgoing: 2 })
    const first = peer.request('a')
    const second = peer.request('b')
    await expect(peer.request('c')).rejects.toMatchObject({ code: 'in_flight_limit' })
    expect(transport.sent).toHaveLength(2)
    transport.receive({ jsonrpc: '2.0', id: 1, result: {} })
    await first
    const third = peer.request('d')
    for (const id of [2, 3]) transport.receive({ jsonrpc: '2.0', id, result: {} })
    await Promise.all([second, third])
  })

  it('report answers to nothing and second answers, and live on', async () => {
    const peer = await openPeer()
    const answer = peer.request('a')
    transport.receive({ jsonrpc: '2.0', id: 99, result: {} })
    transport.receive({ jsonrpc: '2.0', id: 'nobody', error: { code: 1, message: '' } })
    expect(errors).toHaveLength(2)
    transport.receive({ jsonrpc: '2.0', id: 1, result: { first: true } })
    transport.receive({ jsonrpc: '2.0', id: 1, result: { first: false } })
    expect(await answer).toEqual({ first: true })
    expect(errors).toHaveLength(3)
    expect(errors.every(error => error instanceof TransportError && error.code === 'unexpected_message')).toBe(true)
  })

  it('report an error that names no request', async () => {
    await openPeer()
    transport.receive({ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'Parse error' } })
    expect(errors).toEqual([expect.objectContaining({ name: 'RpcError', code: -32700 })])
  })
})

describe('time', () => {
  it('runs out without an answer, tells the other side, and ends the exchange', async () => {
    const peer = await openPeer({ timeoutMs: 1000 })
    const answer = peer.request('slow').catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(999)
    expect(transport.sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await answer).toMatchObject({ code: 'timeout', detail: { method: 'slow', mayHaveRun: true } })
    expect(transport.sent[1]).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 1, reason: 'timed out' },
    })
    expect(transport.signals[0]?.aborted).toBe(true)
  })

  it('starts anew with progress, up to a total', async () => {
    const peer = await openPeer()
    const seen: unknown[] = []
    const answer = peer
      .request('slow', {}, { timeoutMs: 1000, maxTotalTimeoutMs: 2500, onProgress: progress => seen.push(progress) })
      .catch((error: unknown) => error)
    const token = transport.sent[0].params._meta.progressToken
    for (let step = 1; step <= 3; step += 1) {
      await vi.advanceTimersByTimeAsync(800)
      transport.receive({
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: token, progress: step, total: 3 },
      })
    }
    expect(seen).toEqual([1, 2, 3].map(progress => ({ progress, total: 3 })))
    await vi.advanceTimersByTimeAsync(99)
    expect(transport.sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await answer).toMatchObject({ code: 'timeout', message: expect.stringContaining('2500 ms') })
  })

  it('is not given back by the progress of another request', async () => {
    const peer = await openPeer()
    const answer = peer
      .request('slow', {}, { timeoutMs: 1000, onProgress: () => undefined })
      .catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(900)
    transport.receive({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: 'other', progress: 1 },
    })
    await vi.advanceTimersByTimeAsync(100)
    expect(await answer).toMatchObject({ code: 'timeout' })
  })

  it('stands still while paused, for waiting requests and new ones, and pauses nest', async () => {
    const peer = await openPeer({ timeoutMs: 1000 })
    const before = peer.request('before').catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(600)
    const resumeOuter = peer.pauseTimeouts()
    const resumeInner = peer.pauseTimeouts()
    const during = peer.request('during').catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(3_600_000)
    resumeOuter()
    resumeOuter()
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(transport.sent).toHaveLength(2)
    resumeInner()
    await vi.advanceTimersByTimeAsync(400)
    expect(await before).toMatchObject({ code: 'timeout' })
    await vi.advanceTimersByTimeAsync(600)
    expect(await during).toMatchObject({ code: 'timeout' })
  })

  it('has no limit when asked so', async () => {
    const peer = await openPeer()
    const answer = peer.request('forever', {}, { timeoutMs: Number.POSITIVE_INFINITY })
    await vi.advanceTimersByTimeAsync(40 * 24 * 3_600_000)
    transport.receive({ jsonrpc: '2.0', id: 1, result: { ok: true } })
    expect(await answer).toEqual({ ok: true })
  })

  it('may be longer than a timer can run', async () => {
    const peer = await openPeer()
    const answer = peer.request('long', {}, { timeoutMs: 2 ** 31 + 1000 }).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(2 ** 31 + 999)
    expect(transport.sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await answer).toMatchObject({ code: 'timeout' })
  })

  it('runs out for a notification that is never delivered', async () => {
    const peer = await openPeer({ timeoutMs: 1000 })
    transport.onSend = () => new Promise(() => undefined)
    const delivered = peer.notify('notifications/x').catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await delivered).toMatchObject({ code: 'timeout' })
  })
})

describe('giving up', () => {
  it('by the caller is told to the other side, and the late answer is no error', async () => {
    const peer = await openPeer()
    const controller = new AbortController()
    const answer = peer.request('slow', {}, { signal: controller.signal }).catch((error: unknown) => error)
    controller.abort(new Error('enough'))
    expect(await answer).toMatchObject({ code: 'aborted', cause: expect.objectContaining({ message: 'enough' }) })
    expect(transport.sent[1]).toMatchObject({ method: 'notifications/cancelled', params: { requestId: 1 } })
    transport.receive({ jsonrpc: '2.0', id: 1, result: {} })
    expect(errors).toEqual([])
    transport.receive({ jsonrpc: '2.0', id: 1, result: {} })
    expect(errors).toHaveLength(1)
  })

  it('is not told where the mode says so', async () => {
    const peer = await openPeer()
    peer.mode = { ...peer.mode, notifiesCancelled: method => method !== 'initialize' }
    const controller = new AbortController()
    const answer = peer.request('initialize', {}, { signal: controller.signal }).catch((error: unknown) => error)
    controller.abort()
    expect(await answer).toMatchObject({ code: 'aborted' })
    expect(transport.sent).toHaveLength(1)
    expect(transport.signals[0]?.aborted).toBe(true)
  })

  it('before sending sends nothing', async () => {
    const peer = await openPeer()
    await expect(peer.request('a', {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    await expect(peer.notify('a', {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    expect(transport.sent).toEqual([])
  })

  it('leaves no listener on a signal that lives long', async () => {
    const peer = await openPeer()
    const { signal } = new AbortController()
    const removed = vi.spyOn(signal, 'removeEventListener')
    const answer = peer.request('a', {}, { signal })
    transport.receive({ jsonrpc: '2.0', id: 1, result: {} })
    await answer
    expect(removed).toHaveBeenCalledTimes(1)
  })

  it('remembers only so many given-up requests', async () => {
    const peer = await openPeer({ maxOutgoing: 2 * MAX_ABANDONED })
    const controller = new AbortController()
    const answers = Array.from({ length: MAX_ABANDONED + 1 }, () =>
      peer.request('a', {}, { signal: controller.signal }).catch(() => 'gone'),
    )
    peer.mode = { ...peer.mode, notifiesCancelled: () => false }
    controller.abort()
    await Promise.all(answers)
    transport.receive({ jsonrpc: '2.0', id: 2, result: {} })
    expect(errors).toHaveLength(0)
    transport.receive({ jsonrpc: '2.0', id: 1, result: {} })
    expect(errors).toHaveLength(1)
  })
})

describe('progress', () => {
  it("R-META-2 the token of the request wins over one in meta, and the caller's objects are not changed", async () => {
    const peer = await openPeer()
    const params = Object.freeze({ name: 'x', _meta: Object.freeze({ progressToken: 'mine', keep: 1 }) })
    const answer = peer.request('a', params, { onProgress: () => undefined })
    expect(transport.sent[0].params).toEqual({ name: 'x', _meta: { progressToken: 1, keep: 1 } })
    transport.receive({ jsonrpc: '2.0', id: 1, result: {} })
    await answer
  })

  it('that nobody asked for goes to the notifications, as does one without a number', async () => {
    const onNotification = vi.fn()
    const peer = await openPeer({ onNotification })
    const onProgress = vi.fn()
    const answer = peer.request('a', {}, { onProgress })
    transport.receive({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 5, progress: 1 } })
    transport.receive({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: 1, progress: 'half' },
    })
    expect(onNotification).toHaveBeenCalledTimes(2)
    expect(onProgress).not.toHaveBeenCalled()
    transport.receive({ jsonrpc: '2.0', id: 1, result: {} })
    await answer
  })

  it('handlers that throw are reported and do no harm', async () => {
    const peer = await openPeer()
    const answer = peer.request(
      'a',
      {},
      {
        onProgress: () => {
          throw new Error('handler')
        },
      },
    )
    transport.receive({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } })
    expect(errors).toEqual([expect.objectContaining({ message: 'handler' })])
    transport.receive({ jsonrpc: '2.0', id: 1, result: {} })
    await answer
  })
})

describe('requests of the other side', () => {
  it('are answered by the handler', async () => {
    await openPeer({ onRequest: async request => ({ method: request.method }) })
    transport.receive({ jsonrpc: '2.0', id: 'q', method: 'ping' })
    await settled()
    expect(transport.sent).toEqual([{ jsonrpc: '2.0', id: 'q', result: { method: 'ping' } }])
  })

  it('are answered with "method not found" when there is no handler', async () => {
    await openPeer()
    transport.receive({ jsonrpc: '2.0', id: 1, method: 'x' })
    await settled()
    expect(transport.sent).toEqual([{ jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'Method not found' } }])
  })

  it("get the handler's RpcError, and of any other error only that there was one", async () => {
    await openPeer({
      onRequest: async ({ method }) => {
        throw method === 'known' ? new RpcError(-1, 'told', { data: 2 }) : new Error('secret')
      },
    })
    transport.receive({ jsonrpc: '2.0', id: 1, method: 'known' })
    transport.receive({ jsonrpc: '2.0', id: 2, method: 'other' })
    await settled()
    expect(transport.sent).toEqual([
      { jsonrpc: '2.0', id: 1, error: { code: -1, message: 'told', data: 2 } },
      { jsonrpc: '2.0', id: 2, error: { code: -32603, message: 'Internal error' } },
    ])
    expect(errors).toEqual([expect.objectContaining({ message: 'secret' })])
  })

  it("are cancelled by the other side: the handler's signal is aborted and nothing is answered", async () => {
    let signal: AbortSignal | undefined
    await openPeer({
      onRequest: (_request, context) => {
        signal = context.signal
        return new Promise(resolve => context.signal.addEventListener('abort', () => resolve({})))
      },
    })
    transport.receive({ jsonrpc: '2.0', id: 9, method: 'x' })
    transport.receive({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 8 } })
    expect(signal?.aborted).toBe(false)
    transport.receive({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } })
    await settled()
    expect(signal?.aborted).toBe(true)
    expect(transport.sent).toEqual([])
    expect(errors).toEqual([])
    // The id is free again.
    transport.receive({ jsonrpc: '2.0', id: 9, method: 'x' })
    transport.receive({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } })
    await settled()
    expect(transport.sent).toEqual([])
  })

  it('are bounded in number, and may not share an id', async () => {
    await openPeer({ maxIncoming: 2, onRequest: () => new Promise(() => undefined) })
    for (const id of [1, 1, 2, 3]) transport.receive({ jsonrpc: '2.0', id, method: 'x' })
    await settled()
    expect(transport.sent).toEqual([
      { jsonrpc: '2.0', id: 1, error: expect.objectContaining({ code: -32600 }) },
      { jsonrpc: '2.0', id: 3, error: expect.objectContaining({ code: -32603 }) },
    ])
  })

  it('are reported and not answered where the revision has none', async () => {
    const onRequest = vi.fn()
    const peer = await openPeer({ onRequest })
    peer.mode = { ...peer.mode, answersRequests: false }
    transport.receive({ jsonrpc: '2.0', id: 1, method: 'x' })
    transport.receive({ jsonrpc: '2.0', id: null, method: 'x' })
    await settled()
    expect(onRequest).not.toHaveBeenCalled()
    expect(transport.sent).toEqual([])
    expect(errors).toHaveLength(2)
  })

  it('R-RPC-1 that are invalid are answered all the same, with null or no id as the revision has it', async () => {
    const peer = await openPeer()
    transport.receive({ jsonrpc: '2.0', id: null, method: 'x' })
    transport.receive({ jsonrpc: '2.0', id: 5 })
    peer.mode = { ...peer.mode, omitsUnknownId: false }
    transport.receive({ jsonrpc: '2.0', params: {} })
    await settled()
    expect(transport.sent.map(({ id, error }) => [id, error.code])).toEqual([
      [undefined, -32600],
      [5, -32600],
      [null, -32600],
    ])
  })

  it('answers to which cannot be delivered are bounded, and the rest is dropped with a report', async () => {
    const peer = await openPeer()
    transport.onSend = () => new Promise(() => undefined)
    for (let id = 0; id < MAX_ASIDES + 5; id += 1) transport.receive({ jsonrpc: '2.0', id, method: 'x' })
    expect(transport.sent).toHaveLength(MAX_ASIDES)
    expect(errors).toHaveLength(5)
    await peer.close()
    await settled()
  })
})

describe('batches (2025-03-26)', () => {
  it('R-RPC-1 are taken apart where the revision has them', async () => {
    const onNotification = vi.fn()
    const peer = await openPeer({ onNotification, onRequest: async () => ({}) })
    const answer = peer.request('a')
    transport.receive([
      { jsonrpc: '2.0', method: 'notifications/x' },
      { jsonrpc: '2.0', id: 1, result: { ok: true } },
      { jsonrpc: '2.0', id: 'q', method: 'ping' },
    ])
    expect(await answer).toEqual({ ok: true })
    expect(onNotification).toHaveBeenCalledTimes(1)
    await settled()
    expect(transport.sent[1]).toEqual({ jsonrpc: '2.0', id: 'q', result: {} })
  })

  it('are refused elsewhere, and when empty or too long', async () => {
    const onNotification = vi.fn()
    const peer = await openPeer({ onNotification })
    const notification = { jsonrpc: '2.0', method: 'notifications/x' }
    transport.receive([])
    transport.receive(Array.from({ length: MAX_BATCH_LENGTH + 1 }, () => notification))
    peer.mode = { ...peer.mode, acceptsBatches: false }
    transport.receive([notification])
    expect(errors).toHaveLength(3)
    expect(onNotification).not.toHaveBeenCalled()
  })
})

describe('the end', () => {
  it('by close rejects everything that waits, and everything that comes after', async () => {
    const peer = await openPeer({ onRequest: () => new Promise(() => undefined) })
    transport.onSend = () => new Promise(() => undefined)
    const request = peer.request('a').catch((error: unknown) => error)
    const notification = peer.notify('b').catch((error: unknown) => error)
    await peer.close()
    expect(await request).toMatchObject({ code: 'closed', detail: { method: 'a', mayHaveRun: true } })
    expect(await notification).toMatchObject({ code: 'closed' })
    await expect(peer.request('c')).rejects.toMatchObject({ code: 'closed' })
    await expect(peer.notify('c')).rejects.toMatchObject({ code: 'closed' })
    expect(transport.isClosed).toBe(true)
    expect(transport.sent.map(({ method }) => method)).toEqual(['a', 'b'])
    await peer.close()
  })

  it('by the other side does too, with the cause, and aborts the handlers at work', async () => {
    let signal: AbortSignal | undefined
    const peer = await openPeer({
      onRequest: (_request, context) => {
        signal = context.signal
        return new Promise(() => undefined)
      },
    })
    transport.receive({ jsonrpc: '2.0', id: 1, method: 'x' })
    const answer = peer.request('a').catch((error: unknown) => error)
    const cause = new Error('pipe broke')
    transport.end(cause)
    expect(await answer).toMatchObject({ code: 'closed' })
    expect(signal?.aborted).toBe(true)
    await expect(peer.request('b')).rejects.toMatchObject({ code: 'closed', cause })
  })
})

it('never throws on what it receives, and what it asked is still answered', async () => {
  const member = fc.oneof(
    fc.jsonValue(),
    fc.constant('2.0'),
    fc.constant('notifications/progress'),
    fc.constant('notifications/cancelled'),
  )
  const messageLike = fc.record(
    { jsonrpc: member, id: fc.oneof(fc.string(), member), method: member, params: member, error: member },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(fc.anything(), messageLike), { maxLength: 20 }), async values => {
      const peer = await openPeer({ onRequest: async () => ({}) })
      const answer = peer.request('a')
      for (const value of values) transport.receive(value)
      transport.receive({ jsonrpc: '2.0', id: 1, result: { ok: true } })
      await answer.catch(() => undefined)
      await settled()
      await peer.close()
    }),
    { numRuns: 200 },
  )
})
