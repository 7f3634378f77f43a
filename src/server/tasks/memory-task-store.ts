import { endOfLife } from './task-record.ts'
import type { TaskStore, VersionedTask } from './task-store.ts'

const DEFAULT_MAX_TASKS = 10_000
const DEFAULT_MAX_TASKS_PER_PRINCIPAL = 1_000

/** Limits of a store in memory. */
export interface MemoryTaskStoreOptions {
  /** Tasks at a time, finished ones that are still kept included. Default 10 000. */
  readonly maxTasks?: number
  /** Tasks of one principal at a time; all clients that nobody verified count as one. Default 1000. */
  readonly maxTasksPerPrincipal?: number
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number
}

/**
 * Creates a store that keeps tasks in memory: they end with the process. Several servers of one process may share it. When it is full it takes no
 * new tasks until old ones reach the end of their life; none is dropped before.
 */
export function createMemoryTaskStore(options: MemoryTaskStoreOptions = {}): TaskStore {
  const {
    maxTasks = DEFAULT_MAX_TASKS,
    maxTasksPerPrincipal = DEFAULT_MAX_TASKS_PER_PRINCIPAL,
    now = Date.now,
  } = options
  const tasks = new Map<string, VersionedTask>()
  const counts = new Map<string | null, number>()

  function remove(taskId: string): void {
    const found = tasks.get(taskId)
    if (!found) return
    const { principal } = found.record
    const left = (counts.get(principal) ?? 1) - 1
    if (left > 0) counts.set(principal, left)
    else counts.delete(principal)
    tasks.delete(taskId)
  }

  function hasRoom(principal: string | null): boolean {
    return tasks.size < maxTasks && (counts.get(principal) ?? 0) < maxTasksPerPrincipal
  }

  return {
    async create(record) {
      if (!hasRoom(record.principal)) {
        const time = now()
        for (const [taskId, task] of tasks) if (endOfLife(task.record) <= time) remove(taskId)
        if (!hasRoom(record.principal)) return 'full'
      }
      tasks.set(record.taskId, { version: 1, record })
      counts.set(record.principal, (counts.get(record.principal) ?? 0) + 1)
      return 'created'
    },
    async get(taskId) {
      return tasks.get(taskId)
    },
    async compareAndSet(taskId, version, record) {
      if (tasks.get(taskId)?.version !== version) return false
      tasks.set(taskId, { version: version + 1, record })
      return true
    },
    async delete(taskId) {
      remove(taskId)
    },
    async listDue(time) {
      return [...tasks.values()].flatMap(({ record }) => (record.dueAt <= time ? [record.taskId] : []))
    },
  }
}
