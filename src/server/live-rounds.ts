import { INTERNAL_ERROR, RpcError } from '../jsonrpc/errors.ts'
import { misfitError, readAnswer, toInputRequest } from './ask-requests.ts'
import type { Ask, Asks } from './asks.ts'
import type { ServerCall } from './call.ts'
import { DeclinedError, missingCapability } from './errors.ts'
import { isNeedInput } from './outcome.ts'
import {
  askOf,
  type AsksOf,
  assertAsks,
  MAX_ROUNDS,
  mayBeDeclined,
  type OpenAsk,
  openAsks,
  questionsOf,
  type RunWithAnswers,
  tooManyRounds,
} from './round.ts'

/** Asks in the way of the handshake family: by requests of the server's own while the call is under way. */
export async function runLive(call: ServerCall, asksOf: AsksOf, run: RunWithAnswers): Promise<unknown> {
  const answers: Record<string, unknown> = {}
  const needed: Record<string, unknown> = {}
  let state: unknown
  let rounds = 0
  const askAll = async (open: readonly OpenAsk[]): Promise<Readonly<Record<string, unknown>>> => {
    if (++rounds > MAX_ROUNDS) throw tooManyRounds()
    return askTogether(call, open)
  }
  for (;;) {
    const open = openAsks(questionsOf(call, asksOf, answers), answers, call.client)
    if (open.length === 0) break
    // Questions may depend on the answers to others.
    Object.assign(answers, await askAll(open))
  }
  for (;;) {
    const outcome = await run({ ...answers, ...needed }, state)
    if (!isNeedInput(outcome)) return outcome
    // Judged by what is sent, as in the other family, where the author's own schema is gone when the answers come.
    const open = openAsks(assertAsks(outcome.asks), {}, call.client).map(({ name, ask, request }) => ({
      name,
      ask: askOf(request, mayBeDeclined(ask)),
      request,
    }))
    Object.assign(needed, await askAll(open))
    state = outcome.state
  }
}

/**
 * Asks one question while the call is under way.
 *
 * @throws {DeclinedError} the user said no where that ends the call
 * @throws {RpcError} the client cannot be asked, or its answer cannot be used
 */
export async function askLive(call: ServerCall, name: string, ask: Ask): Promise<unknown> {
  return askOne(call, { name, ask, request: toInputRequest(ask, call.client) }, call.signal)
}

/** Asks several questions at once. When one of them ends the call, the others are taken back. @throws as {@link askLive} */
export async function askAllLive(call: ServerCall, asks: Asks): Promise<Readonly<Record<string, unknown>>> {
  return askTogether(call, openAsks(asks, {}, call.client))
}

async function askTogether(call: ServerCall, open: readonly OpenAsk[]): Promise<Readonly<Record<string, unknown>>> {
  const over = new AbortController()
  const signal = AbortSignal.any([call.signal, over.signal])
  try {
    const answered = open.map(async each => [each.name, await askOne(call, each, signal)] as const)
    return Object.fromEntries(await Promise.all(answered))
  } finally {
    over.abort()
  }
}

async function askOne(call: ServerCall, { name, ask, request }: OpenAsk, signal: AbortSignal): Promise<unknown> {
  if (!call.ask) throw missingCapability({}, 'this server keeps no session with the client, so that it cannot ask back')
  let response: unknown
  try {
    response = await call.ask(request.method, request.params ?? {}, { signal })
  } catch (error) {
    if (!(error instanceof RpcError)) throw error
    // The code is about the server's question; as the answer to the client's own request it would mean something else.
    const { code, message } = error
    throw new RpcError(INTERNAL_ERROR, `The client could not answer ${name.slice(0, 80)}: ${message}`, {
      data: { method: request.method, code },
    })
  }
  const verdict = await readAnswer(ask, response)
  if (verdict.kind === 'declined') throw new DeclinedError(ask)
  if (verdict.kind === 'misfit') throw misfitError(name, verdict.reason)
  return verdict.value
}
