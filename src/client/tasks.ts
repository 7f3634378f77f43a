import { RpcError, TransportError } from '../jsonrpc/errors.ts'
import { pause } from '../jsonrpc/pause.ts'
import { DEFAULT_MAX_TOTAL_TIMEOUT_MS } from '../jsonrpc/peer-options.ts'
import { abortedError } from '../jsonrpc/waits.ts'
import type { InputResponse } from '../protocol/input-required.ts'
import { readResult } from '../protocol/result-shapes.ts'
import { readShape } from '../protocol/shape.ts'
import { task as taskShape, type Task } from '../protocol/tasks.ts'
import type { CallToolResult } from '../protocol/tools.ts'
import type { Interaction, Question } from './interaction.ts'
import type { RequestOptions } from './request-options.ts'

/** Milliseconds between two looks at a task whose server names no time. */
const DEFAULT_POLL_MS = 1_000
const SHORTEST_POLL_MS = 50
const LONGEST_POLL_MS = 60_000
/** Failures of looking at a task, one after the other, before they are told. */
const MAX_FAILURES = 5

/** A task of a server. Its id may be kept, and looked at again by another process. */
export interface TaskHandle {
  readonly taskId: string
  /** How it stands now. @throws {RpcError} −32602 when the server does not know it */
  status(options?: RequestOptions): Promise<Task>
  /**
   * Waits for its end and answers what it asks meanwhile. `maxTotalTimeoutMs` (default one hour) bounds the wait, `signal` ends it; the task goes
   * on all the same.
   *
   * @throws {RpcError} the error it failed with @throws {TransportError} `task_cancelled`, `timeout`, `aborted`, `input_required`
   */
  result(options?: RequestOptions): Promise<CallToolResult>
  /** Asks the server to stop it, which it may not be able to. */
  cancel(options?: RequestOptions): Promise<void>
}

/** Sends a request of the extension. */
export type TaskRequest = (
  method: 'tasks/get' | 'tasks/update' | 'tasks/cancel',
  params: object,
  options?: RequestOptions,
) => Promise<unknown>

interface TaskContext {
  readonly taskId: string
  /** As it was told last. */
  readonly known?: Task | undefined
  readonly request: TaskRequest
  readonly interaction: Interaction
  /** Fires when the client is closed. */
  readonly closing: AbortSignal
}

/** Creates the {@link TaskHandle} of one task. */
export function createTaskHandle({ taskId, known, request, interaction, closing }: TaskContext): TaskHandle {
  /** Questions that were answered; servers show them until the answer has arrived everywhere. */
  const answered = new Set<string>()
  /** Answers that the server does not have yet: nobody is asked twice because a message was lost. */
  const undelivered = new Map<string, Promise<InputResponse>>()

  function ask(name: string, question: Question, signal: AbortSignal): Promise<InputResponse> {
    const answer = undelivered.get(name) ?? interaction.answer(question, signal)
    undelivered.set(name, answer)
    answer.catch(() => undelivered.delete(name))
    return answer
  }

  async function status(options?: RequestOptions): Promise<Task> {
    const read = readShape(taskShape, await request('tasks/get', { taskId }, options), 'result')
    if (read.ok) return read.value
    const message = `The answer to tasks/get is not what the protocol promises: ${read.issue.message}`
    throw new TransportError('invalid_response', message, { method: 'tasks/get' })
  }

  async function answerQuestions({ inputRequests = {} }: Task, signal: AbortSignal): Promise<void> {
    const open = Object.entries(inputRequests).filter(([name]) => !answered.has(name))
    for (const [, question] of open) {
      const objection = interaction.objection(question)
      if (objection === undefined) continue
      const message = `The task ${objection}, which has no handler here`
      throw new TransportError('input_required', message, { method: 'tasks/update' })
    }
    if (open.length === 0) return
    const answers = await Promise.all(
      open.map(async ([name, question]) => [name, await ask(name, question, signal)] as const),
    )
    await request('tasks/update', { taskId, inputResponses: Object.fromEntries(answers) }, { signal })
    for (const [name] of open) {
      answered.add(name)
      undelivered.delete(name)
    }
  }

  return {
    taskId,
    status,
    async result(options = {}) {
      const { onTask, maxTotalTimeoutMs = DEFAULT_MAX_TOTAL_TIMEOUT_MS, onProgress: _own, ...looking } = options
      const end = AbortSignal.timeout(Math.min(maxTotalTimeoutMs, 2 ** 31 - 1))
      const signal = AbortSignal.any([end, closing, ...(options.signal ? [options.signal] : [])])
      const ended = (error: unknown): unknown => {
        if (end.aborted) return timedOut(taskId, maxTotalTimeoutMs)
        return closing.aborted ? abortedError('tasks/get', closing) : error
      }
      let failures = 0
      for (let current = known; ; ) {
        try {
          if (current) {
            onTask?.(current)
            if (isFinal(current)) return outcome(current)
            if (current.status === 'input_required') await answerQuestions(current, signal)
            await rest(pollInterval(current, 0), signal)
          }
          current = await status({ ...looking, signal })
          failures = 0
        } catch (error) {
          if (signal.aborted || !mayPass(error) || ++failures > MAX_FAILURES) throw ended(error)
          await rest(pollInterval(current, failures), signal).catch((cause: unknown) => {
            throw ended(cause)
          })
        }
      }
    },
    async cancel(options) {
      await request('tasks/cancel', { taskId }, options)
    },
  }
}

function isFinal({ status }: Task): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

function outcome({ taskId, status, statusMessage, result, error }: Task): CallToolResult {
  if (status === 'completed') {
    const read = readResult('tools/call', result)
    if (read.ok) return read.value
    const message = `The result of the task is not what the protocol promises: ${read.issue.message}`
    throw new TransportError('invalid_response', message, { method: 'tools/call', mayHaveRun: true })
  }
  if (status === 'failed') {
    const { code, message, data } = error ?? {}
    const text = typeof message === 'string' ? message : (statusMessage ?? 'The task failed')
    throw new RpcError(typeof code === 'number' ? code : -32603, text, { data })
  }
  throw new TransportError('task_cancelled', `The task ${taskId.slice(0, 80)} was cancelled`, {
    mayHaveRun: true,
    ...(statusMessage !== undefined && { received: statusMessage.slice(0, 500) }),
  })
}

function pollInterval(task: Task | undefined, failures: number): number {
  const { pollIntervalMs = DEFAULT_POLL_MS } = task ?? {}
  return Math.min(Math.max(pollIntervalMs * 2 ** failures, SHORTEST_POLL_MS), LONGEST_POLL_MS)
}

function mayPass(error: unknown): boolean {
  if (!(error instanceof TransportError)) return false
  const { status = 0 } = error.detail
  return ['network', 'stream_lost', 'timeout'].includes(error.code) || status >= 500 || status === 429
}

function timedOut(taskId: string, limitMs: number): TransportError {
  const message = `The task ${taskId.slice(0, 80)} was not finished within ${limitMs} ms`
  return new TransportError('timeout', message, { mayHaveRun: true })
}

/** @throws {TransportError} `aborted`: the task goes on */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, signal)
  if (!signal.aborted) return
  const message = 'The wait for a task was ended by its signal'
  throw new TransportError('aborted', message, { mayHaveRun: true }, { cause: signal.reason })
}
