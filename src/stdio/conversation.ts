import { TransportError } from '../jsonrpc/errors.ts'
import { isObject, isRequestId, type JsonRpcMessage, type RequestId } from '../jsonrpc/message.ts'
import type { TransportReceiver } from '../jsonrpc/transport.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { createOutbox, type Slip } from './outbox.ts'
import type { ProcessEnd, ServerListener, ServerProcess } from './server-process.ts'

/** Requests of the server whose answers are awaited, so that no answer goes to another process; older ones are forgotten. */
const MAX_ASKED = 1000

/** A message whose fate the end of the process decides. */
export interface LostMessage {
  readonly method: string
  /** Whether it may have reached the server. */
  readonly mayHaveArrived: boolean
}

export interface ConversationOptions {
  readonly start: (listener: ServerListener) => Promise<ServerProcess>
  readonly receiver: TransportReceiver
  /** Called when the process has ended. Says what each message under way fails with. */
  readonly onEnd: (end: ProcessEnd) => (lost: LostMessage) => TransportError
}

export interface ConversationSendOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds after which a request counts as not understood. */
  readonly answerWithinMs?: number | undefined
}

/** What is said to and heard from one server process, from its start to its end. */
export interface Conversation {
  /** Sends a message. A request is done when its answer came, anything else when it was written. */
  send(message: JsonRpcMessage, options?: ConversationSendOptions): Promise<void>
  /** Ends the process; what is under way fails with what `onEnd` says. Never rejects. */
  close(): Promise<void>
}

interface UnderWay {
  readonly method: string
  readonly slip: Slip
  settle(error?: unknown): void
}

/** Starts a process and the conversation with it. @throws {TransportError} `configuration` when it cannot be started */
export async function openConversation({ start, receiver, onEnd }: ConversationOptions): Promise<Conversation> {
  const underWay = new Set<UnderWay>()
  const requests = new Map<string, UnderWay>()
  const asked = new Set<RequestId>()
  const unanswered = new Set<string>()
  let neverSent: string | undefined
  let fail: ((lost: LostMessage) => TransportError) | undefined

  const note = (message: unknown): void => {
    if (!isObject(message) || !isRequestId(message['id'])) return
    if (message['method'] === undefined) requests.get(String(message['id']))?.settle()
    else if (asked.size < MAX_ASKED) asked.add(message['id'])
  }
  const receive = (value: unknown): void => {
    const message = isAnonymousError(value) ? { ...value, ...onlyOpening(underWay, requests) } : value
    // The late answer to a request that counts as not understood.
    if (isObject(message) && message['method'] === undefined && unanswered.delete(String(message['id']))) return
    for (const each of Array.isArray(message) ? message : [message]) note(each)
    receiver.message(message)
  }

  const process = await start({
    message: receive,
    noise: line => receiver.error(noise(line)),
    error: error => receiver.error(error),
  })
  const outbox = createOutbox(line => process.write(line))
  void process.ended.then(end => {
    fail = onEnd(end)
    for (const { method, slip, settle } of underWay) settle(fail({ method, mayHaveArrived: slip.mayHaveArrived }))
    // Nobody waits for these answers any more, least of all the next process, whose ids are the same.
    for (const requestId of asked) {
      const params = { requestId, reason: 'The server process has ended' }
      receiver.message({ jsonrpc: '2.0', method: CANCELLED, params })
    }
  })

  const deliver = (message: JsonRpcMessage, { signal, answerWithinMs }: ConversationSendOptions): Promise<void> =>
    new Promise((resolve, reject) => {
      const method = methodOf(message)
      const id = 'method' in message && 'id' in message ? String(message.id) : undefined
      const slip = outbox.put(`${JSON.stringify(message)}\n`)
      const settle = (error?: unknown): void => {
        if (!underWay.delete(entry)) return
        if (id !== undefined) requests.delete(id)
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        if (error === undefined) resolve()
        else reject(error)
      }
      const onAbort = (): void => {
        if (slip.withdraw()) neverSent = id
        settle(new TransportError('aborted', `${method} was given up`, { method }, { cause: signal?.reason }))
      }
      const onSilence = (): void => {
        if (id !== undefined) unanswered.add(id)
        const message = `The server did not answer ${method} within ${answerWithinMs} ms`
        settle(new TransportError('invalid_response', message, { method }))
      }
      const timer = answerWithinMs === undefined ? undefined : setTimeout(onSilence, answerWithinMs)
      const entry: UnderWay = { method, slip, settle }
      underWay.add(entry)
      if (id !== undefined) requests.set(id, entry)
      signal?.addEventListener('abort', onAbort, { once: true })
      slip.written.then(
        () => id === undefined && settle(),
        // Whoever does not listen any more cannot be talked to; the end of the process settles the rest.
        () => process.close(),
      )
      if (signal?.aborted) onAbort()
    })

  return {
    send: async (message, options = {}) => {
      if (fail) throw fail({ method: methodOf(message), mayHaveArrived: false })
      if (!('method' in message) && !(isRequestId(message.id) && asked.delete(message.id))) return
      // What never was sent must not be cancelled.
      if (cancelled(message) !== undefined && cancelled(message) === neverSent) return
      await deliver(message, options)
    },
    close: () => process.close(),
  }
}

const CANCELLED = 'notifications/cancelled'

function methodOf(message: JsonRpcMessage): string {
  return 'method' in message ? message.method : 'an answer'
}

/** The id that a message cancels. */
function cancelled(message: JsonRpcMessage): string | undefined {
  if (!('method' in message) || message.method !== CANCELLED) return undefined
  const id = message.params?.['requestId']
  return isRequestId(id) ? String(id) : undefined
}

function isAnonymousError(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && isObject(value['error']) && value['method'] === undefined && !isRequestId(value['id'])
}

/** The id of the request that opens the conversation, which is alone: an error that names no request is about it. */
function onlyOpening(
  underWay: ReadonlySet<UnderWay>,
  requests: ReadonlyMap<string, UnderWay>,
): { readonly id?: string } {
  const [first, ...others] = requests
  const opens = underWay.size === 1 && others.length === 0 && first && isOpening(first[1].method)
  return opens ? { id: first[0] } : {}
}

/** Whether a request may begin a conversation. */
export function isOpening(method: string): boolean {
  return method === 'initialize' || method === 'server/discover'
}

function noise(line: string): TransportError {
  const hint = 'On stdout belong messages only, on stderr everything else'
  const detail = { received: displayText(line), hint }
  return new TransportError('unexpected_message', 'The server wrote a line that is no message', detail)
}
