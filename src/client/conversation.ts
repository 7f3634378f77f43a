import { TransportError } from '../jsonrpc/errors.ts'
import type { JsonRpcNotification } from '../jsonrpc/message.ts'
import type { LoggingLevel } from '../protocol/logging.ts'
import type { ClientResult } from '../protocol/result-shapes.ts'
import type { Task } from '../protocol/tasks.ts'
import type { CallToolResult } from '../protocol/tools.ts'
import type { Answer, Connection, SendContext } from './connection.ts'
import { answerInputRequired, MAX_INPUT_ROUNDS, type InputAnswers } from './input-required.ts'
import type { Interaction } from './interaction.ts'
import { runMiddleware, type ClientMiddleware } from './middleware.ts'
import type { RequestOptions } from './request-options.ts'
import { createResponseCache } from './response-cache.ts'
import {
  createSubscriptions,
  type Change,
  type Subscription,
  type SubscriptionHost,
  type WantedChanges,
} from './subscriptions.ts'
import { createTaskHandle, type TaskHandle } from './tasks.ts'
import { openRequiredUrls } from './url-elicitation.ts'

/** How a request is to be taken besides what its caller wants. */
export interface ConversationContext extends SendContext {
  /** Takes the task that the request has become, instead of waiting for its end; what it returns is the result. */
  readonly onTask?: (task: Task) => unknown
}

export interface ConversationOptions {
  readonly interaction: Interaction
  readonly maxInputRounds?: number | undefined
  readonly middleware?: readonly ClientMiddleware[] | undefined
  readonly onNotification?: ((notification: JsonRpcNotification) => void) | undefined
  readonly onError?: ((error: unknown) => void) | undefined
}

/** What is said over a connection: whole requests with everything that belongs to them, whatever the revision makes of that. */
export interface Conversation {
  /**
   * Asks the server something, answers what it asks back meanwhile, and waits for a task that comes of it.
   *
   * @throws {RpcError} the server's error
   * @throws {TransportError} everything else; `input_required` when the server asks for what nobody here can answer
   */
  request<Method extends string>(
    method: Method,
    params: object | undefined,
    options?: RequestOptions,
    context?: ConversationContext,
  ): Promise<ClientResult<Method>>
  /** A task of this server, begun by whoever knows its id. */
  task(taskId: string, known?: Task): TaskHandle
  /** Hears of changes until the subscription is closed, over interruptions and new sessions. @throws {RpcError} @throws {TransportError} */
  subscribe(wanted: WantedChanges, listener: (change: Change) => void, options?: RequestOptions): Promise<Subscription>
  /** From now on, with every request of a stateless server; a handshake server is told once in each session. */
  setLogLevel(level: LoggingLevel, options?: RequestOptions): Promise<void>
  /** Looks at every notification of the server. */
  notice(notification: JsonRpcNotification): void
  /** A new session has begun: nothing of the old one is known to the server any more. */
  renewed(): void
}

