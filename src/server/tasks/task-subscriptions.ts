import { INVALID_PARAMS, RpcError } from '../../jsonrpc/errors.ts'
import type { WireObject } from '../../protocol/revisions/family.ts'
import { TASKS_EXTENSION } from '../../protocol/tasks.ts'
import type { ServerCall } from '../call.ts'
import { missingCapability } from '../errors.ts'
import { declaresExtension, type ListenToExtension } from '../extension.ts'
import type { TaskAccess } from './task-access.ts'
import type { TaskChanges } from './task-changes.ts'
import { findOwnTask } from './task-methods.ts'
import { isFinal, type TaskRecord, toTask } from './task-record.ts'

/** Tasks that one subscription may follow. */
const MAX_TASKS = 100

/**
 * Creates what follows tasks for `subscriptions/listen` with `taskIds`: each is told as it stands at the start, then at every change, until it has
 * ended. Ids that are not the caller's, whose scopes the caller lacks, and those beyond 100, are left out of the acknowledgement.
 *
 * @see SEP-2663, Task Status Notifications
 */
export function createTaskSubscriptions(context: {
  readonly access: TaskAccess
  readonly changes: TaskChanges
  readonly onError: (error: unknown) => void
}): ListenToExtension {
  const { access, changes, onError } = context

  /** A store that fails now may work at the next look. */
  async function look(
    taskId: string,
    call: ServerCall,
  ): Promise<{ readonly record: TaskRecord | undefined } | undefined> {
    try {
      return { record: await findOwnTask(access, call, taskId) }
    } catch (error) {
      onError(error)
      return undefined
    }
  }

  async function follow(
    { taskId, pollIntervalMs }: TaskRecord,
    call: ServerCall,
    notify: (method: string, params: WireObject) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const watch = changes.watch(taskId)
    let told: string | undefined
    try {
      for (;;) {
        // The task may run, and change, in another process.
        const found = await look(taskId, call)
        if (signal.aborted) return
        if (found) {
          const { record } = found
          if (!record) return
          const task = toTask(record)
          const text = JSON.stringify(task)
          if (text !== told) notify('notifications/tasks', task)
          told = text
          if (isFinal(record)) return
        }
        await watch.next(pollIntervalMs, signal)
        if (signal.aborted) return
      }
    } finally {
      watch.stop()
    }
  }

  return async (call, { taskIds }) => {
    if (taskIds === undefined || taskIds === null) return undefined
    if (!declaresExtension(call, TASKS_EXTENSION)) {
      throw missingCapability({ extensions: { [TASKS_EXTENSION]: {} } }, 'taskIds needs the tasks extension')
    }
    if (!Array.isArray(taskIds) || !taskIds.every(id => typeof id === 'string')) {
      throw new RpcError(INVALID_PARAMS, 'subscriptions/listen: notifications.taskIds must be a list of strings')
    }
    const wanted = [...new Set<string>(taskIds)].slice(0, MAX_TASKS)
    const found = await Promise.all(wanted.map(id => findOwnTask(access, call, id)))
    const records = found.filter(record => record !== undefined)
    return {
      notifications: { taskIds: records.map(({ taskId }) => taskId) },
      start: (notify, signal) => {
        for (const record of records) void follow(record, call, notify, signal).catch(onError)
      },
    }
  }
}
