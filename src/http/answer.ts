import { TransportError } from '../jsonrpc/errors.ts'
import { isObject, type JsonRpcRequest } from '../jsonrpc/message.ts'
import { pause } from '../jsonrpc/pause.ts'
import type { TransportReceiver } from '../jsonrpc/transport.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { readEventStream } from './event-stream.ts'
import { isResumable, mayPass, reconnectionDelay } from './reconnection.ts'
import { discardBody, mediaType, readExcerpt, readText } from './response-body.ts'
import type { OpenStream } from './server-stream.ts'

/** How long a stream may go on after it brought the answer, before it is cut off. Most end at once, and their connections are kept. */
const AFTER_ANSWER_MS = 1000

export interface AnswerContext {
  readonly request: JsonRpcRequest
  /** For messages. */
  readonly url: string
  readonly receiver: TransportReceiver
  readonly maxMessageBytes: number
  /** Takes the secrets that were sent out of what came back. */
  readonly redact: (text: string) => string
  readonly signal: AbortSignal
  /** Takes up a stream where it ended; absent where the revision cannot. */
  readonly resume?: OpenStream | undefined
}

/**
 * Reads the answer to a request, whatever shape the server chose, and delivers every message in it.
 *
 * @throws {TransportError} `stream_lost` when the stream ends before the answer; `invalid_response`, `message_too_large`
 */
export async function readAnswer(response: Response, context: AnswerContext): Promise<void> {
  const type = mediaType(response)
  if (type === 'text/event-stream' && response.body) return readStreamedAnswer(response.body, context)
  if (type === 'application/json' || type.endsWith('+json')) return readJsonAnswer(response, context)
  throw await describeForeignAnswer(response, context)
}

async function readJsonAnswer(
  response: Response,
  { request, url, receiver, maxMessageBytes, redact }: AnswerContext,
): Promise<void> {
  const { method } = request
  const text = await readText(response, maxMessageBytes)
  const invalid = (what: string, options?: ErrorOptions): TransportError => {
    const detail = { url, method, status: response.status, received: displayText(redact(text)), mayHaveRun: true }
    return new TransportError('invalid_response', `${url} answered ${method} with ${what}`, detail, options)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid('broken JSON', { cause })
  }
  if (!deliver(value, request, receiver)) throw invalid('JSON that is no answer to it')
}

/** What is known of an answer that comes as a stream, perhaps in several pieces. */
interface StreamedAnswer {
  answered: boolean
  lastEventId: string | undefined
  /** The server's wish for how long to wait before reconnecting. */
  retryMs: number | undefined
}

async function readStreamedAnswer(body: ReadableStream<Uint8Array>, context: AnswerContext): Promise<void> {
  const answer: StreamedAnswer = { answered: false, lastEventId: undefined, retryMs: undefined }
  let piece = body
  for (let fruitless = 0; ; ) {
    const before = answer.lastEventId
    const failure = await readPiece(piece, answer, context)
    if (answer.answered) return
    if (context.signal.aborted || failure instanceof TransportError) throw failure
    if (!context.resume || !isResumable(answer.lastEventId)) throw streamLost(context, answer.lastEventId, failure)
    fruitless = answer.lastEventId === before ? fruitless + 1 : 0
    piece = await resume(answer.lastEventId, { answer, fruitless, open: context.resume, context })
  }
}

/** Attempts to take up a stream again, one after the other, before it counts as lost. */
const MAX_RESUMPTIONS = 8

/** Opens the stream again where it ended; attempts that may succeed later are repeated. */
async function resume(
  lastEventId: string,
  given: {
    readonly answer: StreamedAnswer
    readonly fruitless: number
    readonly open: OpenStream
    readonly context: AnswerContext
  },
): Promise<ReadableStream<Uint8Array>> {
  const { answer, open, context } = given
  const { signal } = context
  for (let failures = 0; ; failures += 1) {
    await pause(reconnectionDelay(answer.retryMs, given.fruitless + failures), signal)
    signal.throwIfAborted()
    try {
      return await open({ lastEventId, signal })
    } catch (error) {
      if (signal.aborted) throw error
      if (!mayPass(error) || failures === MAX_RESUMPTIONS) throw streamLost(context, lastEventId, error)
    }
  }
}

/** Reads one connection's worth of the stream. Resolves to what ended it, if anything went wrong. */
async function readPiece(
  body: ReadableStream<Uint8Array>,
  answer: StreamedAnswer,
  { request, url, receiver, maxMessageBytes }: AnswerContext,
): Promise<unknown> {
  let cutOff: ReturnType<typeof setTimeout> | undefined
  const afterAnswer = new AbortController()
  try {
    await readEventStream(body, {
      maxEventLength: maxMessageBytes,
      signal: afterAnswer.signal,
      onRetry: ms => (answer.retryMs = ms),
      onEvent: ({ event, id, data }) => {
        if (id) answer.lastEventId = id
        // An empty event primes the client to reconnect; events with other names are not messages.
        if (data === '' || (event !== undefined && event !== 'message')) return
        const value = parse(data)
        if (value === undefined) {
          receiver.error(
            new TransportError('invalid_response', 'An event of the stream is not JSON', {
              url,
              received: displayText(data),
            }),
          )
        } else if (deliver(value, request, receiver) && !answer.answered) {
          answer.answered = true
          cutOff = setTimeout(() => afterAnswer.abort(), AFTER_ANSWER_MS)
        }
      },
    })
    return undefined
  } catch (error) {
    // Once the answer is there, how its stream ends is of no interest.
    return error
  } finally {
    clearTimeout(cutOff)
  }
}

/** Hands a value to the receiver. True when it holds the answer to the request. */
function deliver(value: unknown, request: JsonRpcRequest, receiver: TransportReceiver): boolean {
  const answers = (message: unknown): boolean =>
    isObject(message) &&
    (message['result'] !== undefined || message['error'] !== undefined) &&
    String(message['id']) === String(request.id)
  if (Array.isArray(value)) {
    receiver.message(value)
    return value.some(answers)
  }
  // An error without an id, in the answer to this very request, is about this request.
  const isAnonymousError =
    isObject(value) && isObject(value['error']) && (value['id'] === undefined || value['id'] === null)
  receiver.message(isAnonymousError ? { ...value, id: request.id } : value)
  return isAnonymousError || answers(value)
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

function streamLost({ request, url }: AnswerContext, lastEventId: string | undefined, cause?: unknown): TransportError {
  const seen = lastEventId === undefined ? '' : ` (last event ${displayText(lastEventId, 80)})`
  return new TransportError(
    'stream_lost',
    `The stream from ${url} ended before ${request.method} was answered${seen}; it may have run`,
    { url, method: request.method, mayHaveRun: true },
    cause === undefined ? undefined : { cause },
  )
}

async function describeForeignAnswer(
  response: Response,
  { request, url, redact }: AnswerContext,
): Promise<TransportError> {
  const { status } = response
  const contentType = displayText(mediaType(response), 100)
  if (status === 202 || status === 204) discardBody(response)
  const received = status === 202 || status === 204 ? '' : displayText(redact(await readExcerpt(response)))
  const what = contentType === '' ? 'no content' : contentType
  const detail = {
    url,
    method: request.method,
    status,
    mayHaveRun: true,
    ...(contentType && { contentType }),
    ...(received && { received }),
  }
  const hint = contentType === 'text/html' ? { hint: 'This is a web page: is the URL the one of an MCP endpoint?' } : {}
  const message = `${url} answered ${request.method} with HTTP ${status} and ${what}, where JSON or an event stream was expected`
  return new TransportError('invalid_response', message, { ...detail, ...hint })
}