/** Creates the {@link Conversation} over a connection. */
export function createConversation(connection: Connection, options: ConversationOptions): Conversation {
  const { interaction, maxInputRounds: maxRounds = MAX_INPUT_ROUNDS, middleware = [], onError } = options
  const cache = createResponseCache()
  const subscriptions = createSubscriptions(subscriptionHost)
  let logLevel: LoggingLevel | undefined
  connection.closing.addEventListener('abort', () => subscriptions.end(), { once: true })

  const request: Conversation['request'] = async (method, params, requestOptions = {}, context = {}) => {
    const call = { method, params, options: requestOptions, revision: connection.server.revision }
    const result = await runMiddleware(middleware, call, changed =>
      answerOrKept(changed.method, changed.params, changed.options, context),
    )
    return result as ClientResult<typeof method>
  }

  /** A fresh answer that is kept, else the server's. */
  async function answerOrKept(
    method: string,
    params: object | undefined,
    requestOptions: RequestOptions,
    context: ConversationContext,
  ): Promise<unknown> {
    const { grantId } = connection
    const kept = requestOptions.fresh === true ? undefined : cache.get(method, params, grantId)
    if (kept !== undefined) return kept
    const { changes } = cache
    const { result, asked } = await complete(method, params, requestOptions, context)
    // Answers given on the way are not part of what was asked; another login meanwhile may see other things, and so may one who asks after a change.
    if (!asked && connection.grantId === grantId && cache.changes === changes)
      cache.put(method, params, grantId, result)
    return result
  }

  /** The request and, while the server asks back, its repetitions with the answers: independent requests, each under an id of its own. */
  async function complete(
    method: string,
    params: object | undefined,
    requestOptions: RequestOptions,
    { onTask, ...send }: ConversationContext,
  ): Promise<{ readonly result: unknown; readonly asked: boolean }> {
    let answers: InputAnswers | undefined
    for (let round = 1; ; round += 1) {
      const { answer, opened } = await exchange(
        method,
        answers ? { ...params, ...answers } : params,
        requestOptions,
        send,
      )
      if (answer.kind === 'complete') return { result: answer.result, asked: opened || round > 1 }
      if (answer.kind === 'task') {
        return { result: onTask ? onTask(answer.task) : await finish(answer.task, requestOptions), asked: true }
      }
      const signal = signalOf(requestOptions)
      answers = await answerInputRequired(answer.result, { method, round, maxRounds, interaction, signal })
    }
  }

  /** One exchange; a second one when the server wants URLs to be opened first, and they were. */
  async function exchange<Method extends string>(
    method: Method,
    params: object | undefined,
    requestOptions: RequestOptions,
    send: SendContext,
  ): Promise<{ readonly answer: Answer<Method>; readonly opened: boolean }> {
    try {
      return { answer: await connection.exchange(method, params, requestOptions, send), opened: false }
    } catch (error) {
      if (!(await openRequiredUrls(error, { method, interaction, signal: signalOf(requestOptions) }))) throw error
      return { answer: await connection.exchange(method, params, requestOptions, send), opened: true }
    }
  }

  /** Fires when the caller gives up or the client is closed. */
  function signalOf({ signal }: RequestOptions): AbortSignal {
    return signal ? AbortSignal.any([signal, connection.closing]) : connection.closing
  }

  function task(taskId: string, known?: Task): TaskHandle {
    return createTaskHandle({ taskId, known, request, interaction, closing: connection.closing })
  }

  /** Waits for a task in the caller's place; when the caller gives up, so does the server. */
  async function finish(begun: Task, requestOptions: RequestOptions): Promise<CallToolResult> {
    const handle = task(begun.taskId, begun)
    try {
      return await handle.result(requestOptions)
    } catch (error) {
      const gaveUp = error instanceof TransportError && ['aborted', 'timeout', 'input_required'].includes(error.code)
      // Whoever gives up does not wait for the server to hear of it.
      if (gaveUp) handle.cancel().catch((cause: unknown) => onError?.(cause))
      throw error
    }
  }

  async function tellLogLevel(level: LoggingLevel, requestOptions?: RequestOptions): Promise<void> {
    if (connection.family.messages.allowsRequest('logging/setLevel'))
      await request('logging/setLevel', { level }, requestOptions)
  }

  function subscriptionHost(): SubscriptionHost {
    const endless = { timeoutMs: Number.POSITIVE_INFINITY, maxTotalTimeoutMs: Number.POSITIVE_INFINITY }
    return {
      style: connection.family.subscriptions.style,
      capabilities: connection.server.capabilities,
      timeoutMs: connection.timeoutMs,
      request: (method, params, requestOptions) => request(method, params, requestOptions),
      listenFor: (filter, { signal, onSent }) =>
        connection.send('subscriptions/listen', { notifications: filter }, { signal, ...endless }, { onSent }),
      listen: () => connection.listen(),
      onError: error => onError?.(error),
    }
  }

  return {
    request,
    task,
    subscribe: (wanted, listener, requestOptions) => subscriptions.add(wanted, listener, requestOptions),
    async setLogLevel(level, requestOptions) {
      logLevel = level
      connection.logLevel = level
      await tellLogLevel(level, requestOptions)
    },
    notice(notification) {
      const { method, params } = notification
      const id = params?.['elicitationId']
      if (method === 'notifications/elicitation/complete' && typeof id === 'string') interaction.completed(id)
      cache.notice(notification)
      subscriptions.notice(notification)
      options.onNotification?.(notification)
    },
    renewed() {
      cache.clear()
      subscriptions.renewed()
      if (logLevel !== undefined) tellLogLevel(logLevel).catch((error: unknown) => onError?.(error))
    },
  }
}
