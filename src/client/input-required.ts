import { TransportError } from '../jsonrpc/errors.ts'
import { pause } from '../jsonrpc/pause.ts'
import { abortedError } from '../jsonrpc/waits.ts'
import type { InputRequiredResult, InputResponse, InputResponses } from '../protocol/input-required.ts'
import type { Interaction } from './interaction.ts'

/** How often a server may ask back before one request is answered, unless an option says otherwise. */
export const MAX_INPUT_ROUNDS = 10
/** Questions that may be asked in one round. */
const MAX_QUESTIONS = 32
/** Longest pause before a request is sent again for which nothing was asked, in milliseconds. */
const LONGEST_PAUSE_MS = 2_000

/** What a request carries when it is sent again. */
export interface InputAnswers {
  readonly inputResponses?: InputResponses
  readonly requestState?: string
}

/**
 * Answers what the server needs before it can finish: all questions of a round at once, none when one of them cannot be answered. The state
 * goes back as it came. A round without a question is a wish to wait, and is met with a growing pause.
 *
 * @throws {TransportError} `input_required` for what cannot be answered, or after too many rounds; `aborted`; and what a handler throws
 * @see MCP 2026-07-28, Multi Round-Trip Requests
 */
export async function answerInputRequired(
  { inputRequests, requestState }: InputRequiredResult,
  {
    method,
    round,
    maxRounds,
    interaction,
    signal,
  }: {
    readonly method: string
    /** From 1. */
    readonly round: number
    readonly maxRounds: number
    readonly interaction: Interaction
    readonly signal: AbortSignal
  },
): Promise<InputAnswers> {
  const questions = Object.entries(inputRequests ?? {})
  if (round > maxRounds) throw refuse(method, `asked back ${maxRounds} times without answering`)
  if (questions.length > MAX_QUESTIONS) throw refuse(method, `asked ${questions.length} questions at once`)
  for (const [, question] of questions) {
    const objection = interaction.objection(question)
    if (objection !== undefined) throw refuse(method, `${objection}, which has no handler here,`)
  }
  const state = requestState === undefined ? {} : { requestState }
  if (!inputRequests) {
    await pause(Math.min(50 * 2 ** (round - 1), LONGEST_PAUSE_MS), signal)
    if (signal.aborted) throw abortedError(method, signal)
    return state
  }
  // Side by side: one question must not wait for the answer to another.
  const answers = await Promise.all(
    questions.map(
      async ([name, question]): Promise<[string, InputResponse]> => [name, await interaction.answer(question, signal)],
    ),
  )
  if (signal.aborted) throw abortedError(method, signal)
  return { inputResponses: Object.fromEntries(answers), ...state }
}

function refuse(method: string, what: string): TransportError {
  const hint =
    'Give the client the handlers that the server needs (elicitation, sampling, roots), or call what needs no input'
  return new TransportError('input_required', `The server ${what} before it answers ${method}`, { method, hint })
}
