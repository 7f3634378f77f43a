import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readEventStream, type StreamEvent } from '../../src/http/event-stream.ts'

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: controller => {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function read(chunks: readonly Uint8Array[], maxEventLength = 1_000_000): Promise<StreamEvent[]> {
  const events: StreamEvent[] = []
  await readEventStream(streamOf(chunks), { maxEventLength, onEvent: event => events.push(event) })
  return events
}

/** Cuts bytes at the given places. */
function cut(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const edges = [0, ...places.map(place => place % (whole.length + 1)).sort((a, b) => a - b), whole.length]
  return edges.slice(1).map((edge, index) => whole.slice(edges[index], edge))
}

describe('reading an event stream', () => {
  it('gives the same messages however it is cut, in the middle of a character too', async () => {
    const message = fc.record({ id: fc.integer(), text: fc.string({ unit: 'grapheme' }) })
    const newline = fc.constantFrom('\n', '\r\n', '\r')
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 5 }),
        newline,
        fc.array(fc.nat(), { maxLength: 12 }),
        async (messages, end, places) => {
          const text = messages
            .map(value => `: comment${end}id: x${end}data: ${JSON.stringify(value)}${end}${end}`)
            .join('')
          const events = await read(cut(bytes(text), places))
          expect(events.map(({ data }) => JSON.parse(data))).toEqual(messages)
        },
      ),
    )
  })

  it('survives any bytes in any chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 })), async chunks => {
        await expect(read(chunks)).resolves.toBeInstanceOf(Array)
      }),
    )
  })

  it('joins data lines, and gives name and id', async () => {
    expect(await read([bytes('event: ping\nid: 7\ndata: a\ndata: b\n\n')])).toEqual([
      expect.objectContaining({ event: 'ping', id: '7', data: 'a\nb' }),
    ])
  })

  it('gives out a last event that no empty line follows', async () => {
    expect((await read([bytes('data: one\n\ndata: two')])).map(({ data }) => data)).toEqual(['one', 'two'])
  })

  it('skips a byte order mark', async () => {
    expect((await read([bytes('\uFEFFdata: one\n\n')])).map(({ data }) => data)).toEqual(['one'])
  })

  it.each([
    ['in one chunk', ['data: ', 'x'.repeat(101), '\n\n'].join(''), 1],
    ['over many lines', `${'data: xxxxxxxxx\n'.repeat(20)}\n`, 7],
    ['that never ends', 'x'.repeat(500), 50],
  ])('refuses an event longer than the limit %s', async (_name, text, size) => {
    const whole = bytes(text)
    const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
      whole.slice(index * size, (index + 1) * size),
    )
    await expect(read(size === 1 ? [whole] : chunks, 100)).rejects.toMatchObject({ code: 'message_too_large' })
  })

  it('stops reading a body that is too long', async () => {
    let pulled = 0
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: controller => {
        pulled += 1
        controller.enqueue(bytes('x'.repeat(50)))
      },
      cancel: () => {
        cancelled = true
      },
    })
    await expect(readEventStream(endless, { maxEventLength: 100, onEvent: () => undefined })).rejects.toMatchObject({
      code: 'message_too_large',
    })
    expect(cancelled).toBe(true)
    expect(pulled).toBeLessThan(10)
  })

  it('ends quietly by its signal', async () => {
    const controller = new AbortController()
    const endless = new ReadableStream<Uint8Array>({ start: stream => stream.enqueue(bytes('data: one\n\n')) })
    const events: StreamEvent[] = []
    await readEventStream(endless, {
      maxEventLength: 100,
      signal: controller.signal,
      onEvent: event => {
        events.push(event)
        controller.abort()
      },
    })
    expect(events).toHaveLength(1)
  })

  it('tells how long to wait before reconnecting', async () => {
    const waits: number[] = []
    await readEventStream(streamOf([bytes('retry: 500\n\n')]), {
      maxEventLength: 100,
      onEvent: () => undefined,
      onRetry: ms => waits.push(ms),
    })
    expect(waits).toEqual([500])
  })
})
