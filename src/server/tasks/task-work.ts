import { RpcError } from '../../jsonrpc/errors.ts'
import type { JsonRpcErrorObject } from '../../jsonrpc/message.ts'
import type { WireObject } from '../../protocol/revisions/family.ts'
import { isGivenUp } from '../given-up.ts'
import type { Outcome, TaskStart } from '../task-runner.ts'
import { type AskingTask, askInTask } from './task-asking.ts'
import { failure, type TaskEnd, withStatusMessage } from './task-record.ts'

/** Makes the tool's result of what its work returned or threw. @throws {RpcError} the task is to fail */
export type ToResult = (outcome: Outcome) => Promise<WireObject>

/** Runs the work of one task and says how it ended. Never rejects; what it could not tell the client goes to `onError`. */
export async function runTaskWork(task: AskingTask, work: TaskStart['work'], toResult: ToResult): Promise<TaskEnd> {
  const { taskId, signal, access, now, onError } = task
  let message: string | undefined
  let isWriting = false

  /** One write at a time, and only of what was said last: messages may come faster than a store can write. */
  async function writeStatus(): Promise<void> {
    if (isWriting) return
    isWriting = true
    try {
      while (message !== undefined) {
        const said: string = message
        message = undefined
        await access.change(taskId, record => withStatusMessage(record, now(), said))
      }
    } catch (error) {
      onError(error)
    } finally {
      isWriting = false
    }
  }

  async function run(): Promise<Outcome> {
    try {
      const value = await work({
        signal,
        status: said => {
          message = said
          void writeStatus()
        },
        ask: asks => askInTask(task, asks),
      })
      return { value }
    } catch (error) {
      return { error }
    }
  }

  const outcome = await run()
  message = undefined
  // Whoever stopped it has written why, and that stays.
  if ('error' in outcome && isGivenUp(outcome.error, signal))
    return { status: 'cancelled', statusMessage: 'The work was stopped' }
  try {
    return { status: 'completed', result: asJson(await toResult(outcome)) }
  } catch (error) {
    if (error instanceof RpcError)
      return { status: 'failed', error: toErrorObject(error), statusMessage: error.message }
    onError(error)
    return failure('The task failed for a reason of its own')
  }
}

/** A copy that the tool cannot change any more, of what JSON can carry. @throws what JSON cannot carry */
function asJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value
}

function toErrorObject({ code, message, data }: RpcError): JsonRpcErrorObject {
  try {
    return { code, message, ...(data !== undefined && { data: asJson(data) }) }
  } catch {
    return { code, message }
  }
}
