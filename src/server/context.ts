import { INTERNAL_ERROR, RpcError } from '../jsonrpc/errors.ts'
import { LOGGING_LEVELS, type LoggingLevel } from '../protocol/logging.ts'
import { LOG_LEVEL_META_KEY, type MetaObject, type RequestMetaObject } from '../protocol/meta.ts'
import { BAGGAGE_META_KEY, TRACEPARENT_META_KEY, TRACESTATE_META_KEY } from '../protocol/trace-context.ts'
import type { CreateMessageRequestParams, CreateMessageResult } from '../protocol/sampling.ts'
import type { Root } from '../protocol/roots.ts'
import { MAX_ID_LENGTH } from './incoming.ts'
import { type AnswerTo, type Ask, elicit, type FormAsk, listRoots, sample } from './asks.ts'
import type { AuthInfo } from './auth-info.ts'
import type { CallingClient, ServerCall } from './call.ts'
import { OUTCOME } from './outcome.ts'
import { askLive } from './live-rounds.ts'
import type { InferOutput, SchemaInput } from './schema.ts'
import type { TaskOptions, TaskStart, TaskWork } from './task-runner.ts'

/** The W3C trace context of a request, as it came. */
export interface TraceContext {
  readonly traceparent?: string
  readonly tracestate?: string
  readonly baggage?: string
}

/** What every handler is given about the request it answers. */
export interface RequestContext {
  /** Fires when nobody waits for the answer any more: the client cancelled, the connection is lost, or the server closes. */
  readonly signal: AbortSignal
  /** The request's `_meta`, as it came. */
  readonly meta: RequestMetaObject
  readonly traceContext: TraceContext
  /** Who asks, as it describes itself: unverified. */
  readonly client: CallingClient
  /** What the verified access token says; absent without `protect`. */
  readonly auth: AuthInfo | undefined
  /**
   * Tells how far the work is, if the client asked to hear of it. `progress` must grow; one that does not, or has no end, is not sent. Wait for the
   * promise when there is much to tell: it resolves once the client keeps up.
   */
  progress(progress: number, total?: number, message?: string): Promise<void>
  /** Sends a log message, if the client asked for its level. Deprecated by the protocol. */
  log(level: LoggingLevel, data: unknown, logger?: string): void
  /** Sends a notification that belongs to this request. */
  notify(method: string, params?: Readonly<Record<string, unknown>>): void
}

/** What a handler that may ask is given besides. */
export interface AskingContext<Answered = Readonly<Record<string, unknown>>> extends RequestContext {
  /** The answers to what `asks` and `needInput` asked. */
  readonly answers: Answered
  /** What `needInput` was given; undefined at the first run. */
  readonly state: unknown
  /** Asks the user while the handler runs. Only in the handshake family; `asks` and `needInput` work on all revisions. @throws {RpcError} */
  elicit<Schema extends SchemaInput>(options: {
    readonly message: string
    readonly schema: Schema
  }): Promise<InferOutput<Schema>>
  /** Asks the client's model while the handler runs. Only in the handshake family. Deprecated by the protocol. @throws {RpcError} */
  sample(params: CreateMessageRequestParams): Promise<CreateMessageResult>
  /** The client's roots, asked for while the handler runs. Only in the handshake family. Deprecated by the protocol. @throws {RpcError} */
  roots(): Promise<readonly Root[]>
  /**
   * Ends the stream that the answer was to come on; the client comes back for it after `retryAfterMs` (default 1000), so that a long call holds no
   * connection. Where the client could not come back (before 2025-11-25, the stateless family, stdio) it does nothing.
   */
  closeStream(options?: { readonly retryAfterMs?: number }): void
}

/** What a tool's handler is given. */
export interface ToolContext<Answered = Readonly<Record<string, unknown>>> extends AskingContext<Answered> {
  /**
   * What to return so that the work goes on as a task: `return ctx.task(async task => …)`. Needs the tasks extension on both sides; without it the
   * work runs within the call.
   */
  task(work: TaskWork, options?: TaskOptions): TaskStart
}

