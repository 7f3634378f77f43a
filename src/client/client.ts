import { RpcError, TransportError } from '../jsonrpc/errors.ts'
import type { ServerCapabilities } from '../protocol/capabilities.ts'
import type { CompleteRequestParams, CompleteResult } from '../protocol/completion.ts'
import { HEADER_MISMATCH } from '../protocol/errors.ts'
import type { Implementation } from '../protocol/implementation.ts'
import type { LoggingLevel } from '../protocol/logging.ts'
import type { GetPromptResult, ListPromptsResult, Prompt } from '../protocol/prompts.ts'
import type {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
  Resource,
  ResourceTemplate,
} from '../protocol/resources.ts'
import type { ClientResult } from '../protocol/result-shapes.ts'
import type { ProtocolRevision } from '../protocol/revisions.ts'
import type { Task } from '../protocol/tasks.ts'
import type { CallToolResult, ListToolsResult, Tool } from '../protocol/tools.ts'
import type { Connection } from './connection.ts'
import type { Conversation } from './conversation.ts'
import { createKnownTools } from './known-tools.ts'
import type { Change, Subscription, WantedChanges } from './subscriptions.ts'
import type { TaskHandle } from './tasks.ts'
import { paginate } from './pagination.ts'
import type { ListOptions, RequestOptions } from './request-options.ts'

/** What a client is told besides its connection. */
export interface ClientSettings {
  readonly onError: ((error: unknown) => void) | undefined
  readonly strictOutput: boolean
}

/**
 * A connected client of one MCP server; `connect` makes one.
 *
 * Every method rejects with an `RpcError` when the server answers with an error, with a `TransportError` when no usable answer comes,
 * and, with authorization attached, with an `OAuthError`. Results are the protocol's own; a tool's failure is a result with `isError`.
 */
export class Client {
  readonly #connection: Connection
  readonly #conversation: Conversation
  readonly #onError: ((error: unknown) => void) | undefined
  readonly #strictOutput: boolean
  readonly #knownTools = createKnownTools()

  /** Not for direct use: `connect` opens a connection first. */
  constructor(connection: Connection, conversation: Conversation, { onError, strictOutput }: ClientSettings) {
    this.#connection = connection
    this.#conversation = conversation
    this.#onError = onError
    this.#strictOutput = strictOutput
  }

  /** The server's name and version, self-reported: for display only. Absent when a stateless server does not name itself. */
  get serverInfo(): Implementation | undefined {
    return this.#connection.server.serverInfo
  }

  get serverCapabilities(): ServerCapabilities {
    return this.#connection.server.capabilities
  }

  /** How to use the server, for a model to read. Untrusted text. */
  get instructions(): string | undefined {
    return this.#connection.server.instructions
  }

  /** The protocol revision in use. */
  get revision(): ProtocolRevision {
    return this.#connection.server.revision
  }

  /** The session the server gave; changes when a lost one is renewed. Absent in the stateless family. */
  get sessionId(): string | undefined {
    return this.#connection.sessionId
  }

  /** One page of the server's tools. Over HTTP, tools whose definitions promise headers that cannot be are left out and reported. */
  async listTools(options?: ListOptions): Promise<ListToolsResult> {
    const page = await this.#list('tools/list', options)
    const report = (tool: string, problem: string): void =>
      this.#onError?.(new TransportError('invalid_response', `The tool ${tool.slice(0, 128)} is left out: ${problem}`))
    const tools = this.#knownTools.admit(page.tools, { mirror: this.#connection.mirrorsArguments, report })
    return tools.length === page.tools.length ? page : { ...page, tools }
  }

  /** Every tool, page by page as they are consumed. */
  async *tools(options?: ListOptions): AsyncGenerator<Tool, void, void> {
    for await (const page of paginate(cursor => this.listTools(withCursor(options, cursor)), options?.cursor))
      yield* page.tools
  }

  /** One page of the server's resources. */
  listResources(options?: ListOptions): Promise<ListResourcesResult> {
    return this.#list('resources/list', options)
  }

  /** Every resource, page by page as they are consumed. */
  async *resources(options?: ListOptions): AsyncGenerator<Resource, void, void> {
    for await (const page of paginate(cursor => this.listResources(withCursor(options, cursor)), options?.cursor))
      yield* page.resources
  }

  /** One page of the server's resource templates. */
  listResourceTemplates(options?: ListOptions): Promise<ListResourceTemplatesResult> {
    return this.#list('resources/templates/list', options)
  }

  /** Every resource template, page by page as they are consumed. */
  async *resourceTemplates(options?: ListOptions): AsyncGenerator<ResourceTemplate, void, void> {
    const pages = paginate(cursor => this.listResourceTemplates(withCursor(options, cursor)), options?.cursor)
    for await (const page of pages) yield* page.resourceTemplates
  }

  /** One page of the server's prompts. */
  listPrompts(options?: ListOptions): Promise<ListPromptsResult> {
    return this.#list('prompts/list', options)
  }

  /** Every prompt, page by page as they are consumed. */
  async *prompts(options?: ListOptions): AsyncGenerator<Prompt, void, void> {
    for await (const page of paginate(cursor => this.listPrompts(withCursor(options, cursor)), options?.cursor))
      yield* page.prompts
  }

  /**
   * Calls a tool, and waits for its end when the server makes it a task. The structured result of a tool that was listed is held against its schema. Lists the tools only when the server misses headers that repeat arguments: then once,
   * and the call is sent again. When the connection breaks before the answer, a tool that was listed as read-only or idempotent is called
   * once more; for others the `TransportError` says with `detail.mayHaveRun` whether the tool may have run.
   */
  async callTool(
    name: string,
    args?: Readonly<Record<string, unknown>>,
    options?: RequestOptions,
  ): Promise<CallToolResult> {
    return await this.#judged(name, await this.#sendCall(name, args, options))
  }

