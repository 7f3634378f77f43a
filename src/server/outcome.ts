import { isObject } from '../jsonrpc/message.ts'
import type { NeedInput } from './asks.ts'
import type { InputRequired } from './round.ts'
import type { TaskStart } from './task-runner.ts'

/** Marks what a handler returns besides results: a symbol, so that data from elsewhere cannot pass for it. */
export const OUTCOME: unique symbol = Symbol('outcome')

/** Whether a handler ended with questions. */
export function isNeedInput(value: unknown): value is NeedInput {
  return kindOf(value) === 'need-input'
}

/** Whether a handler goes on as a task. */
export function isTaskStart(value: unknown): value is TaskStart {
  return kindOf(value) === 'task'
}

/** Whether the call ends with a result that asks. */
export function isInputRequired(value: unknown): value is InputRequired {
  return kindOf(value) === 'input-required'
}

function kindOf(value: unknown): unknown {
  return isObject(value) ? (value as { readonly [OUTCOME]?: unknown })[OUTCOME] : undefined
}
