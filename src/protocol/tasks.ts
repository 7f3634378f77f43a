import { isObject } from '../jsonrpc/message.ts'
import { inputRequests } from './input-required-shapes.ts'
import type { InputRequests } from './input-required.ts'
import type { Result } from './message.ts'
import { anyObject, number, object, oneOf, string } from './shape.ts'
import type { Shape } from './shape.ts'

/** The extension that lets a server answer with a task (SEP-2663). */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks'

/** What has become of a task; the last three are final. */
export const TASK_STATUSES = ['working', 'input_required', 'completed', 'failed', 'cancelled'] as const

export type TaskStatus = (typeof TASK_STATUSES)[number]

/** Work that goes on after the answer. */
export interface Task extends Result {
  readonly taskId: string
  readonly status: TaskStatus
  /** For people: how far it is, what it waits for, why it failed. */
  readonly statusMessage?: string
  /** ISO 8601. */
  readonly createdAt?: string
  /** ISO 8601. */
  readonly lastUpdatedAt?: string
  /** Milliseconds from its creation after which the server may forget it; null for never. */
  readonly ttlMs?: number | null
  /** Milliseconds between two looks at it. */
  readonly pollIntervalMs?: number
  /** What it needs before it can go on; keys are never used twice. */
  readonly inputRequests?: InputRequests
  /** What the request would have been answered with. */
  readonly result?: Readonly<Record<string, unknown>>
  /** The JSON-RPC error it failed with. */
  readonly error?: Readonly<Record<string, unknown>>
}

const nullableNumber: Shape<number | null> = value => (value === null ? null : number(value))

/** A task, as `tasks/get` or a task-returning request tells it. */
export const task: Shape<Task> = object<Task>(
  { taskId: string, status: oneOf(...TASK_STATUSES) },
  { inputRequests, result: anyObject(), error: anyObject() },
  {
    statusMessage: string,
    createdAt: string,
    lastUpdatedAt: string,
    ttlMs: nullableNumber,
    pollIntervalMs: number,
    _meta: anyObject(),
  },
)

/** Whether capabilities of either side declare the extension. */
export function hasTasks(capabilities: { readonly extensions?: unknown } | undefined): boolean {
  return isObject(capabilities?.extensions) && Object.hasOwn(capabilities.extensions, TASKS_EXTENSION)
}
