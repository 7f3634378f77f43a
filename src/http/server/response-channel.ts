import type { JsonRpcMessage } from '../../jsonrpc/message.ts'
import { toErrorResponse } from '../../server/incoming.ts'
import type { CallAnswer } from '../../server/running-call.ts'
import type { HttpResponse } from './http-message.ts'
import { OutgoingStream } from './outgoing-stream.ts'

export interface ResponseChannelOptions {
  /** How many answers are to come. */
  readonly expected: number
  /** They come as an array when there is no stream (2025-03-26). */
  readonly isBatch: boolean
  readonly acceptsStream: boolean
  readonly keepAliveMs: number
  /** Given where the stream can be taken up again. */
  readonly streamId?: string | undefined
  /** Those that the requests need: the stream tells nothing to who lacks one. Default none. */
  readonly scopes?: readonly string[]
  /** The stream begins with an event without data (since 2025-11-25). */
  readonly primes: boolean
  /** The stream began. */
  readonly onStream?: (stream: OutgoingStream) => void
  /** The client is gone before the end. */
  readonly onGone: () => void
  /** Hears of what cannot be written as JSON. */
  readonly report: (error: unknown) => void
}

/** Where everything that belongs to one POST goes. */
export interface ResponseChannel {
  /** The HTTP answer, as soon as it is known which it is. */
  readonly response: Promise<HttpResponse>
  /** Sends what comes before an answer: from then on the answer is a stream. */
  send(message: JsonRpcMessage): void
  /** Gives one answer; undefined for a request that is not answered. */
  answer(answer: CallAnswer | undefined): void
  drained(): Promise<void>
  /** Lets the connection go, the client comes back after a while. */
  closeStream(retryAfterMs: number): void
}

/** What is left out first for a client that does not keep up. */
const DROPPABLE: readonly string[] = ['notifications/progress', 'notifications/message']

/**
 * Decides how a POST is answered: with JSON when the handlers finish without a word, else with a stream. A call that takes longer than the keep-alive
 * interval becomes a stream as well, so that nothing on the way takes the connection for dead.
 */
export function createResponseChannel(options: ResponseChannelOptions): ResponseChannel {
  const { expected, isBatch, acceptsStream, keepAliveMs, streamId, scopes, primes, onStream, onGone, report } = options
  const answers: string[] = []
  let outstanding = expected
  let stream: OutgoingStream | undefined
  let settle: ((response: HttpResponse) => void) | undefined
  const response = new Promise<HttpResponse>(resolve => {
    settle = resolve
  })

  const begin = (retryAfterMs?: number): OutgoingStream => {
    if (stream) return stream
    clearTimeout(timer)
    const begun = new OutgoingStream({ id: streamId, ...(scopes && { scopes }), isAwaited: true, keepAliveMs, onGone })
    stream = begun
    onStream?.(begun)
    if (streamId !== undefined && primes) begun.prime(retryAfterMs)
    for (const answer of answers.splice(0)) begun.send(answer)
    settle?.({ status: 200, headers: STREAM_HEADERS, body: sink => begun.attach(sink) })
    return begun
  }
  const timer = acceptsStream ? setTimeout(begin, keepAliveMs) : undefined

  /** Handlers may return, and tell, what is no JSON: whoever waits for the answer is told so. */
  const encode = (message: JsonRpcMessage): string | undefined => {
    try {
      return JSON.stringify(message)
    } catch (error) {
      report(error)
      return undefined
    }
  }

  return {
    response,
    send: message => {
      // After the last answer nobody listens; a stream that began now would never end.
      if (!acceptsStream || outstanding === 0) return
      const json = encode(message)
      if (json !== undefined) begin().send(json, 'method' in message && DROPPABLE.includes(message.method))
    },
    answer: answer => {
      if (outstanding === 0) return
      outstanding -= 1
      const json = answer && (encode(answer) ?? JSON.stringify(toErrorResponse(answer.id ?? '', undefined)))
      if (stream) {
        if (json !== undefined) stream.send(json)
        if (outstanding === 0) stream.end()
        return
      }
      if (json !== undefined) answers.push(json)
      if (outstanding > 0) return
      clearTimeout(timer)
      settle?.(toJson(answers, isBatch))
    },
    drained: () => stream?.drained() ?? Promise.resolve(),
    closeStream: retryAfterMs => {
      if (!acceptsStream || streamId === undefined || !primes || outstanding === 0) return
      if (stream) stream.prime(retryAfterMs)
      begin(retryAfterMs).disconnect()
    },
  }
}

/** Headers of every stream. */
export const STREAM_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // nginx would keep events back.
  'x-accel-buffering': 'no',
}

function toJson(answers: readonly string[], isBatch: boolean): HttpResponse {
  const [first] = answers
  // Every request was cancelled: there is nothing to say.
  if (first === undefined) return { status: 202, headers: {} }
  const body = isBatch ? `[${answers.join(',')}]` : first
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}
