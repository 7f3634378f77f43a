import type { ServerCall } from './call.ts'
import { runLive } from './live-rounds.ts'
import type { AsksOf, RunWithAnswers } from './round.ts'
import type { SealedStates } from './sealed-state.ts'
import { runStateless } from './stateless-rounds.ts'

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
