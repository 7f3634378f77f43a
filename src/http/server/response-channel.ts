import type { JsonRpcMessage } from '../../jsonrpc/message.ts'
import type { CallAnswer } from '../../server/running-call.ts'
import type { HttpResponse } from './http-message.ts'
import { OutgoingStream } from './outgoing-stream.ts'

export interface ResponseChannelOptions {
  /** How many answers are to come. */
  readonly expected: number
  /** They come as an array when there is no stream (2025-03-26). */
  readonly isBatch: boolean
  readonly acceptsStream: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly keepAliveMs: number
  /** Given where the stream can be taken up again. */
  readonly streamId?: string | undefined
  /** The stream begins with an event without data (since 2025-11-25). */
  readonly primes: boolean
  /** The stream began. */
  readonly onStream?: (stream: OutgoingStream) => void
  /** The client is gone before the end. */
  readonly onGone: () => void
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
  const { expected, isBatch, acceptsStream, headers, keepAliveMs, streamId, primes, onStream, onGone } = options
  const answers: CallAnswer[] = []
  let outstanding = expected
  let stream: OutgoingStream | undefined
  let settle: ((response: HttpResponse) => void) | undefined
  const response = new Promise<HttpResponse>(resolve => {
    settle = resolve
  })

  const begin = (retryAfterMs?: number): OutgoingStream => {
    if (stream) return stream
    clearTimeout(timer)
    stream = new OutgoingStream({ id: streamId, keepAliveMs, onGone })
    const begun = stream
    onStream?.(begun)
    if (streamId !== undefined && primes) begun.prime(retryAfterMs)
    for (const answer of answers.splice(0)) begun.send(JSON.stringify(answer))
    settle?.({ status: 200, headers: { ...headers, ...STREAM_HEADERS }, body: sink => begun.attach(sink) })
    return begun
  }
  const timer = acceptsStream ? setTimeout(begin, keepAliveMs) : undefined

  return {
    response,
    send: message => {
      if (acceptsStream)
        begin().send(JSON.stringify(message), 'method' in message && DROPPABLE.includes(message.method))
    },
    answer: answer => {
      outstanding -= 1
      if (stream) {
        if (answer) stream.send(JSON.stringify(answer))
        if (outstanding === 0) stream.end()
        return
      }
      if (answer) answers.push(answer)
      if (outstanding > 0) return
      clearTimeout(timer)
      settle?.(toJson(answers, isBatch, headers))
    },
    drained: () => stream?.drained() ?? Promise.resolve(),
    closeStream: retryAfterMs => {
      if (!acceptsStream || streamId === undefined || !primes) return
      if (stream) stream.prime(retryAfterMs)
      begin(retryAfterMs).disconnect()
    },
  }
}

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // nginx would keep events back.
  'x-accel-buffering': 'no',
}

function toJson(
  answers: readonly CallAnswer[],
  isBatch: boolean,
  headers: Readonly<Record<string, string>>,
): HttpResponse {
  const [first] = answers
  // Every request was cancelled: there is nothing to say.
  if (!first) return { status: 202, headers }
  const body = JSON.stringify(isBatch ? answers : first)
  return { status: 200, headers: { ...headers, 'content-type': 'application/json' }, body }
}