/** Puts together what a handler is given. Methods may be taken off the object. */
export function createContext(call: ServerCall): RequestContext {
  const { meta } = call
  const { progressToken: token } = meta
  // Tokens of other types could not be sent back, and a huge one would come back huge with each notification.
  const wantsProgress = typeof token === 'number' || (typeof token === 'string' && token.length <= MAX_ID_LENGTH)
  let last = Number.NEGATIVE_INFINITY
  return {
    get signal() {
      return call.signal
    },
    meta,
    get traceContext() {
      return traceContextOf(meta)
    },
    client: call.client,
    auth: call.auth,
    // Not async: a handler that does not wait leaves nothing behind, however often it tells.
    progress: (progress, total, message) => {
      // JSON has no infinity.
      if (!wantsProgress || !(progress > last) || !Number.isFinite(progress)) return Promise.resolve()
      last = progress
      call.notify('notifications/progress', {
        progressToken: token,
        progress,
        ...(Number.isFinite(total) && { total }),
        ...(message !== undefined && { message }),
      })
      return call.drained?.() ?? Promise.resolve()
    },
    log: (level, data, logger) => {
      const wanted = call.client.features.family === 'stateless' ? meta[LOG_LEVEL_META_KEY] : call.session?.logLevel
      if (wanted === undefined || LOGGING_LEVELS.indexOf(level) < LOGGING_LEVELS.indexOf(wanted)) return
      call.notify('notifications/message', { level, data: data ?? null, ...(logger !== undefined && { logger }) })
    },
    notify: (method, params = {}) => call.notify(method, params),
  }
}

/** Adds what a handler that may ask is given. */
export function createAskingContext(
  call: ServerCall,
  answers: Readonly<Record<string, unknown>>,
  state: unknown,
): ToolContext {
  const ask = async <Question extends Ask>(question: Question): Promise<AnswerTo<Question>> => {
    if (!call.ask) throw notLive(call, question.kind)
    return (await askLive(call, question.kind, question)) as AnswerTo<Question>
  }
  // One literal, for it is made for every call; a spread would also make the signal that hardly anybody asks for.
  const { meta, client, auth, progress, log, notify } = createContext(call)
  return {
    get signal() {
      return call.signal
    },
    get traceContext() {
      return traceContextOf(meta)
    },
    meta,
    client,
    auth,
    progress,
    log,
    notify,
    answers,
    state,
    elicit: options => ask<FormAsk<InferOutput<(typeof options)['schema']>>>(elicit(options)),
    sample: params => ask(sample(params)),
    roots: () => ask(listRoots()),
    closeStream: ({ retryAfterMs = 1000 } = {}) => call.closeStream?.(retryAfterMs),
    task: (work, options = {}) => ({ [OUTCOME]: 'task', work, options }),
  }
}

function notLive(call: ServerCall, kind: Ask['kind']): RpcError {
  const { family } = call.client.features
  if (family !== 'stateless')
    return new RpcError(INTERNAL_ERROR, 'This server keeps no session with the client, so that it cannot ask back')
  const { revision } = call.client
  const why = `Revision ${revision} has no questions while a handler runs: declare them with asks, or return needInput(…)`
  // The client can do nothing about it; the author can, and reads only `onError`.
  const cause = new TypeError(`The handler of ${call.method} asked for ${kind} as it ran. ${why}`)
  return new RpcError(INTERNAL_ERROR, why, { cause })
}

function traceContextOf(meta: MetaObject): TraceContext {
  const entries = [TRACEPARENT_META_KEY, TRACESTATE_META_KEY, BAGGAGE_META_KEY].flatMap(key => {
    const value = meta[key]
    return typeof value === 'string' ? [[key, value]] : []
  })
  return Object.fromEntries(entries) as TraceContext
}
