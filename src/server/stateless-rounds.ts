import { INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import { isObject } from '../jsonrpc/message.ts'
import type { InputRequest, InputRequests } from '../protocol/input-required.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import { readAnswer } from './ask-requests.ts'
import type { Ask } from './asks.ts'
import type { CallingClient, ServerCall } from './call.ts'
import { DeclinedError } from './errors.ts'
import { isNeedInput, OUTCOME } from './outcome.ts'
import { digestOfQuestion } from './question-digest.ts'
import {
  askOf,
  type AsksOf,
  assertAsks,
  type InputRequired,
  MAX_ROUNDS,
  mayBeDeclined,
  openAsks,
  questionsOf,
  type RunWithAnswers,
  tooManyRounds,
} from './round.ts'
import type { SealedStates } from './sealed-state.ts'

type Answers = Readonly<Record<string, unknown>>

/** For whoever runs the server: the likeliest reason by far. */
const UNKNOWN_STATE =
  'The answer to a question came with a requestState that this process did not seal. Where several processes answer for one address, or one was restarted, give createServer of each the same stateKey (32 random bytes).'

/** What the sealed state holds. */
interface Kept {
  readonly rounds: number
  /** What `asks` has asked, by name: a digest of each question, so that an answer never counts for another one. */
  readonly asked: Readonly<Record<string, string>>
  /** Answers to what `asks` has asked, as they came. */
  readonly responses: Answers
  /** What a handler that ran asked. */
  readonly needed?: Needed | undefined
  /** Answers to what it had asked before that. */
  readonly earlier?: Answers | undefined
}

interface Needed {
  readonly requests: InputRequests
  /** Names of those that may be declined. */
  readonly mayDecline: readonly string[]
  readonly responses: Answers
  readonly state: unknown
}

/** Asks in the way of the stateless family: by a result that asks, and a request that is sent again with the answers. */
export async function runStateless(
  call: ServerCall,
  states: SealedStates,
  asksOf: AsksOf,
  run: RunWithAnswers,
): Promise<unknown> {
  const opened = await openState(call, states)
  const kept = opened ?? { rounds: 0, asked: {}, responses: {} }
  const given = isObject(call.params['inputResponses']) ? call.params['inputResponses'] : {}
  const ask = (requests: InputRequests, next: Omit<Kept, 'rounds'>): Promise<InputRequired> =>
    requireInput(call, states, requests, { ...next, rounds: kept.rounds + 1 })

  const settled = await settleAsks(call, asksOf, kept, (name, digest) => {
    // Who sends answers before it was asked has made up its mind; but where every answer counts once, each needs a state to be counted by.
    if (!opened) return states.areClaimed ? undefined : own(given, name)
    return own(kept.asked, name) === digest ? own(given, name) : undefined
  })
  const { asked, responses, answers, open } = settled
  if (Object.keys(open).length > 0) return ask(open, { ...kept, asked, responses })

  let earlier = kept.earlier ?? {}
  if (kept.needed) {
    const { needed } = kept
    const read = await readNeeded(needed, given, call.client)
    if (Object.keys(read.open).length > 0)
      return ask(read.open, { ...kept, asked, responses, needed: { ...needed, responses: read.responses } })
    earlier = { ...earlier, ...read.answers }
  }
  const outcome = await run({ ...answers, ...earlier }, kept.needed?.state)
  if (!isNeedInput(outcome)) return outcome
  const needs = openAsks(assertAsks(outcome.asks), {}, call.client)
  const requests = Object.fromEntries(needs.map(({ name, request }) => [name, request]))
  const mayDecline = needs.flatMap(({ name, ask: question }) => (mayBeDeclined(question) ? [name] : []))
  const needed: Needed = { requests, mayDecline, responses: {}, state: outcome.state }
  return ask(requests, { asked, responses, needed, earlier })
}

/** Reads answers to what `asks` asks, until it asks no more or what it asks has no answer. */
async function settleAsks(
  call: ServerCall,
  asksOf: AsksOf,
  kept: Kept,
  givenFor: (name: string, digest: string) => unknown,
): Promise<{ asked: Record<string, string>; responses: Answers; answers: Answers; open: InputRequests }> {
  const asked: Record<string, string> = {}
  const responses: Record<string, unknown> = {}
  const answers: Record<string, unknown> = {}
  for (;;) {
    const open: Record<string, InputRequest> = {}
    let hasNew = false
    for (const { name, ask, request } of openAsks(questionsOf(call, asksOf, answers), answers, call.client)) {
      const digest = await digestOfQuestion(request)
      asked[name] = digest
      const before = own(kept.asked, name) === digest ? own(kept.responses, name) : undefined
      const response = before ?? givenFor(name, digest)
      const verdict = response === undefined ? undefined : await readAnswer(ask, response)
      if (verdict?.kind === 'declined') throw new DeclinedError(ask)
      if (verdict?.kind === 'answered') {
        answers[name] = verdict.value
        responses[name] = response
        hasNew = true
      } else open[name] = request
    }
    // Questions may depend on the answers to others.
    if (!hasNew) return { asked, responses, answers, open }
  }
}

/**
 * The answers to what a handler asked midway, judged by what was sent, for the author's own schemas are gone by now.
 *
 * @throws {RpcError} −32021: what must be asked again, the client cannot be asked any more: every request says anew what it declares
 */
async function readNeeded(
  needed: Needed,
  given: Answers,
  client: CallingClient,
): Promise<{ answers: Answers; responses: Answers; open: InputRequests }> {
  const answers: Record<string, unknown> = {}
  const responses: Record<string, unknown> = {}
  const unanswered: Record<string, Ask> = {}
  for (const [name, request] of Object.entries(needed.requests)) {
    const ask = askOf(request, needed.mayDecline.includes(name))
    const response = own(needed.responses, name) ?? own(given, name)
    const verdict = response === undefined ? undefined : await readAnswer(ask, response)
    if (verdict?.kind === 'declined') throw new DeclinedError(ask)
    if (verdict?.kind === 'answered') {
      answers[name] = verdict.value
      responses[name] = response
    } else unanswered[name] = ask
  }
  const open = openAsks(unanswered, {}, client).map(({ name, request }) => [name, request] as const)
  return { answers, responses, open: Object.fromEntries(open) }
}

async function openState(call: ServerCall, states: SealedStates): Promise<Kept | undefined> {
  const sealed = call.params['requestState']
  if (sealed === undefined || sealed === null) return undefined
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
  const options = opened.reason === 'damaged' ? { cause: new Error(UNKNOWN_STATE) } : {}
  throw new RpcError(INVALID_PARAMS, `requestState cannot be used: ${why}`, options)
}

async function requireInput(
  call: ServerCall,
  states: SealedStates,
  inputRequests: InputRequests,
  kept: Kept,
): Promise<InputRequired> {
  if (kept.rounds > MAX_ROUNDS) throw tooManyRounds()
  const requestState = await states.seal(kept, bindingOf(call))
  const requests = Object.keys(inputRequests).length > 0 ? { inputRequests } : {}
  return { [OUTCOME]: 'input-required', result: { resultType: 'input_required', ...requests, requestState } }
}

function bindingOf(call: ServerCall): { principal: string; method: string; params: WireObject } {
  return { principal: call.auth?.principal ?? '', method: call.method, params: call.params }
}

function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
