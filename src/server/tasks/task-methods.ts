import { INVALID_PARAMS, METHOD_NOT_FOUND, RpcError } from '../../jsonrpc/errors.ts'
import { isObject } from '../../jsonrpc/message.ts'
import type { WireObject } from '../../protocol/revisions/family.ts'
import type { AuthInfo } from '../auth-info.ts'
import type { ServerCall } from '../call.ts'
import type { MethodHandler } from '../extension.ts'
import { isRandomId } from './random-id.ts'
import type { Runner } from './runner.ts'
import type { TaskAccess } from './task-access.ts'
import { ended, type TaskQuestion, type TaskRecord, toTask, withQuestions } from './task-record.ts'

const ACKNOWLEDGED = { resultType: 'complete' } as const

/** Creates the methods of the extension. @see SEP-2663 */
export function createTaskMethods(context: {
  readonly access: TaskAccess
  readonly runner: Runner
  readonly now: () => number
}): Readonly<Record<'tasks/get' | 'tasks/update' | 'tasks/cancel', MethodHandler>> {
  const { access, runner, now } = context

  return {
    'tasks/get': async call => ({ ...toTask(await findTask(access, call)), ...ACKNOWLEDGED }),
    'tasks/update': async call => {
      const { taskId } = await findTask(access, call)
      const { inputResponses } = call.params
      if (!isObject(inputResponses)) {
        throw new RpcError(INVALID_PARAMS, 'tasks/update: inputResponses must be an object with answers by their keys')
      }
      await access.change(taskId, record => {
        const questions = answered(record.questions ?? {}, inputResponses)
        return questions && withQuestions(record, now(), questions)
      })
      return ACKNOWLEDGED
    },
    'tasks/cancel': async call => {
      const { taskId } = await findTask(access, call)
      const end = { status: 'cancelled', statusMessage: 'The client cancelled the task' } as const
      await access.change(taskId, record => ended(record, now(), end))
      runner.stop(taskId, 'The task was cancelled')
      return ACKNOWLEDGED
    },
  }
}

/**
 * The task that a call names. A task of another principal, one that is past its time and one that never was are the same to the caller.
 *
 * @throws {RpcError} −32602; −32601 in the handshake family, where declaring the extension means nothing (SEP-2663, Backward Compatibility)
 */
export async function findTask(access: TaskAccess, call: ServerCall): Promise<TaskRecord> {
  if (call.client.features.family !== 'stateless')
    throw new RpcError(METHOD_NOT_FOUND, `Method not found: ${call.method}`)
  const { taskId } = call.params
  if (typeof taskId !== 'string') throw new RpcError(INVALID_PARAMS, `${call.method}: taskId must be a string`)
  const record = await findOwnTask(access, call, taskId)
  if (record) return record
  const message = `${call.method}: there is no task with this id for this client, or its time is over`
  throw new RpcError(INVALID_PARAMS, message)
}

/** A task of whoever sent the call, with the scopes that it needs; undefined for all others. */
export async function findOwnTask(
  access: TaskAccess,
  { auth, holds }: ServerCall,
  taskId: string,
): Promise<TaskRecord | undefined> {
  const record = await findTaskOf(access, auth, taskId)
  return !record?.scopes || !holds || holds(record.scopes) ? record : undefined
}

/** The scopes that a task of the caller needs: those of the call that started it. None for what is no task of theirs. */
export async function scopesOfTask(
  access: TaskAccess,
  { taskId }: WireObject,
  auth: AuthInfo | undefined,
): Promise<readonly string[]> {
  const record = typeof taskId === 'string' ? await findTaskOf(access, auth, taskId) : undefined
  return record?.scopes ?? []
}

async function findTaskOf(
  access: TaskAccess,
  auth: AuthInfo | undefined,
  taskId: string,
): Promise<TaskRecord | undefined> {
  const record = isRandomId(taskId) ? await access.read(taskId) : undefined
  return record?.principal === (auth?.principal ?? null) ? record : undefined
}

/** Questions with what was answered now; undefined when that is none. Keys that are not open, or not our own, are ignored. */
function answered(
  questions: Readonly<Record<string, TaskQuestion>>,
  responses: Readonly<Record<string, unknown>>,
): Readonly<Record<string, TaskQuestion>> | undefined {
  const now = Object.entries(questions).flatMap(([key, question]) =>
    question.response === undefined && Object.hasOwn(responses, key)
      ? [[key, { ...question, response: { value: responses[key] } }] as const]
      : [],
  )
  return now.length > 0 ? { ...questions, ...Object.fromEntries(now) } : undefined
}