  /**
   * Calls a tool without waiting for the end of a task that the call may become: resolves to its result, or to the task. The id of a task may
   * be kept; {@link task} takes it up again.
   */
  async startTool(
    name: string,
    args?: Readonly<Record<string, unknown>>,
    options?: RequestOptions,
  ): Promise<{ readonly result: CallToolResult } | { readonly task: TaskHandle }> {
    let task: TaskHandle | undefined
    const result = await this.#sendCall(name, args, options, begun => {
      task = this.#conversation.task(begun.taskId, begun)
      return task
    })
    return task ? { task } : { result: await this.#judged(name, result) }
  }

  /** A task that was begun before, perhaps by another process. Asks nothing until it is used. */
  task(taskId: string): TaskHandle {
    return this.#conversation.task(taskId)
  }

  /** Sends a request that the protocol itself does not know, such as an extension's. The result is any object. */
  request(
    method: string,
    params?: Readonly<Record<string, unknown>>,
    options?: RequestOptions,
  ): Promise<Readonly<Record<string, unknown>>> {
    return this.#conversation.request(method, params, options)
  }

  /** Reads a resource. */
  readResource(uri: string, options?: RequestOptions): Promise<ReadResourceResult> {
    return this.#conversation.request('resources/read', { uri }, options)
  }

  /** Gets a prompt, filled in. */
  getPrompt(name: string, args?: Readonly<Record<string, string>>, options?: RequestOptions): Promise<GetPromptResult> {
    return this.#conversation.request('prompts/get', args === undefined ? { name } : { name, arguments: args }, options)
  }

  /** Suggests values for an argument of a prompt or a variable of a resource template. */
  complete(
    ref: CompleteRequestParams['ref'],
    argument: CompleteRequestParams['argument'],
    { context, ...options }: RequestOptions & { readonly context?: Readonly<Record<string, string>> } = {},
  ): Promise<CompleteResult> {
    const known = context && { context: { arguments: context } }
    return this.#conversation.request('completion/complete', { ref, argument, ...known }, options)
  }

  /**
   * Hears when lists or resources change, until the subscription is closed: over interruptions, after which everything wanted is told once,
   * and over new sessions. `granted` says what the server agreed to.
   */
  subscribe(
    wanted: WantedChanges,
    listener: (change: Change) => void,
    options?: RequestOptions,
  ): Promise<Subscription> {
    return this.#conversation.subscribe(wanted, listener, options)
  }

  /** The lowest level of log messages that are wanted from now on; `onNotification` gets them. Deprecated by the protocol. */
  async setLogLevel(level: LoggingLevel, options?: RequestOptions): Promise<void> {
    await this.#conversation.setLogLevel(level, options)
  }

  /** Tells the server that the roots have changed. Where the server asks for them with every request, nothing is sent. */
  async rootsChanged(): Promise<void> {
    await this.#connection.notify('notifications/roots/list_changed')
  }

  /** Resolves when the server answers: to `ping`, or, in the stateless family, which has none, to `server/discover`. */
  async ping(options?: RequestOptions): Promise<void> {
    await this.#conversation.request(
      this.#connection.family.messages.allowsRequest('ping') ? 'ping' : 'server/discover',
      undefined,
      options,
    )
  }

  /** Rejects what still waits with `closed`, and ends the session. Never rejects, and may be called twice. */
  async close(): Promise<void> {
    await this.#connection.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Sends a call with its headers; once more, after listing anew, when the server misses others. */
  async #sendCall(
    name: string,
    args: Readonly<Record<string, unknown>> | undefined,
    options: RequestOptions | undefined,
    onTask?: (task: Task) => unknown,
  ): Promise<CallToolResult> {
    const params = args === undefined ? { name } : { name, arguments: args }
    const call = (): Promise<CallToolResult> =>
      this.#conversation.request('tools/call', params, options, {
        headers: this.#knownTools.headersOf(name, args),
        repeatable: this.#knownTools.isRepeatable(name),
        ...(onTask && { onTask }),
      })
    try {
      return await call()
    } catch (error) {
      const mismatch = error instanceof RpcError && error.code === HEADER_MISMATCH
      if (!mismatch || !this.#connection.mirrorsArguments) throw error
      await this.#findTool(name, options)
      return await call()
    }
  }

  /** A tool that was listed promised what its structured results look like. One that does not keep it is reported, or refused. */
  async #judged(name: string, result: CallToolResult): Promise<CallToolResult> {
    const problem = await this.#knownTools.problemOf(name, result)
    if (problem === undefined) return result
    const message = `The tool ${name.slice(0, 128)} answered with something else than it promises: ${problem.slice(0, 500)}`
    const error = new TransportError('invalid_response', message, { method: 'tools/call', mayHaveRun: true })
    if (this.#strictOutput) throw error
    this.#onError?.(error)
    return result
  }

  /** Reads the list, as the server has it now, until `name` is in it. */
  async #findTool(name: string, options: RequestOptions = {}): Promise<void> {
    for await (const tool of this.tools({ fresh: true, ...(options.signal && { signal: options.signal }) }))
      if (tool.name === name) return
  }

  #list<Method extends ListMethod>(
    method: Method,
    { cursor, ...options }: ListOptions = {},
  ): Promise<ClientResult<Method>> {
    return this.#conversation.request(method, cursor === undefined ? undefined : { cursor }, options)
  }
}

type ListMethod = 'tools/list' | 'resources/list' | 'resources/templates/list' | 'prompts/list'

function withCursor(options: ListOptions | undefined, cursor: string | undefined): ListOptions {
  return cursor === undefined ? { ...options } : { ...options, cursor }
}
