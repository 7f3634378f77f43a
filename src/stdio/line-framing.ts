import { TransportError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'

export interface LineFramingOptions {
  /** Bytes that one line may hold, its end not counted. */
  readonly maxLineBytes: number
  /** One JSON value that may be a message. */
  readonly onMessage: (value: unknown) => void
  /** A line that cannot be a message: a banner, a log. */
  readonly onNoise: (line: string) => void
}

/** Takes bytes and gives out what their lines hold. */
export interface LineFraming {
  /** @throws {TransportError} `message_too_large`; the lines before were given out, and nothing more can be pushed */
  push(chunk: Uint8Array): void
  /** No byte will come any more. A last line without an end is given out too: a cut-off one is no JSON. */
  end(): void
}

const NEWLINE = 0x0a
/** What is kept for the next line. More was for a rare long one. */
const KEPT_BYTES = 64 * 1024

/**
 * Finds the messages in a stream of bytes that carries one JSON value a line, in whatever chunks it arrives. Blank lines and a CR before
 * the end of a line are no matter; bytes that are not UTF-8 become U+FFFD. Pure.
 *
 * @see MCP 2026-07-28, stdio
 */
export function createLineFraming({ maxLineBytes, onMessage, onNoise }: LineFramingOptions): LineFraming {
  const decoder = new TextDecoder()
  // One growing buffer, not a list of chunks: a peer that writes byte by byte must not cost an object a byte.
  let buffer = new Uint8Array(KEPT_BYTES)
  let length = 0

  const keep = (bytes: Uint8Array): void => {
    const needed = length + bytes.byteLength
    if (needed > buffer.byteLength) {
      const larger = new Uint8Array(Math.max(needed, buffer.byteLength * 2))
      larger.set(buffer.subarray(0, length))
      buffer = larger
    }
    buffer.set(bytes, length)
    length = needed
  }
  const read = (bytes: Uint8Array): void => {
    const line = decoder.decode(bytes).trim()
    if (line === '') return
    const value = parse(line)
    if (mayBeMessage(value)) onMessage(value)
    else onNoise(line)
  }
  const finish = (): void => {
    const line = buffer.subarray(0, length)
    length = 0
    if (buffer.byteLength > KEPT_BYTES) buffer = new Uint8Array(KEPT_BYTES)
    read(line)
  }
  const assertFits = (bytes: number): void => {
    if (bytes <= maxLineBytes) return
    const hint = 'One line is one message; maxMessageBytes allows longer ones'
    throw new TransportError('message_too_large', `The other side wrote a line longer than ${maxLineBytes} bytes`, {
      hint,
    })
  }

  return {
    push: chunk => {
      let start = 0
      for (;;) {
        const end = chunk.indexOf(NEWLINE, start)
        const part = chunk.subarray(start, end === -1 ? undefined : end)
        assertFits(length + part.byteLength)
        if (end === -1) {
          keep(part)
          return
        }
        if (length === 0) {
          read(part)
        } else {
          keep(part)
          finish()
        }
        start = end + 1
      }
    },
    end: finish,
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** Logs are JSON too, more often than not. What only resembles a message is for the peer to judge: it may name a request. */
function mayBeMessage(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isObject)
  return isObject(value) && ['jsonrpc', 'id', 'method'].some(name => Object.hasOwn(value, name))
}
