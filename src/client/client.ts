import type { ServerCapabilities } from '../protocol/capabilities.ts'
import type { Implementation } from '../protocol/implementation.ts'
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
import type { CallToolResult, ListToolsResult, Tool } from '../protocol/tools.ts'
import type { Connection } from './connection.ts'
import { paginate } from './pagination.ts'
import type { ListOptions, RequestOptions } from './request-options.ts'

/**
 * A connected client of one MCP server; `connect` makes one.
 *
 * Every method rejects with an `RpcError` when the server answers with an error, with a `TransportError` when no usable answer comes,
 * and, with authorization attached, with an `OAuthError`. Results are the protocol's own; a tool's failure is a result with `isError`.
 */
export class Client {
  readonly #connection: Connection

  /** Not for direct use: `connect` opens a connection first. */
  constructor(connection: Connection) {
    this.#connection = connection
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

  /** One page of the server's tools. */
  listTools(options?: ListOptions): Promise<ListToolsResult> {
    return this.#list('tools/list', options)
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
   * Calls a tool. Lists nothing and validates nothing on its own. When the connection breaks before the answer, the
   * `TransportError` says with `detail.mayHaveRun` whether the tool may have run.
   */
  callTool(name: string, args?: Readonly<Record<string, unknown>>, options?: RequestOptions): Promise<CallToolResult> {
    return this.#connection.request('tools/call', args === undefined ? { name } : { name, arguments: args }, options)
  }

  /** Reads a resource. */
  readResource(uri: string, options?: RequestOptions): Promise<ReadResourceResult> {
    return this.#connection.request('resources/read', { uri }, options)
  }

  /** Gets a prompt, filled in. */
  getPrompt(name: string, args?: Readonly<Record<string, string>>, options?: RequestOptions): Promise<GetPromptResult> {
    return this.#connection.request('prompts/get', args === undefined ? { name } : { name, arguments: args }, options)
  }

  /** Resolves when the server answers: to `ping`, or, in the stateless family, which has none, to `server/discover`. */
  async ping(options?: RequestOptions): Promise<void> {
    await this.#connection.request(
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

  #list<Method extends ListMethod>(
    method: Method,
    { cursor, ...options }: ListOptions = {},
  ): Promise<ClientResult<Method>> {
    return this.#connection.request(method, cursor === undefined ? undefined : { cursor }, options)
  }
}

type ListMethod = 'tools/list' | 'resources/list' | 'resources/templates/list' | 'prompts/list'

function withCursor(options: ListOptions | undefined, cursor: string | undefined): ListOptions {
  return cursor === undefined ? { ...options } : { ...options, cursor }
}
