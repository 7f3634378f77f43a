import { INTERNAL_ERROR, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import type { InputRequest } from '../protocol/input-required.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import { toInputRequest } from './ask-requests.ts'
import type { Ask, Asks } from './asks.ts'
import type { AuthInfo } from './auth-info.ts'
import type { CallingClient, ServerCall } from './call.ts'
import { missingCapability, MissingCapabilityError } from './errors.ts'
import type { OUTCOME } from './outcome.ts'

/** What questions may depend on. */
export interface AsksContext {
  /** The answers so far, by the names of their questions. */
  readonly answers: Readonly<Record<string, unknown>>
  readonly client: CallingClient
  readonly auth: AuthInfo | undefined
}

/** Gives the questions of a call: pure, and asked again after every answer. */
export type AsksOf = (context: AsksContext) => Asks | undefined

/** Runs the handler, with every answer. */
export type RunWithAnswers = (answers: Readonly<Record<string, unknown>>, state: unknown) => Promise<unknown>

/** An answer of the server that asks for more. */
export interface InputRequired {
  readonly [OUTCOME]: 'input-required'
  readonly result: WireObject
}

/** Rounds of questions that one call may have, so that no handler can ask for ever. */
export const MAX_ROUNDS = 20
/** Questions of one round. */
const MAX_ASKS = 50
const KINDS: readonly unknown[] = ['form', 'url', 'sampling', 'roots']

/** A question by its name, as it travels. */
export interface OpenAsk {
  readonly name: string
  readonly ask: Ask
  readonly request: InputRequest
}

/** What `asks` says now. @throws {TypeError} it is none: a promise of questions would otherwise pass for none to ask */
export function questionsOf(call: ServerCall, asksOf: AsksOf, answers: Readonly<Record<string, unknown>>): Asks {
  const asks: unknown = asksOf({ answers: { ...answers }, client: call.client, auth: call.auth }) ?? {}
  return assertAsks(asks)
}

/** @throws {TypeError} not questions by name, such as `elicit(…)` makes them */
export function assertAsks(asks: unknown): Asks {
  const areAsks =
    isObject(asks) &&
    typeof asks['then'] !== 'function' &&
    Object.values(asks).every(ask => ask === undefined || (isObject(ask) && KINDS.includes(ask['kind'])))
  if (areAsks) return asks as Asks
  throw new TypeError(
    'asks should give, at once, an object of questions by name: made by elicit, elicitUrl, sample or listRoots',
  )
}

/**
 * The questions that have no answer yet, as they travel.
 *
 * @throws {RpcError} −32021 the client cannot be asked one of them, so that none is asked; −32603 there are too many
 */
export function openAsks(
  asks: Asks,
  answers: Readonly<Record<string, unknown>>,
  client: CallingClient,
): readonly OpenAsk[] {
  const pending = Object.entries(asks).flatMap(([name, ask]) =>
    ask && !Object.hasOwn(answers, name) ? [{ name, ask }] : [],
  )
  if (pending.length > MAX_ASKS) throw new RpcError(INTERNAL_ERROR, `One round asks at most ${MAX_ASKS} questions`)
  const missing: MissingCapabilityError[] = []
  const open: OpenAsk[] = []
  for (const { name, ask } of pending) {
    try {
      open.push({ name, ask, request: toInputRequest(ask, client) })
    } catch (error) {
      if (!(error instanceof MissingCapabilityError)) throw error
      missing.push(error)
    }
  }
  const [first, ...others] = missing
  if (!first) return open
  throw others.length === 0 ? first : missingAll(missing)
}

/** What a request asked, as a question whose schema is the one that was sent. */
export function askOf(request: InputRequest, mayDecline: boolean): Ask {
  if (request.method === 'sampling/createMessage') return { kind: 'sampling', params: request.params }
  if (request.method === 'roots/list') return { kind: 'roots' }
  const { params } = request
  if (params.mode === 'url') return { kind: 'url', params, mayDecline }
  return { kind: 'form', message: params.message, schema: { ...params.requestedSchema }, mayDecline }
}

/** Whether an author lets a question be declined. */
export function mayBeDeclined(ask: Ask): boolean {
  return 'mayDecline' in ask && ask.mayDecline
}

/** The error of a call that asked too often. */
export function tooManyRounds(): RpcError {
  return new RpcError(INTERNAL_ERROR, `The call asked more than ${MAX_ROUNDS} times`)
}

function missingAll(errors: readonly MissingCapabilityError[]): RpcError {
  const all: Record<string, object> = {}
  for (const { required } of errors)
    for (const [name, settings] of Object.entries(required)) all[name] = { ...all[name], ...settings }
  return missingCapability(all, [...new Set(errors.map(({ why }) => why))].join('; '))
}
