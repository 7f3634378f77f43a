import { INTERNAL_ERROR, RpcError } from '../../jsonrpc/errors.ts'
import type { CallingClient } from '../call.ts'
import type { TaskOptions, TaskRunner, TaskStart } from '../task-runner.ts'
import { requireDuration } from './duration.ts'
import { createRandomId } from './random-id.ts'
import { startRepetition } from './repetition.ts'
import type { TaskAccess } from './task-access.ts'
import type { TaskChanges } from './task-changes.ts'
import { ended, endOfLife, failure, isFinal, type TaskEnd, type TaskRecord, toTask, withLease } from './task-record.ts'
import type { TaskStore } from './task-store.ts'
import { runTaskWork, type ToResult } from './task-work.ts'

/** One task whose work runs here, until the work has returned: also when the task ended long before. */
export interface RunningTask {
  readonly principal: string | null
  readonly stop: AbortController
  /** Its record is in the store; before, there is nothing to look after. */
  isStored?: true
  /** How the work ended, as long as that could not be written. */
  end?: TaskEnd
}

/** What a runner needs. All settled: see `TasksOptions` for the defaults. */
export interface RunnerContext {
  readonly store: TaskStore
  readonly access: TaskAccess
  readonly changes: TaskChanges
  /** Shared with whoever must know what runs here. */
  readonly running: Map<string, RunningTask>
  readonly ttlMs: number
  readonly pollIntervalMs: number
  readonly leaseMs: number
  readonly maxRunning: number
  readonly maxRunningPerPrincipal: number
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

/** Runs work as tasks, and looks after them. */
export interface Runner extends TaskRunner {
  /** Ends the work of a task that runs here, if it does. */
  stop(taskId: string, reason: string): void
  /** Fails every task that runs here, durably, and ends its work. */
  close(): Promise<void>
}

interface Work {
  readonly client: CallingClient
  readonly run: TaskStart['work']
  readonly toResult: ToResult
}

/** Creates the runner. Its timer starts with the first task and keeps no process alive. */
export function createRunner(context: RunnerContext): Runner {
  const { store, access, changes, running, leaseMs, now, onError } = context
  let stopLooking: (() => void) | undefined
  let closing: Promise<void> | undefined

  function stop(taskId: string, reason: string): void {
    running.get(taskId)?.stop.abort(new DOMException(reason, 'AbortError'))
  }

  async function write(taskId: string, end: TaskEnd): Promise<void> {
    await access.change(taskId, record => ended(record, now(), end))
  }

  async function run(record: TaskRecord, task: RunningTask, work: Work): Promise<void> {
    const { taskId, pollIntervalMs } = record
    const { signal } = task.stop
    const stopTask = (): void => stop(taskId, 'The task has ended')
    const asking = {
      taskId,
      client: work.client,
      pollIntervalMs,
      signal,
      stop: stopTask,
      access,
      changes,
      now,
      onError,
    }
    // One that was cancelled before it began has its end already.
    task.end = signal.aborted ? failure(STOPPED) : await runTaskWork(asking, work.run, work.toResult)
    await settle(taskId, task)
  }

  /** Writes how the work ended; when the store fails, the next look tries again. A task that has ended by then stays as it is. */
  async function settle(taskId: string, task: RunningTask): Promise<void> {
    if (!task.end) return
    try {
      await write(taskId, task.end)
      running.delete(taskId)
    } catch (error) {
      onError(error)
    }
  }

  /** Promises to look again; a task that was ended by another process, or whose time is over, is stopped. */
  async function lookAfter(taskId: string, task: RunningTask): Promise<void> {
    if (task.end) return settle(taskId, task)
    if (!task.isStored || task.stop.signal.aborted) return
    const record = await access.change(taskId, current =>
      endOfLife(current) <= now() ? undefined : withLease(current, now(), leaseMs),
    )
    if (record && !isFinal(record) && endOfLife(record) > now()) return
    stop(taskId, record && isFinal(record) ? 'The task has ended' : 'The time of the task is over')
  }

  async function lookAround(): Promise<void> {
    const looks = await Promise.allSettled([...running].map(([taskId, task]) => lookAfter(taskId, task)))
    for (const look of looks) if (look.status === 'rejected') onError(look.reason)
    try {
      for (const taskId of await store.listDue(now())) await access.read(taskId)
    } catch (error) {
      onError(error)
    }
  }

  function refuseBeyondLimits(principal: string | null): void {
    if (closing) throw new RpcError(INTERNAL_ERROR, 'The server is being stopped: it starts no more tasks')
    let own = 0
    for (const task of running.values()) if (task.principal === principal) own += 1
    if (own >= context.maxRunningPerPrincipal) throw tooMany(`${own} tasks of this client are under way`)
    if (running.size >= context.maxRunning) throw tooMany(`${running.size} tasks are under way`)
  }

  return {
    stop,
    async start(call, { work, options }, toResult) {
      const principal = call.auth?.principal ?? null
      refuseBeyondLimits(principal)
      const record = createRecord({ principal, scopes: call.neededScopes ?? [] }, options, context)
      const { taskId } = record
      const task: RunningTask = { principal, stop: new AbortController() }
      // Taken before the store is asked, or many that start at once would all find room.
      running.set(taskId, task)
      stopLooking ??= startRepetition(Math.max(1, Math.floor(leaseMs / 3)), lookAround)
      try {
        if ((await store.create(record)) === 'full') throw tooMany('the server keeps no more of them')
        if (closing || call.signal.aborted) {
          // Nobody will ever know its id.
          await store.delete(taskId)
          throw new RpcError(INTERNAL_ERROR, 'The task was stopped before it began')
        }
      } catch (error) {
        running.delete(taskId)
        throw error
      }
      task.isStored = true
      const { client } = call
      // Work that computes at once must not keep the answer back.
      setTimeout(() => void run(record, task, { client, run: work, toResult }), 0)
      return { resultType: 'task', ...toTask(record) }
    },
    close() {
      closing ??= (async () => {
        stopLooking?.()
        // First the record, then the work: how it takes the signal must not decide what the client reads.
        await Promise.all(
          [...running].map(async ([taskId]) => {
            await write(taskId, failure(STOPPED)).catch(onError)
            stop(taskId, 'The server is being stopped')
          }),
        )
      })()
      return closing
    },
  }
}

const STOPPED = 'The server was stopped before this task was finished: start it again'

function createRecord(
  { principal, scopes }: Required<Pick<TaskRecord, 'principal' | 'scopes'>>,
  options: TaskOptions,
  context: RunnerContext,
): TaskRecord {
  const now = context.now()
  const { ttlMs = context.ttlMs, pollIntervalMs = context.pollIntervalMs } = options
  requireDuration('ttlMs', ttlMs)
  requireDuration('pollIntervalMs', pollIntervalMs)
  const times = { createdAt: now, lastUpdatedAt: now, ttlMs, pollIntervalMs, dueAt: 0 }
  const owner = { principal, ...(scopes.length > 0 && { scopes }) }
  return withLease({ taskId: createRandomId(), ...owner, status: 'working', ...times }, now, context.leaseMs)
}

function tooMany(what: string): RpcError {
  return new RpcError(INTERNAL_ERROR, `No task can be started now: ${what}. Wait for some to finish, or cancel them`)
}
