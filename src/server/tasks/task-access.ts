import { INTERNAL_ERROR, RpcError } from '../../jsonrpc/errors.ts'
import type { TaskChanges } from './task-changes.ts'
import { ended, endOfLife, failure, isFinal, type TaskRecord } from './task-record.ts'
import type { TaskStore } from './task-store.ts'

/** Writers of one task at the same time are few: its work, its client, its server's promise to look again. */
const MAX_ATTEMPTS = 20

/** Reads and writes tasks so that no task is silently working for ever and none is found after its time. */
export interface TaskAccess {
  /** The task as it stands. One whose server is gone has failed; one past its time is deleted, and undefined. */
  read(taskId: string): Promise<TaskRecord | undefined>
  /**
   * Replaces the record of a task that has not ended by what `change` makes of it; undefined leaves it. `change` may be called several times.
   * Resolves to the record as it is then, or undefined when there is none.
   *
   * @throws {RpcError} −32603 when others were always faster
   */
  change(taskId: string, change: (record: TaskRecord) => TaskRecord | undefined): Promise<TaskRecord | undefined>
}

/** Creates the access. `isAlive` knows tasks whose work runs here, whatever the clock says: a process that was busy has not died. */
export function createTaskAccess(context: {
  readonly store: TaskStore
  readonly changes: TaskChanges
  readonly now: () => number
  readonly isAlive: (taskId: string) => boolean
}): TaskAccess {
  const { store, changes, now, isAlive } = context

  async function change(
    taskId: string,
    next: (record: TaskRecord) => TaskRecord | undefined,
  ): Promise<TaskRecord | undefined> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const found = await store.get(taskId)
      if (!found) return undefined
      const record = isFinal(found.record) ? undefined : next(found.record)
      if (!record) return found.record
      if (!(await store.compareAndSet(taskId, found.version, record))) continue
      changes.announce(taskId)
      return record
    }
    throw new RpcError(INTERNAL_ERROR, `The task could not be written: ${MAX_ATTEMPTS} times another writer was faster`)
  }

  return {
    change,
    read: async taskId => {
      const record = (await store.get(taskId))?.record
      if (!record) return undefined
      if (endOfLife(record) <= now()) {
        await store.delete(taskId)
        changes.announce(taskId)
        return undefined
      }
      const isLost = (task: TaskRecord): boolean => !isFinal(task) && task.dueAt <= now() && !isAlive(taskId)
      if (!isLost(record)) return record
      const end = failure('The server that worked on this task is gone, and its work with it: start it again')
      return change(taskId, task => (isLost(task) ? ended(task, now(), end) : undefined))
    },
  }
}
