import { INTERNAL_ERROR, RpcError } from '../../jsonrpc/errors.ts'
import { createRoom } from '../../server/room.ts'
import { unref } from '../../server/unref.ts'

/** Calls that one endpoint runs at once; subscriptions have a limit of their own. */
export const MAX_UNDER_WAY = 10_000
/** Milliseconds between two looks at what takes too long. */
const SWEEP_MS = 1000

/** A call, as far as its end matters. */
export interface CallUnderWay {
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** Who asks; undefined where nobody is told apart. */
  readonly principal?: string | undefined
  /** A subscription: it lasts as long as the client wants. */
  readonly isSubscription: boolean
  /** Ends it; an `RpcError` is what it is answered with. */
  abort(reason: unknown): void
}

/** Everything that an endpoint runs. */
export interface CallsUnderWay {
  /** There is room for no more calls of this principal: see `Room`. */
  isFullFor(principal: string | undefined): boolean
  readonly size: number
  /** Notes a call. Returns the way to tell that it was answered. */
  begin(call: CallUnderWay): () => void
  /** Waits until everything was answered, but at most so many milliseconds; then ends the rest. */
  drain(timeoutMs: number): Promise<void>
}

/** Keeps count of calls, and ends those that run for longer than `limitMs`, whatever their handlers do. */
export function createCallsUnderWay(limitMs: number, now: () => number): CallsUnderWay {
  const calls = new Set<CallUnderWay>()
  const room = createRoom(MAX_UNDER_WAY)
  let sweeper: ReturnType<typeof setInterval> | undefined
  let onIdle: (() => void) | undefined

  const stopSweeping = (): void => {
    clearInterval(sweeper)
    sweeper = undefined
  }
  const sweep = (): void => {
    // Not when the last call ends: another one comes at once, as a rule.
    if (calls.size === 0) return stopSweeping()
    const oldest = now() - limitMs
    for (const call of calls) if (call.startedAt < oldest && !call.isSubscription) call.abort(tooLong(limitMs))
  }

  return {
    isFullFor: room.isFullFor,
    get size() {
      return calls.size
    },
    begin: call => {
      calls.add(call)
      const leave = call.isSubscription ? undefined : room.take(call.principal)
      if (!sweeper) {
        sweeper = setInterval(sweep, Math.min(SWEEP_MS, limitMs))
        unref(sweeper)
      }
      return () => {
        if (!calls.delete(call)) return
        leave?.()
        if (calls.size === 0) onIdle?.()
      }
    },
    drain: async timeoutMs => {
      if (calls.size === 0) return stopSweeping()
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, timeoutMs)
        onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      for (const call of calls) call.abort(new RpcError(INTERNAL_ERROR, 'The server is closing'))
      stopSweeping()
    },
  }
}

/** What a call that takes too long is answered with. */
function tooLong(limitMs: number): RpcError {
  return new RpcError(INTERNAL_ERROR, `The request took longer than ${limitMs} ms and was given up`)
}
