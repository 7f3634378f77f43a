import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLineFraming } from '../../src/stdio/line-framing.ts'

interface Read {
  readonly messages: unknown[]
  readonly noise: string[]
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

function read(chunks: readonly Uint8Array[], maxLineBytes = 1_000_000): Read {
  const messages: unknown[] = []
  const noise: string[] = []
  const framing = createLineFraming({
    maxLineBytes,
    onMessage: value => messages.push(value),
    onNoise: line => noise.push(line),
  })
  for (const chunk of chunks) framing.push(chunk)
  framing.end()
  return { messages, noise }
}

/** Cuts bytes at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const borders = [0, ...places.map(place => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return borders.slice(1).map((border, index) => bytes.subarray(borders[index], border))
}

const message = fc.record({ jsonrpc: fc.constant('2.0'), id: fc.integer(), result: fc.jsonValue() })

describe('line framing', () => {
  it('gives the same messages however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(message, fc.constantFrom('\n', '\r\n', '\n\n', '\n \t\r\n'))),
        fc.array(fc.nat()),
        (lines, places) => {
          const bytes = encode(lines.map(([value, end]) => JSON.stringify(value) + end).join(''))
          // Over JSON, which has no -0.
          const expected: unknown = JSON.parse(JSON.stringify(lines.map(([value]) => value)))
          expect(read(cut(bytes, places))).toEqual({ messages: expected, noise: [] })
        },
      ),
    )
  })

  it('never throws below the cap, whatever bytes come, and cuts make no difference', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat()), (bytes, places) => {
        expect(read(cut(bytes, places))).toEqual(read([bytes]))
      }),
    )
  })

  it('puts characters together that were cut within', () => {
    const bytes = encode('{"id":1,"result":{"text":"otter 🦦"}}\n')
    const { messages } = read(Array.from(bytes, byte => Uint8Array.of(byte)))
    expect(messages).toEqual([{ id: 1, result: { text: 'otter 🦦' } }])
  })

  it('replaces bytes that are not UTF-8 instead of failing', () => {
    const bytes = Uint8Array.of(...encode('{"id":1,"method":"'), 0xff, ...encode('"}\n'))
    expect(read([bytes]).messages).toEqual([{ id: 1, method: '\uFFFD' }])
  })

  it('reads a byte order mark as nothing, and a last line without an end', () => {
    expect(read([Uint8Array.of(0xef, 0xbb, 0xbf), encode('{"id":1}\n{"id":2}')]).messages).toEqual([
      { id: 1 },
      { id: 2 },
    ])
  })

  it.each([
    ['a banner', 'Server running on stdio'],
    ['a log in JSON', '{"level":30,"msg":"started"}'],
    ['a number', '42'],
    ['a cut-off message', '{"jsonrpc":"2.0","id":1,'],
    ['a list of no messages', '["a","b"]'],
  ])('takes %s for noise', (_name, line) => {
    expect(read([encode(`${line}\n{"id":1}\n`)])).toEqual({ messages: [{ id: 1 }], noise: [line] })
  })

  it('gives out batches as they are', () => {
    expect(read([encode('[{"jsonrpc":"2.0","id":1,"result":{}}]\n')]).messages).toEqual([
      [{ jsonrpc: '2.0', id: 1, result: {} }],
    ])
  })

  it('accepts a line of just the cap, and refuses one byte more, whole or in parts, after giving out what came before', () => {
    const fits = `{"id":"${'x'.repeat(91)}"}`
    expect(fits.length).toBe(100)
    expect(read([encode(`${fits}\n`)], 100).messages).toHaveLength(1)
    for (const places of [[], [50], [10, 120]]) {
      const messages: unknown[] = []
      const framing = createLineFraming({
        maxLineBytes: 100,
        onMessage: value => messages.push(value),
        onNoise: () => undefined,
      })
      const chunks = cut(encode(`{"id":1}\n{"id":"${'x'.repeat(92)}"}\n`), places)
      expect(() => chunks.forEach(chunk => framing.push(chunk))).toThrow(
        expect.objectContaining({ code: 'message_too_large' }),
      )
      expect(messages).toEqual([{ id: 1 }])
    }
  })

  it('does not wait for the end of a line that is too long already', () => {
    const framing = createLineFraming({ maxLineBytes: 10, onMessage: () => undefined, onNoise: () => undefined })
    framing.push(encode('12345'))
    expect(() => framing.push(encode('678901'))).toThrow(/longer than 10 bytes/)
  })
})
