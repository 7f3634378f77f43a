import { INTERNAL_ERROR } from '../../jsonrpc/errors.ts'
import type { JsonRpcErrorObject } from '../../jsonrpc/message.ts'
import type { InputRequest } from '../../protocol/input-required.ts'
import type { WireObject } from '../../protocol/revisions/family.ts'
import type { Task, TaskStatus } from '../../protocol/tasks.ts'

/** Characters of a status message; the rest is cut. */
const MAX_STATUS_MESSAGE = 2000

/** A question of a task to its client. */
export interface TaskQuestion {
  readonly request: InputRequest
  /** As the client sent it, judged by nobody yet. Present once it was answered. */
  readonly response?: { readonly value: unknown }
}

/** What is kept of one task: plain JSON. Replaced as a whole, never changed in place. */
export interface TaskRecord {
  readonly taskId: string
  /** Whom it belongs to; null where nobody was verified. */
  readonly principal: string | null
  /** Those that the call needed which started it: whoever lacks one is told nothing of the task. Absent for none. */
  readonly scopes?: readonly string[]
  readonly status: TaskStatus
  readonly statusMessage?: string
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number
  readonly lastUpdatedAt: number
  readonly ttlMs: number
  readonly pollIntervalMs: number
  /**
   * When somebody must look after it, whether or not its server still lives: the end of its life, or before, while it is unfinished, the time until
   * which the server that runs its work has promised to look again.
   */
  readonly dueAt: number
  /** By keys that are never used twice. */
  readonly questions?: Readonly<Record<string, TaskQuestion>>
  /** When completed. */
  readonly result?: WireObject
  /** When failed. */
  readonly error?: JsonRpcErrorObject
}

/** How a task ends. */
export type TaskEnd =
  | { readonly status: 'completed'; readonly result: WireObject }
  | { readonly status: 'failed'; readonly error: JsonRpcErrorObject; readonly statusMessage: string }
  | { readonly status: 'cancelled'; readonly statusMessage: string }

/** Whether it has ended. */
export function isFinal({ status }: Pick<TaskRecord, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

/** Milliseconds since the epoch after which it is forgotten. */
export function endOfLife({ createdAt, ttlMs }: TaskRecord): number {
  return createdAt + ttlMs
}

/** The same task, of which its server promises to look again within `leaseMs`. */
export function withLease(record: TaskRecord, now: number, leaseMs: number): TaskRecord {
  return { ...record, dueAt: Math.min(now + leaseMs, endOfLife(record)) }
}

/** The same task with another message for people. */
export function withStatusMessage(record: TaskRecord, now: number, message: string): TaskRecord {
  return { ...record, lastUpdatedAt: now, statusMessage: message.slice(0, MAX_STATUS_MESSAGE) }
}

/** The same task with these questions: it needs input as long as one of them has no answer. */
export function withQuestions(
  record: TaskRecord,
  now: number,
  questions: Readonly<Record<string, TaskQuestion>>,
): TaskRecord {
  const { questions: _before, ...rest } = record
  const all = Object.values(questions)
  const status = all.some(({ response }) => response === undefined) ? 'input_required' : 'working'
  return { ...rest, status, lastUpdatedAt: now, ...(all.length > 0 && { questions }) }
}

/** The same task, ended. What the client was asked, and has answered, is forgotten. */
export function ended(record: TaskRecord, now: number, end: TaskEnd): TaskRecord {
  const { questions: _questions, statusMessage: _message, ...rest } = record
  return { ...rest, ...end, lastUpdatedAt: now, dueAt: endOfLife(record) }
}

/** The end of a task whose server failed it. */
export function failure(message: string): TaskEnd {
  return { status: 'failed', error: { code: INTERNAL_ERROR, message }, statusMessage: message }
}

/** A task as a client sees it, with what its status brings along. @see SEP-2663, Tasks */
export function toTask(record: TaskRecord): Task & WireObject {
  const { taskId, status, statusMessage, createdAt, lastUpdatedAt, ttlMs, pollIntervalMs } = record
  return {
    taskId,
    status,
    ...(statusMessage !== undefined && { statusMessage }),
    createdAt: new Date(createdAt).toISOString(),
    lastUpdatedAt: new Date(lastUpdatedAt).toISOString(),
    ttlMs,
    pollIntervalMs,
    ...(status === 'input_required' && { inputRequests: openRequests(record) }),
    ...(record.result !== undefined && { result: record.result }),
    ...(record.error !== undefined && { error: { ...record.error } }),
  }
}

function openRequests({ questions = {} }: TaskRecord): Readonly<Record<string, InputRequest>> {
  return Object.fromEntries(
    Object.entries(questions).flatMap(([key, { request, response }]) =>
      response === undefined ? [[key, request]] : [],
    ),
  )
}
