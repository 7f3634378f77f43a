import { TASKS_EXTENSION } from '../../protocol/tasks.ts'
import type { Extension } from '../extension.ts'
import { assertOptions, type OptionNames } from '../given-options.ts'
import { requireDuration } from './duration.ts'
import { createMemoryTaskStore } from './memory-task-store.ts'
import { createRunner, type RunningTask } from './runner.ts'
import { createTaskAccess } from './task-access.ts'
import { createTaskChanges } from './task-changes.ts'
import { createTaskMethods, scopesOfTask } from './task-methods.ts'
import type { TaskStore } from './task-store.ts'
import { createTaskSubscriptions } from './task-subscriptions.ts'

const DEFAULT_TTL_MS = 3_600_000
const DEFAULT_POLL_INTERVAL_MS = 1_000
const DEFAULT_LEASE_MS = 30_000
const DEFAULT_MAX_RUNNING = 1_000
const DEFAULT_MAX_RUNNING_PER_PRINCIPAL = 100

/** How tasks are kept and run. */
export interface TasksOptions {
  /** Where tasks are kept. Default: in memory, so that they end with the process. Servers that share one answer for each other's tasks. */
  readonly store?: TaskStore
  /** Milliseconds from its creation after which a task is stopped, if it still runs, and forgotten. Default one hour. */
  readonly ttlMs?: number
  /** Milliseconds that clients should wait between two looks, and the longest time until an answer given to another process arrives. Default 1000. */
  readonly pollIntervalMs?: number
  /**
   * Milliseconds after which a task counts as lost when its server has not been heard of; it is renewed three times within. It bounds how long a
   * killed server's tasks seem to work, and how late the work hears of a cancellation given to another process. Longer than the clocks of the
   * servers differ. Default 30 000.
   */
  readonly leaseMs?: number
  /** Tasks whose work runs in this process at a time; more are refused. Work that ignores its signal counts until it returns. Default 1000. */
  readonly maxRunning?: number
  /** The same for one principal; all clients that nobody verified count as one. Default 100. */
  readonly maxRunningPerPrincipal?: number
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number
  /** Told what goes wrong beside an answer: a store that fails, work that ends with what no client may read. Must not throw. Default: the server's. */
  readonly onError?: (error: unknown) => void
}

const OPTIONS: OptionNames<TasksOptions> = {
  store: true,
  ttlMs: true,
  pollIntervalMs: true,
  leaseMs: true,
  maxRunning: true,
  maxRunningPerPrincipal: true,
  now: true,
  onError: true,
}

/**
 * Lets tools go on as tasks (`return ctx.task(…)`) for clients that declare the extension. The work runs in this process; its state is in the
 * store, before the client hears of it. A task is of use only to the principal that started it, with the scopes that this needed; where nobody is
 * verified, its id is the only secret.
 *
 * @throws {RangeError} a duration is no positive whole number
 * @throws {TypeError} an option that does not exist
 * @see {@link https://modelcontextprotocol.io/seps/2663-tasks-extension | SEP-2663}
 */
export function tasks(options: TasksOptions = {}): Extension {
  assertOptions('tasks', options, OPTIONS)
  const { now = Date.now } = options
  let report = options.onError
  const onError = (error: unknown): void => report?.(error)
  const { store = createMemoryTaskStore({ now }) } = options
  const { ttlMs = DEFAULT_TTL_MS, pollIntervalMs = DEFAULT_POLL_INTERVAL_MS, leaseMs = DEFAULT_LEASE_MS } = options
  for (const [name, ms] of Object.entries({ ttlMs, pollIntervalMs, leaseMs })) requireDuration(name, ms)
  const { maxRunning = DEFAULT_MAX_RUNNING } = options
  const { maxRunningPerPrincipal = DEFAULT_MAX_RUNNING_PER_PRINCIPAL } = options

  const running = new Map<string, RunningTask>()
  const changes = createTaskChanges()
  const access = createTaskAccess({ store, changes, now, isAlive: taskId => running.has(taskId) })
  const runner = createRunner({
    store,
    access,
    changes,
    running,
    ttlMs,
    pollIntervalMs,
    leaseMs,
    maxRunning,
    maxRunningPerPrincipal,
    now,
    onError,
  })
  return {
    id: TASKS_EXTENSION,
    mustBeDeclared: true,
    nameParameters: { 'tasks/get': 'taskId', 'tasks/update': 'taskId', 'tasks/cancel': 'taskId' },
    methods: createTaskMethods({ access, runner, now }),
    scopesOf: (_method, params, auth) => scopesOfTask(access, params, auth),
    tasks: runner,
    listen: createTaskSubscriptions({ access, changes, onError }),
    install: server => {
      report ??= error => server.internals.report(error, {})
    },
    close: () => runner.close(),
  }
}
