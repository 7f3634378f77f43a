import { describe, expect, it, vi } from 'vitest'
import { toResponse } from '../../../src/http/server/fetch-message.ts'
import type { StreamSink } from '../../../src/http/server/http-message.ts'
import { OutgoingStream } from '../../../src/http/server/outgoing-stream.ts'

describe('a streamed answer as a web-standard response', () => {
  function stream() {
    let sink: StreamSink | undefined
    const response = toResponse({ status: 200, headers: {}, body: given => void (sink = given) })
    return { sink: sink as unknown as StreamSink, reader: response.body!.getReader() }
  }

  it('tells of room only after a write that found none', async () => {
    const { sink, reader } = stream()
    const onDrain = vi.fn<() => void>()
    sink.onDrain(onDrain)
    const reading = reader.read()
    expect(sink.write('a')).toBe(true)
    await reading
    expect(onDrain).not.toHaveBeenCalled()
    expect(sink.write('x'.repeat(64 * 1024))).toBe(false)
    await reader.read()
    await expect.poll(() => onDrain).toHaveBeenCalledTimes(1)
  })

  it('tells of a reader that goes away', async () => {
    const { sink, reader } = stream()
    const onClose = vi.fn<() => void>()
    sink.onClose(onClose)
    await reader.cancel()
    expect(onClose).toHaveBeenCalledTimes(1)
    expect(() => sink.write('late')).not.toThrow()
  })
})

it('a stream repeats nothing to a connection that takes more while it is written to', () => {
  const stream = new OutgoingStream({ keepAliveMs: 60_000, onGone: () => undefined })
  for (const n of [1, 2, 3]) stream.send(JSON.stringify({ n, filler: 'x'.repeat(40_000) }))
  let text = ''
  let onDrain: (() => void) | undefined
  let isEnded = false
  stream.attach({
    write: part => {
      text += part
      onDrain?.()
      return true
    },
    end: () => void (isEnded = true),
    cut: () => undefined,
    onDrain: listener => {
      onDrain = listener
    },
    onClose: () => undefined,
  })
  stream.end()
  expect([...text.matchAll(/"n":(\d)/g)].map(([, n]) => n)).toEqual(['1', '2', '3'])
  expect(isEnded).toBe(true)
})
