import { RpcError, TransportError } from '../jsonrpc/errors.ts'
import { pause } from '../jsonrpc/pause.ts'
import type { TransportReceiver } from '../jsonrpc/transport.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { readEventStream } from './event-stream.ts'
import { isResumable, mayPass, reconnectionDelay } from './reconnection.ts'

/** Opens a stream with GET. @throws when the server gives none */
export type OpenStream = (options: {
  readonly lastEventId?: string | undefined
  readonly signal: AbortSignal
}) => Promise<ReadableStream<Uint8Array>>

/** The stream on which a server of the handshake family sends what belongs to no request. */
export interface ServerStream {
  /** Opens it, in place of one that is open. */
  start(): void
  stop(): void
}

/** Failures in a row after which a server is left alone. */
const MAX_FAILURES = 20
/** A stream that was open for so long was no failure, even if it brought nothing, in milliseconds. */
const LIVED_MS = 10_000

/**
 * Keeps the stream open as long as the server gives one: best effort, for a server that has none says so with any 4xx, and everything else
 * works without. A stream that ends is opened again where it ended, never in a tight loop (field X3). When it lived and the session is then gone,
 * the receiver gets the error `session_lost`.
 *
 * @see MCP 2025-11-25, Streamable HTTP, Listening for Messages from the Server
 */
export function createServerStream({
  open,
  receiver,
  url,
  maxEventLength,
}: {
  readonly open: OpenStream
  readonly receiver: () => TransportReceiver | undefined
  /** For messages. */
  readonly url: string
  readonly maxEventLength: number
}): ServerStream {
  let running: AbortController | undefined

  async function run(signal: AbortSignal): Promise<void> {
    let lastEventId: string | undefined
    let retryMs: number | undefined
    let failures = 0
    /** A stream that lived was there before: its end and the loss of the session are news. */
    let hasLived = false
    while (!signal.aborted) {
      const openedAt = performance.now()
      const before = lastEventId
      try {
        await readEventStream(await open({ lastEventId, signal }), {
          maxEventLength,
          signal,
          onRetry: ms => (retryMs = ms),
          onEvent: ({ event, id, data }) => {
            if (isResumable(id)) lastEventId = id
            if (data === '' || (event !== undefined && event !== 'message')) return
            hasLived = true
            deliver(data)
          },
        })
      } catch (error) {
        if (signal.aborted) return
        // A stream cut off on the way is no answer of the server about streams.
        const opened = performance.now() - openedAt >= LIVED_MS || lastEventId !== before
        if (!opened && !mayPass(error)) {
          if (!isRefusal(error) || (hasLived && isSessionLoss(error))) receiver()?.error(error)
          return
        }
      }
      const lived = performance.now() - openedAt >= LIVED_MS
      hasLived ||= lived
      const fruitful = lastEventId !== before || lived
      failures = fruitful ? 0 : failures + 1
      if (failures > MAX_FAILURES) {
        receiver()?.error(
          new TransportError('stream_lost', `${url} keeps closing its stream; it is left alone`, { url }),
        )
        return
      }
      await pause(reconnectionDelay(retryMs, failures), signal)
    }
  }

  function deliver(data: string): void {
    try {
      receiver()?.message(JSON.parse(data))
    } catch {
      const detail = { url, received: displayText(data) }
      receiver()?.error(new TransportError('invalid_response', 'An event of the stream is not JSON', detail))
    }
  }

  const stop = (): void => running?.abort()
  return {
    start() {
      stop()
      running = new AbortController()
      void run(running.signal)
    },
    stop,
  }
}

/** The server has no such stream, or not for this client: nothing is wrong. */
function isRefusal(error: unknown): boolean {
  if (error instanceof RpcError) return error.status !== undefined
  if (!(error instanceof TransportError)) return false
  const { status = 0 } = error.detail
  return status !== 401 && status !== 403
}

function isSessionLoss(error: unknown): boolean {
  return error instanceof TransportError && error.code === 'session_lost'
}
