import type { JsonRpcRequest } from '../jsonrpc/message.ts'
import type { ServerCapabilities } from '../protocol/capabilities.ts'
import type { Implementation } from '../protocol/implementation.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { JsonSchema } from '../schema/json-schema.ts'
import type { Asks } from './asks.ts'
import type { AuthInfo } from './auth-info.ts'
import type { CacheHint } from './cache-hint.ts'
import type { ServerCall } from './call.ts'
import type { Changes } from './changes.ts'
import type { Extension, MethodHandler } from './extension.ts'
import type { ServerMiddleware } from './middleware.ts'
import type { PromptHandler, PromptOptions } from './prompt.ts'
import type { Registration } from './registry.ts'
import type { ResourceHandler, ResourceOptions, ResourceTemplateHandler, ResourceTemplateOptions } from './resource.ts'
import type { SchemaInput } from './schema.ts'
import type { StateClaim } from './sealed-state.ts'
import type { RegisteredTool, ToolHandler, ToolOptions } from './tool.ts'

/** What an error was about. */
export type ErrorOrigin =
  | { readonly request: JsonRpcRequest }
  | { readonly notification: string }
  | Record<string, never>

/** What a server is. Its name and version are shown to clients. */
export interface ServerOptions extends Implementation {
  /** How to use the server, for a model to read. */
  readonly instructions?: string
  /**
   * Hears of what clients are told only in general words: what handlers throw, notifications that cannot be delivered, tokens that are refused. Default:
   * what belongs to a request is printed to stderr, the rest is not told.
   */
  readonly onError?: (error: unknown, origin: ErrorOrigin) => void
  /** Stands around every request, the first outermost. */
  readonly middleware?: readonly ServerMiddleware[]
  readonly extensions?: readonly Extension[]
  /** Entries of one page of a list. Default 1000. */
  readonly pageSize?: number
  /** How long, and for whom, clients may keep lists and what they read. Default: not at all. */
  readonly cache?: CacheHint
  /**
   * 32 random bytes that encrypt the state of questions, or several, the first of which encrypts. Needed where several processes answer for one
   * address, or where questions should outlive a restart. Default: random.
   */
  readonly stateKey?: Uint8Array | readonly Uint8Array[]
  /** Milliseconds that a person has to answer. Default ten minutes. */
  readonly stateLifetimeMs?: number
  /** Makes every answer to a question count once. Default: it may be sent again until it expires. */
  readonly claimState?: StateClaim
  /** Capabilities to declare besides those that follow from what is registered. */
  readonly capabilities?: ServerCapabilities
  /**
   * Subscriptions at once. A principal that has more of them than there are left gets no more: whoever takes what there is leaves half of it to others.
   * Default 10 000.
   */
  readonly maxSubscriptions?: number
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number
}

/** What transports, guards and extensions use; applications need none of it. */
export interface ServerInternals {
  readonly info: Implementation
  readonly instructions: string | undefined
  readonly changes: Changes
  /** Fires when the server closes. */
  readonly closing: AbortSignal
  /** What the server can do, as of now. */
  capabilities(): ServerCapabilities
  /** Answers one call. @throws {RpcError} what the client is to be told; anything else is a failure of ours */
  answer(call: ServerCall): Promise<WireObject>
  /** The scopes that an operation needs, all of them. */
  scopesOf(method: string, params: WireObject, auth: AuthInfo | undefined): Promise<readonly string[]>
  /** Whether a caller may be told that a resource changed. Never throws. */
  mayHear(uri: string, caller: Pick<ServerCall, 'holds' | 'auth'>): boolean
  /** Every scope that something registered names, where it does not decide by what is asked for. */
  declaredScopes(): readonly string[]
  /** The tool of that name, for the headers that repeat its arguments. */
  findTool(name: string): RegisteredTool | undefined
  /** Which parameter `Mcp-Name` repeats, of an extension's method. */
  nameParameterOf(method: string): string | undefined
  /** Hands an error to `onError`. Never throws. */
  report(error: unknown, origin: ErrorOrigin): void
}

/** A server: what it offers, for every revision and transport. */
export interface Server {
  /** Offers a tool. @throws {TypeError} a name that is taken, or something no client could use */
  tool<
    Input extends SchemaInput = JsonSchema,
    Output extends SchemaInput | undefined = undefined,
    Questions extends Asks = Asks,
  >(
    name: string,
    options: ToolOptions<Input, Output, Questions>,
    handler: ToolHandler<Input, Output, Questions>,
  ): Registration
  /** Offers a resource. @throws {TypeError} */
  resource<Questions extends Asks = Asks>(
    uri: string,
    options: ResourceOptions<Questions>,
    handler: ResourceHandler<Questions>,
  ): Registration
  /** Offers a family of resources, by a URI template (RFC 6570). @throws {TypeError} */
  resourceTemplate<const Template extends string, Questions extends Asks = Asks>(
    uriTemplate: Template,
    options: ResourceTemplateOptions<Questions>,
    handler: ResourceTemplateHandler<Questions, Template>,
  ): Registration
  /** Offers a prompt. @throws {TypeError} */
  prompt<
    // oxlint-disable-next-line typescript/no-generated-empty-object-type -- nothing is exactly what is meant
    const Required extends Readonly<Record<string, unknown>> = Readonly<Record<never, never>>,
    Questions extends Asks = Asks,
  >(
    name: string,
    options: PromptOptions<Required, Questions>,
    handler: PromptHandler<Required, Questions>,
  ): Registration
  /** Answers a method of your own. @throws {TypeError} the method is taken, or the protocol's */
  method(name: string, handler: MethodHandler): Registration
  /** Tells whoever subscribed that the contents of a resource changed. */
  resourceUpdated(uri: string): void
  /** Ends subscriptions, aborts what runs, and closes the extensions. Transports that serve it close with it. Never rejects. */
  close(): Promise<void>
  readonly internals: ServerInternals
}
