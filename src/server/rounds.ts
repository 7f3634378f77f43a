import { INTERNAL_ERROR, INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import type { InputRequests } from '../protocol/input-required.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import { misfitError, readAnswer, toInputRequest } from './ask-requests.ts'
import type { Ask, Asks } from './asks.ts'
import type { CallingClient, ServerCall } from './call.ts'
import type { AuthInfo } from './auth-info.ts'
import { missingCapability } from './errors.ts'
import { isNeedInput, OUTCOME } from './outcome.ts'
import type { SealedStates } from './sealed-state.ts'

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

/** The user said no. */
export class DeclinedError extends RpcError {
  constructor(ask: Ask) {
    super(
      INVALID_PARAMS,
      `The user declined: ${'message' in ask ? ask.message : 'params' in ask && 'message' in ask.params ? ask.params.message : ask.kind}`,
    )
  }
}

/** Rounds of questions that one call may have, so that no handler can ask for ever. */
const MAX_ROUNDS = 20
/** Questions of one round. */
const MAX_ASKS = 50

/** What the sealed state holds: answers as they came, and what a handler that ran had asked. */
interface Kept {
  readonly responses: Readonly<Record<string, unknown>>
  readonly rounds: number
  readonly needed?: {
    readonly requests: InputRequests
    /** Names of those that may be declined. */
    readonly mayDecline: readonly string[]
    readonly responses: Readonly<Record<string, unknown>>
    readonly state: unknown
  }
}

/** An answer of the server that asks for more. */
export interface InputRequired {
  readonly [OUTCOME]: 'input-required'
  readonly result: WireObject
}

/**
 * Asks what a call wants to know, in the way of its revision, and runs the handler once everything is answered: nested requests in the handshake
 * family, a result that asks and a request that is sent again in the stateless family. Returns what the handler returned, or the result that asks.
 *
 * @throws {DeclinedError} the user said no where that ends the call
 * @throws {RpcError} the client cannot be asked, or its state or answers cannot be used
 */
export async function runWithAnswers(
  call: ServerCall,
  states: SealedStates,
  asksOf: AsksOf | undefined,
  run: RunWithAnswers,
): Promise<unknown> {
  return call.client.features.family === 'stateless'
    ? runStateless(call, states, asksOf ?? asksNothing, run)
    : runLive(call, asksOf ?? asksNothing, run)
}

const asksNothing: AsksOf = () => undefined

async function runLive(call: ServerCall, asksOf: AsksOf, run: RunWithAnswers): Promise<unknown> {
  const answers: Record<string, unknown> = {}
  let state: unknown
  let rounds = 0
  const askAll = async (asks: Asks): Promise<boolean> => {
    const pending = pendingOf(asks, answers)
    if (pending.length === 0) return false
    if (++rounds > MAX_ROUNDS) throw tooManyRounds()
    await Promise.all(
      pending.map(async ([name, ask]) => {
        answers[name] = await askLive(call, name, ask)
      }),
    )
    return true
  }
  for (;;) {
    while (await askAll(asksOf(contextOf(call, answers)) ?? {})) {
      // Questions may depend on the answers to others.
    }
    const outcome = await run(answers, state)
    if (!isNeedInput(outcome)) return outcome
    // What was answered before may be asked anew.
    for (const name of Object.keys(outcome.asks)) delete answers[name]
    if (!(await askAll(outcome.asks)) && ++rounds > MAX_ROUNDS) throw tooManyRounds()
    state = outcome.state
  }
}

/** Asks one question while the call is under way. @throws {RpcError} the client cannot be asked, or its answer cannot be used */
export async function askLive(call: ServerCall, name: string, ask: Ask): Promise<unknown> {
  const request = toInputRequest(ask, call.client)
  if (!call.ask) throw missingCapability({}, 'this server keeps no session with the client, so that it cannot ask back')
  const response = await call.ask(request.method, request.params ?? {}, { signal: call.signal })
  const verdict = await readAnswer(ask, response)
  if (verdict.kind === 'declined') throw new DeclinedError(ask)
  if (verdict.kind === 'misfit') throw misfitError(name, verdict.reason)
  return verdict.value
}

async function runStateless(
  call: ServerCall,
  states: SealedStates,
  asksOf: AsksOf,
  run: RunWithAnswers,
): Promise<unknown> {
  const kept = await openState(call, states)
  const given = isObject(call.params['inputResponses']) ? call.params['inputResponses'] : {}
  if (kept.rounds > MAX_ROUNDS) throw tooManyRounds()

  const answers: Record<string, unknown> = {}
  const responses: Record<string, unknown> = {}
  for (let asked = true; asked; ) {
    asked = false
    const asks = asksOf(contextOf(call, answers)) ?? {}
    const open: [string, Ask][] = []
    for (const [name, ask] of pendingOf(asks, answers)) {
      const response = own(kept.responses, name) ?? own(given, name)
      const verdict = response === undefined ? undefined : await readAnswer(ask, response)
      if (verdict?.kind === 'declined') throw new DeclinedError(ask)
      if (verdict?.kind === 'answered') {
        answers[name] = verdict.value
        responses[name] = response
        asked = true
      } else open.push([name, ask])
    }
    if (open.length > 0 && !asked)
      return requireInput(call, states, toRequests(open, call), { responses, rounds: kept.rounds + 1 })
  }

  let state: unknown
  if (kept.needed) {
    const needed = await readNeeded(kept.needed, given)
    if (Object.keys(needed.open).length > 0)
      return requireInput(call, states, needed.open, {
        responses,
        rounds: kept.rounds + 1,
        needed: { ...kept.needed, responses: needed.responses },
      })
    Object.assign(answers, needed.answers)
    state = kept.needed.state
  }
  const outcome = await run(answers, state)
  if (!isNeedInput(outcome)) return outcome
  const asks = pendingOf(outcome.asks, {})
  const requests = toRequests(asks, call)
  const mayDecline = asks.flatMap(([name, ask]) => ('mayDecline' in ask && ask.mayDecline ? [name] : []))
  return requireInput(call, states, requests, {
    responses,
    rounds: kept.rounds + 1,
    needed: { requests, mayDecline, responses: {}, state: outcome.state },
  })
}

/** The answers to what a handler asked midway, judged by what was sent, for the handler's own schemas are gone by now. */
async function readNeeded(
  needed: NonNullable<Kept['needed']>,
  given: Readonly<Record<string, unknown>>,
): Promise<{ answers: Record<string, unknown>; responses: Record<string, unknown>; open: InputRequests }> {
  const answers: Record<string, unknown> = {}
  const responses: Record<string, unknown> = {}
  const open: Record<string, InputRequests[string]> = {}
  for (const [name, request] of Object.entries(needed.requests)) {
    const ask = toAsk(request, needed.mayDecline.includes(name))
    const response = own(needed.responses, name) ?? own(given, name)
    const verdict = response === undefined ? undefined : await readAnswer(ask, response)
    if (verdict?.kind === 'declined') throw new DeclinedError(ask)
    if (verdict?.kind === 'answered') {
      answers[name] = verdict.value
      responses[name] = response
    } else open[name] = request
  }
  return { answers, responses, open }
}

async function openState(call: ServerCall, states: SealedStates): Promise<Kept> {
  const sealed = call.params['requestState']
  if (sealed === undefined || sealed === null) return { responses: {}, rounds: 0 }
  const opened =
    typeof sealed === 'string'
      ? await states.open(sealed, bindingOf(call))
      : ({ ok: false, reason: 'damaged' } as const)
  if (opened.ok) return opened.payload as Kept
  const why = {
    damaged: 'it is not what this server gave out',
    expired: 'it has expired; send the request without it to begin anew',
    foreign: 'it belongs to another request or another login',
    used: 'it was used before',
  }[opened.reason]
  throw new RpcError(INVALID_PARAMS, `requestState cannot be used: ${why}`)
}

async function requireInput(
  call: ServerCall,
  states: SealedStates,
  inputRequests: InputRequests,
  kept: Kept,
): Promise<InputRequired> {
  const requestState = await states.seal(kept, bindingOf(call))
  const requests = Object.keys(inputRequests).length > 0 ? { inputRequests } : {}
  return { [OUTCOME]: 'input-required', result: { resultType: 'input_required', ...requests, requestState } }
}

function bindingOf(call: ServerCall): { principal: string; method: string; params: WireObject } {
  return { principal: call.auth?.principal ?? '', method: call.method, params: call.params }
}

function contextOf(call: ServerCall, answers: Readonly<Record<string, unknown>>): AsksContext {
  return { answers: { ...answers }, client: call.client, auth: call.auth }
}

function pendingOf(asks: Asks, answers: Readonly<Record<string, unknown>>): readonly (readonly [string, Ask])[] {
  const pending = Object.entries(asks).flatMap(([name, ask]) =>
    ask && !Object.hasOwn(answers, name) ? [[name, ask] as const] : [],
  )
  if (pending.length > MAX_ASKS) throw new RpcError(INTERNAL_ERROR, `One round asks at most ${MAX_ASKS} questions`)
  return pending
}

function toRequests(asks: readonly (readonly [string, Ask])[], call: ServerCall): InputRequests {
  return Object.fromEntries(asks.map(([name, ask]) => [name, toInputRequest(ask, call.client)]))
}

/** What a request asked, as a question whose schema is the one that was sent. */
function toAsk(request: InputRequests[string], mayDecline: boolean): Ask {
  if (request.method === 'sampling/createMessage') return { kind: 'sampling', params: request.params }
  if (request.method === 'roots/list') return { kind: 'roots' }
  const { params } = request
  if (params.mode === 'url') return { kind: 'url', params, mayDecline }
  return { kind: 'form', message: params.message, schema: { ...params.requestedSchema }, mayDecline }
}

function own(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function tooManyRounds(): RpcError {
  return new RpcError(INTERNAL_ERROR, `The call asked more than ${MAX_ROUNDS} times`)
}
