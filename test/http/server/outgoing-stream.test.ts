import { describe, expect, it, vi } from 'vitest'
import { MAX_KEPT_EVENTS } from '../../../src/http/server/event-history.ts'
import type { StreamSink } from '../../../src/http/server/http-message.ts'
import {
  MAX_WAITING_LENGTH,
  OutgoingStream,
  type OutgoingStreamOptions,
  readEventId,
} from '../../../src/http/server/outgoing-stream.ts'

/** A connection that a test can stop, go on with, and lose. */
function createSink() {
  let text = ''
  let onDrain: () => void = () => undefined
  const closed: (() => void)[] = []
  const sink = {
    isBlocked: false,
    isEnded: false,
    isCut: false,
    write: (part: string) => {
      text += part
      return !sink.isBlocked
    },
    end: () => {
      sink.isEnded = true
    },
    cut: () => {
      sink.isCut = true
    },
    onDrain: (listener: () => void) => {
      onDrain = listener
    },
    onClose: (listener: () => void) => void closed.push(listener),
    drain: () => {
      sink.isBlocked = false
      onDrain()
    },
    lose: () => {
      for (const listener of closed) listener()
    },
    numbers: () => [...text.matchAll(/"n":(\d+)/g)].map(([, number]) => Number(number)),
    ids: () => [...text.matchAll(/id: (\S+)/g)].map(([, id]) => id),
    text: () => text,
  }
  return sink satisfies StreamSink
}

function createStream(options: Partial<OutgoingStreamOptions> = {}): {
  readonly stream: OutgoingStream
  readonly gone: () => number
} {
  let gone = 0
  const stream = new OutgoingStream({ keepAliveMs: 60_000, onGone: () => void (gone += 1), ...options })
  return { stream, gone: () => gone }
}

const message = (n: number, filler = 0): string => JSON.stringify({ n, filler: 'x'.repeat(filler) })

