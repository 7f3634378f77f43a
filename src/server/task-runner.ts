import type { WireObject } from '../protocol/revisions/family.ts'
import type { Asks, Answers } from './asks.ts'
import type { ServerCall } from './call.ts'
import type { OUTCOME } from './outcome.ts'

/** What work that became a task can do. */
export interface TaskContext {
  /** Fires when the task is cancelled, the server closes, or, where the work runs within the call, nobody waits any more. */
  readonly signal: AbortSignal
  /** Says how far it is, for people. */
  status(message: string): void
  /** Asks the client, and waits for the answers. @throws {RpcError} the client cannot be asked this, or the user declined */
  ask<Questions extends Asks>(asks: Questions): Promise<Answers<Questions>>
}

/** The work itself; what it returns becomes the result. */
export type TaskWork = (task: TaskContext) => unknown

/** How long a task lives and how often to look at it. */
export interface TaskOptions {
  /** Milliseconds from its creation after which it is forgotten. Default: the extension's. */
  readonly ttlMs?: number
  /** Milliseconds that the client should wait between two looks. Default: the extension's. */
  readonly pollIntervalMs?: number
}

/** What a handler returns when it goes on as a task. Made by `ctx.task`. */
export interface TaskStart {
  readonly [OUTCOME]: 'task'
  readonly work: TaskWork
  readonly options: TaskOptions
}

/** How work ended. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** Runs work as tasks: the part of the tasks extension that `tools/call` needs. */
export interface TaskRunner {
  /**
   * Starts the work and returns the answer that says so. `toResult` makes the tool's result out of what the work returned or threw; it throws an
   * `RpcError` when the task is to fail.
   */
  start(call: ServerCall, start: TaskStart, toResult: (outcome: Outcome) => Promise<WireObject>): Promise<WireObject>
}
