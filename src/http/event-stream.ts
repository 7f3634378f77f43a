import { createParser } from 'eventsource-parser'
import { TransportError } from '../jsonrpc/errors.ts'

/** One event of a server-sent event stream. */
export interface StreamEvent {
  /** Absent: `message`. */
  readonly event?: string | undefined
  readonly id?: string | undefined
  readonly data: string
}

export interface EventStreamOptions {
  /** Characters that one event may hold. */
  readonly maxEventLength: number
  readonly onEvent: (event: StreamEvent) => void
  /** Ends the reading quietly; what was read so far has been given out. */
  readonly signal?: AbortSignal
  /** The server's wish for how long to wait before reconnecting. */
  readonly onRetry?: (retryMs: number) => void
}

/**
 * Reads a server-sent event stream to its end, in whatever chunks it arrives. A last event that is not followed by an empty line
 * is given out too: several servers end their streams so, and a cut-off one is no JSON.
 *
 * @throws {TransportError} `message_too_large`; and what reading the body throws
 * @see {@link https://html.spec.whatwg.org/multipage/server-sent-events.html | HTML, server-sent events}
 */
export async function readEventStream(body: ReadableStream<Uint8Array>, options: EventStreamOptions): Promise<void> {
  const { maxEventLength, onEvent, onRetry, signal } = options
  let overflow = false
  const parser = createParser({
    maxBufferSize: maxEventLength,
    onEvent: event => {
      if (event.data.length > maxEventLength) overflow = true
      if (!overflow) onEvent(event)
    },
    onError: error => {
      if (error.type === 'max-buffer-size-exceeded') overflow = true
    },
    ...(onRetry && { onRetry }),
  })
  const decoder = new TextDecoder()
  const reader = body.getReader()
  const stop = (): void => void reader.cancel().catch(() => undefined)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      parser.feed(decoder.decode(value, { stream: true }))
      if (overflow) break
    }
    if (!overflow) parser.feed(`${decoder.decode()}\n\n`)
    if (overflow)
      throw new TransportError(
        'message_too_large',
        `An event of the stream is longer than ${maxEventLength} characters`,
      )
  } finally {
    signal?.removeEventListener('abort', stop)
    stop()
  }
}
