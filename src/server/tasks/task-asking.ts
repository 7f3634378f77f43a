import { INTERNAL_ERROR, RpcError } from '../../jsonrpc/errors.ts'
import type { InputRequest } from '../../protocol/input-required.ts'
import { misfitError, readAnswer, toInputRequest } from '../ask-requests.ts'
import type { Answers, Ask, Asks } from '../asks.ts'
import type { CallingClient } from '../call.ts'
import { DeclinedError } from '../errors.ts'
import { createRandomId } from './random-id.ts'
import type { TaskAccess } from './task-access.ts'
import type { TaskChanges } from './task-changes.ts'
import { isFinal, type TaskQuestion, type TaskRecord, withQuestions, withStatusMessage } from './task-record.ts'

/** Questions of one task that are not settled yet. */
const MAX_QUESTIONS = 50
/** Answers to one question that do not fit, before its task is told. */
const MAX_MISFITS = 10

/** What asking needs to know of the task. */
export interface AskingTask {
  readonly taskId: string
  /** Whoever the task was created for: what it declared then decides what it can be asked. */
  readonly client: CallingClient
  /** Milliseconds between two looks at the store, where an answer may have come by another process. */
  readonly pollIntervalMs: number
  readonly signal: AbortSignal
  /** Called when the task turns out to have ended elsewhere: fires the signal. */
  readonly stop: () => void
  readonly access: TaskAccess
  readonly changes: TaskChanges
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

interface OpenQuestion {
  readonly name: string
  readonly ask: Ask
  readonly key: string
  readonly request: InputRequest
  readonly misfits: number
}

/**
 * Asks the client of a task, and waits for the answers. An answer that does not fit is asked for again, under a new key: clients take a key that
 * they have answered for settled.
 *
 * @throws {RpcError} −32021: the client cannot be asked this; −32602: the user declined, or no answer fits
 * @throws the signal's reason when it fires
 */
export async function askInTask<Questions extends Asks>(
  task: AskingTask,
  asks: Questions,
): Promise<Answers<Questions>> {
  const { taskId, client, pollIntervalMs, signal, stop, access, changes, now } = task
  const answers = new Map<string, unknown>()
  let open = Object.entries(asks).flatMap(([name, ask]): OpenQuestion[] =>
    ask ? [{ name, ask, key: createRandomId(), request: toInputRequest(ask, client), misfits: 0 }] : [],
  )
  if (open.length === 0) return {} as Answers<Questions>

  /** A store that fails now may work at the next look. */
  const attempt = async <Value>(work: Promise<Value>): Promise<{ readonly value: Value } | undefined> => {
    try {
      return { value: await work }
    } catch (error) {
      task.onError(error)
      return undefined
    }
  }
  let misfitMessage: string | undefined

  async function settle(record: TaskRecord): Promise<void> {
    const round = await judge(open, record.questions ?? {})
    if (!round) return
    const written = await attempt(
      access.change(taskId, current => {
        const next = withQuestions(current, now(), replaced(current.questions, open, round.open))
        if (round.misfit !== undefined) return withStatusMessage(next, now(), round.misfit)
        if (misfitMessage === undefined || next.statusMessage !== misfitMessage) return next
        const { statusMessage: _outdated, ...rest } = next
        return rest
      }),
    )
    if (!written?.value || isFinal(written.value)) return
    misfitMessage = round.misfit === undefined ? undefined : written.value.statusMessage
    open = round.open
    for (const [name, value] of round.answers) answers.set(name, value)
  }

  signal.throwIfAborted()
  const watch = changes.watch(taskId)
  try {
    await access.change(taskId, record => {
      const questions = replaced(record.questions, [], open)
      if (Object.keys(questions).length > MAX_QUESTIONS) {
        throw new RpcError(INTERNAL_ERROR, `A task asks at most ${MAX_QUESTIONS} questions at a time`)
      }
      return withQuestions(record, now(), questions)
    })
    while (open.length > 0) {
      await watch.next(pollIntervalMs, signal)
      signal.throwIfAborted()
      const found = await attempt(access.read(taskId))
      if (!found) continue
      if (found.value && !isFinal(found.value)) await settle(found.value)
      else stop()
    }
    return Object.fromEntries(answers) as Answers<Questions>
  } finally {
    watch.stop()
    const left = open
    const withdraw = (record: TaskRecord): TaskRecord =>
      withQuestions(record, now(), replaced(record.questions, left, []))
    if (left.length > 0 && !signal.aborted) await attempt(access.change(taskId, withdraw))
  }
}

/** What the answers so far mean; undefined when none is new. @throws {RpcError} the user declined, or no answer fits */
async function judge(
  open: readonly OpenQuestion[],
  questions: Readonly<Record<string, TaskQuestion>>,
): Promise<{ open: OpenQuestion[]; answers: Map<string, unknown>; misfit?: string } | undefined> {
  const still: OpenQuestion[] = []
  const answers = new Map<string, unknown>()
  let misfit: string | undefined
  for (const question of open) {
    const response = questions[question.key]?.response
    if (!response) {
      still.push(question)
      continue
    }
    const verdict = await readAnswer(question.ask, response.value)
    if (verdict.kind === 'declined') throw new DeclinedError(question.ask)
    if (verdict.kind === 'answered') {
      answers.set(question.name, verdict.value)
      continue
    }
    const error = misfitError(question.name, verdict.reason)
    if (question.misfits + 1 >= MAX_MISFITS) throw error
    misfit = error.message
    still.push({ ...question, key: createRandomId(), misfits: question.misfits + 1 })
  }
  if (answers.size === 0 && misfit === undefined) return undefined
  return { open: still, answers, ...(misfit !== undefined && { misfit }) }
}

/** Questions without some and with others; what has been answered by now stays so. */
function replaced(
  questions: Readonly<Record<string, TaskQuestion>> = {},
  before: readonly OpenQuestion[],
  after: readonly OpenQuestion[],
): Readonly<Record<string, TaskQuestion>> {
  const gone = new Set(before.map(({ key }) => key))
  const kept = Object.entries(questions).filter(([key]) => !gone.has(key))
  return Object.fromEntries([
    ...kept,
    ...after.map(({ key, request }) => [key, questions[key] ?? { request }] as const),
  ])
}
