import type { ServerCapabilities } from '../protocol/capabilities.ts'
import type { JSONObject } from '../protocol/json.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import type { AuthInfo } from './auth-info.ts'
import type { ServerCall } from './call.ts'
import type { Server } from './server.ts'
import type { TaskRunner } from './task-runner.ts'

/** Answers one method of an extension. Throws an `RpcError` to answer with it. */
export type MethodHandler = (call: ServerCall) => Promise<WireObject> | WireObject

/** The part of a subscription that an extension takes over. */
export interface ExtensionSubscription {
  /** What of the wish is honoured: goes into the acknowledgement. */
  readonly notifications: WireObject
  /** Called once the acknowledgement was sent. Tells until the signal fires. Never throws. */
  start(notify: (method: string, params: WireObject) => void, signal: AbortSignal): void
}

/**
 * Reads what a `subscriptions/listen` wishes of an extension; undefined when that is nothing. `wished` is its `notifications`.
 *
 * @throws {RpcError} the wish cannot be taken
 */
export type ListenToExtension = (call: ServerCall, wished: WireObject) => Promise<ExtensionSubscription | undefined>

/** Something beyond the core protocol, negotiated by an identifier. */
export interface Extension {
  /** Such as `io.modelcontextprotocol/tasks`. */
  readonly id: string
  /** What is advertised under `capabilities.extensions[id]`. Default `{}`. */
  readonly settings?: JSONObject
  /** Core capabilities that it brings with it. */
  readonly capabilities?: ServerCapabilities
  /** Its methods, by name. */
  readonly methods?: Readonly<Record<string, MethodHandler>>
  /** Its methods are refused (−32021) to clients that do not declare it. Default false. */
  readonly mustBeDeclared?: boolean
  /**
   * The scopes that a request of one of its methods needs, all of them; asked before anything runs. None for one that is not understood, which fails
   * later anyway. What it throws refuses the request. Default: none.
   */
  scopesOf?(method: string, params: WireObject, auth: AuthInfo | undefined): Promise<readonly string[]>
  /** Which parameter `Mcp-Name` repeats over HTTP, by method. */
  readonly nameParameters?: Readonly<Record<string, string>>
  /** Runs tools' work as tasks. */
  readonly tasks?: TaskRunner
  /** Takes over its part of subscriptions. */
  readonly listen?: ListenToExtension
  /** Called once, when the server is created: registers resources and the like. */
  install?(server: Server): void
  /** Called when the server closes. */
  close?(): Promise<void> | void
}

/** Whether a client declares an extension. */
export function declaresExtension(call: ServerCall, id: string): boolean {
  const { extensions } = call.client.capabilities
  return typeof extensions === 'object' && extensions !== null && Object.hasOwn(extensions, id)
}