describe('a stream that nobody takes up again', () => {
  it('delivers in order, whenever the connection comes and stops', () => {
    const { stream } = createStream()
    const sink = createSink()
    stream.send(message(1))
    sink.isBlocked = true
    stream.attach(sink)
    for (let n = 2; n <= 50; n += 1) stream.send(message(n))
    stream.end()
    expect(sink.isEnded).toBe(false)
    sink.drain()
    expect(sink.numbers()).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
    expect(sink.isEnded).toBe(true)
    expect(sink.text()).not.toContain('id:')
  })

  it('drops what may be dropped when the client does not keep up, and keeps the rest', () => {
    const { stream, gone } = createStream()
    const sink = createSink()
    sink.isBlocked = true
    stream.attach(sink)
    stream.send(message(0))
    for (let n = 1; n <= 3000; n += 1) stream.send(message(n, 1000), true)
    stream.send(message(9999))
    stream.end()
    expect(gone()).toBe(0)
    sink.drain()
    const numbers = sink.numbers()
    expect(numbers.length).toBeLessThan(1200)
    expect(numbers.at(-1)).toBe(9999)
    expect(sink.text().length).toBeLessThan(MAX_WAITING_LENGTH / 2)
  })

  it('cuts a client that does not keep up with what cannot be dropped, and remembers nothing for it', async () => {
    const { stream, gone } = createStream()
    const sink = createSink()
    sink.isBlocked = true
    stream.attach(sink)
    stream.send(message(0))
    const drained = stream.drained()
    for (let n = 1; n <= 5000; n += 1) stream.send(message(n, 1000))
    expect([sink.isCut, gone()]).toEqual([true, 1])
    await drained
    await expect(stream.drained()).resolves.toBeUndefined()
    expect(sink.numbers()).toEqual([0])
  })

  it('delivers one message of any length, for it may be the answer', () => {
    const { stream, gone } = createStream()
    stream.send(message(1))
    stream.send(message(2, 2 * MAX_WAITING_LENGTH))
    stream.end()
    const sink = createSink()
    stream.attach(sink)
    expect([sink.numbers(), sink.isEnded, gone()]).toEqual([[1, 2], true, 0])
  })

  it('breaks off a connection that comes after too much was sent', () => {
    const { stream, gone } = createStream()
    for (let n = 1; n <= 5000; n += 1) stream.send(message(n, 1000))
    stream.end()
    const sink = createSink()
    stream.attach(sink)
    expect([sink.isCut, sink.text().length, gone()]).toEqual([true, 0, 1])
  })

  it('holds back a sender that waits, with one promise for any number of them', async () => {
    const { stream } = createStream()
    const sink = createSink()
    sink.isBlocked = true
    stream.attach(sink)
    stream.send(message(1))
    const waits = Array.from({ length: 1000 }, () => stream.drained())
    expect(new Set(waits).size).toBe(1)
    const told = vi.fn()
    void waits[0]?.then(told)
    await Promise.resolve()
    expect(told).not.toHaveBeenCalled()
    sink.drain()
    await waits[0]
    expect(told).toHaveBeenCalled()
  })

  it('says that the client is gone, but not after the end', () => {
    const early = createStream()
    const first = createSink()
    early.stream.attach(first)
    first.lose()
    early.stream.send(message(1))
    expect(early.gone()).toBe(1)
    const late = createStream()
    const second = createSink()
    late.stream.attach(second)
    late.stream.end()
    second.lose()
    expect(late.gone()).toBe(0)
  })

  it('keeps the connection open with comments, but not while the client takes nothing', () => {
    vi.useFakeTimers()
    try {
      const { stream } = createStream({ keepAliveMs: 1000 })
      const sink = createSink()
      stream.attach(sink)
      vi.advanceTimersByTime(2500)
      expect(sink.text()).toBe(':\n\n:\n\n')
      sink.isBlocked = true
      vi.advanceTimersByTime(10_000)
      expect(sink.text()).toBe(':\n\n:\n\n:\n\n')
      stream.end()
      sink.drain()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a stream that can be taken up again', () => {
  it('loses nothing and gives nothing twice', () => {
    const { stream } = createStream({ id: 'post1', isAwaited: true })
    const first = createSink()
    stream.attach(first)
    for (let n = 1; n <= 5; n += 1) stream.send(message(n))
    first.lose()
    for (let n = 6; n <= 9; n += 1) stream.send(message(n))
    const second = createSink()
    // The last two were written, but never arrived.
    stream.attach(second, 3)
    stream.send(message(10))
    stream.end()
    expect(second.numbers()).toEqual([4, 5, 6, 7, 8, 9, 10])
    expect(second.ids()[0]).toBe('post1_4')
    expect(second.isEnded).toBe(true)
    const third = createSink()
    stream.attach(third, 9)
    expect([third.numbers(), third.isEnded]).toEqual([[10], true])
  })

  it('gives a client that names no event only what no connection has taken', () => {
    const { stream } = createStream({ id: 'unasked' })
    stream.send(message(1))
    const first = createSink()
    stream.attach(first)
    stream.send(message(2))
    first.lose()
    stream.send(message(3))
    const second = createSink()
    stream.attach(second)
    expect([first.numbers(), second.numbers()]).toEqual([[1, 2], [3]])
  })

  it('tells of a resource only a connection that may hear of it, also when it was kept or had to wait', () => {
    const { stream } = createStream({ id: 'unasked' })
    const tell = (n: number): void => stream.send(message(n), false, n % 2 === 0 ? 'notes://even' : 'notes://odd')
    const mayHear = (uri: string): boolean => uri === 'notes://even'
    for (const n of [1, 2]) tell(n)
    const first = createSink()
    stream.attach(first, 0, mayHear)
    for (const n of [3, 4]) tell(n)
    first.isBlocked = true
    for (const n of [5, 6, 7, 8]) tell(n)
    stream.send(message(9))
    first.drain()
    expect(first.numbers()).toEqual([2, 4, 6, 8, 9])
    const second = createSink()
    stream.attach(second, 0)
    expect(second.numbers()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('lets the older connection go when a newer one comes', () => {
    const { stream, gone } = createStream({ id: 'unasked' })
    const [first, second] = [createSink(), createSink()]
    stream.attach(first)
    stream.attach(second)
    first.lose()
    stream.send(message(1))
    expect([first.isEnded, first.numbers(), second.numbers(), gone()]).toEqual([true, [], [1], 0])
  })

  it('keeps at most so many events, what may be dropped first', () => {
    const { stream } = createStream({ id: 'post1' })
    stream.send(message(1))
    for (let n = 2; n <= 1000; n += 1) stream.send(message(n), true)
    stream.send(message(1001))
    const sink = createSink()
    stream.attach(sink)
    const numbers = sink.numbers()
    expect(numbers).toHaveLength(MAX_KEPT_EVENTS)
    expect([numbers[0], numbers.at(-1)]).toEqual([1, 1001])
  })

  it('keeps at most so many characters, but always the newest', () => {
    const { stream } = createStream({ id: 'post1' })
    for (let n = 1; n <= 100; n += 1) stream.send(message(n, 100_000))
    expect(stream.keptLength).toBeLessThanOrEqual(1024 * 1024)
    stream.send(message(101, 2_000_000))
    const sink = createSink()
    stream.attach(sink)
    expect(sink.numbers()).toEqual([101])
  })

  it('keeps more until the connection that is about to come has it', () => {
    const { stream } = createStream({ id: 'post1', isAwaited: true })
    for (let n = 1; n <= 2000; n += 1) stream.send(message(n))
    const sink = createSink()
    stream.attach(sink)
    expect(sink.numbers()).toHaveLength(2000)
    const again = createSink()
    stream.attach(again, 0)
    expect(again.numbers()).toHaveLength(MAX_KEPT_EVENTS)
  })

  it('can be let go before its connection is there, and is primed with how long to wait', () => {
    const { stream } = createStream({ id: 'post1', isAwaited: true })
    stream.prime(50)
    stream.disconnect()
    const first = createSink()
    stream.attach(first)
    expect([first.isEnded, first.text()]).toEqual([true, 'id: post1_1\nretry: 50\ndata: \n\n'])
    stream.send(message(1))
    const second = createSink()
    stream.attach(second, 1)
    expect([second.isEnded, second.numbers()]).toEqual([false, [1]])
    stream.end()
  })

  it('is not cut off for good by a client that does not keep up', () => {
    const { stream } = createStream({ id: 'post1' })
    const first = createSink()
    first.isBlocked = true
    stream.attach(first)
    for (let n = 1; n <= 6000; n += 1) stream.send(message(n, 1000))
    expect(first.isCut).toBe(true)
    const second = createSink()
    stream.attach(second, 1)
    expect(second.numbers().at(-1)).toBe(6000)
  })
})

it('reads only event ids that it could have given', () => {
  expect(readEventId('post12_7')).toEqual({ stream: 'post12', number: 7 })
  for (const id of [
    '',
    'x',
    'post1_',
    '_1',
    'post1_1_',
    'post1_-1',
    'post 1_1',
    `post1_${'9'.repeat(13)}`,
    `${'x'.repeat(65)}_1`,
    'post1_1\n',
  ])
    expect(readEventId(id)).toBeUndefined()
})
