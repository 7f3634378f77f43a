import type { Answers, Asks } from './asks.ts'
import type { ServerCall } from './call.ts'
import { missingCapability } from './errors.ts'
import { askAllLive } from './live-rounds.ts'
import type { TaskStart } from './task-runner.ts'
import { TASKS_EXTENSION } from '../protocol/tasks.ts'

/** Runs a task's work while the client waits, for clients without the tasks extension. What the work throws is thrown. */
export async function runWithinCall(call: ServerCall, { work }: TaskStart): Promise<unknown> {
  return work({
    signal: call.signal,
    status: () => undefined,
    ask: async <Questions extends Asks>(asks: Questions): Promise<Answers<Questions>> => {
      if (!call.ask)
        throw missingCapability(
          { extensions: { [TASKS_EXTENSION]: {} } },
          'this work asks while it runs, which only a task can',
        )
      return (await askAllLive(call, asks)) as Answers<Questions>
    },
  })
}
