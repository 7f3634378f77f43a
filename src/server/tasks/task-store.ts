import type { TaskRecord } from './task-record.ts'

/** A record as it was read, with the version that a write must name. */
export interface VersionedTask {
  readonly version: number
  readonly record: TaskRecord
}

/**
 * Keeps the records of tasks. Every method may be called from many processes at once; what a promise confirms is durable, and every later read
 * sees it. Records are plain JSON. Ids are hexadecimal.
 */
export interface TaskStore {
  /** Adds a record under a new id. `full` when the store takes no more, or no more of this principal: nothing was written. */
  create(record: TaskRecord): Promise<'created' | 'full'>
  /** The record, or undefined when there is none. */
  get(taskId: string): Promise<VersionedTask | undefined>
  /** Replaces the record if its version is still `version`; false when another writer won, or when it is gone. */
  compareAndSet(taskId: string, version: number, record: TaskRecord): Promise<boolean>
  /** Removes the record, if there is one. */
  delete(taskId: string): Promise<void>
  /** Ids of records whose `dueAt` is not after `now`; some of them when they are many. */
  listDue(now: number): Promise<readonly string[]>
}
