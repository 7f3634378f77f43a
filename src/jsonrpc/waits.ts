import { TransportError } from './errors.ts'
import { DEFAULT_MAX_TOTAL_TIMEOUT_MS, type WaitOptions } from './peer-options.ts'
import { type RequestTimer, startRequestTimer } from './request-timer.ts'

/** Something that waits for the other side, with its clock. */
export interface Wait {
  /** Progress was reported: the waiting time starts anew. */
  restart(): void
  /** It is over: clears the clock and stops listening to the signal. */
  stop(): void
}

/** Called at most once, when a wait ends without what it waited for. */
export type GiveUp = (error: TransportError, reason: string) => void

/** Everything that waits for the other side. */
export interface Waits {
  start(method: string, options: WaitOptions, giveUp: GiveUp): Wait
  /** Stops the clock of every wait, those to come included, until the returned function is called. Calls nest. */
  pause(): () => void
  /** Ends every wait with `closed`. */
  closeAll(cause: TransportError): void
}

/** Keeps the clocks: each wait ends by its time-out, its signal, or `closeAll`. */
export function createWaits(defaultTimeoutMs: number): Waits {
  const running = new Set<{ readonly timer: RequestTimer; close(cause: TransportError): void }>()
  let pauses = 0

  return {
    start: (method, { signal, timeoutMs = defaultTimeoutMs, maxTotalTimeoutMs }, giveUp) => {
      const end: GiveUp = (error, reason) => {
        stop()
        giveUp(error, reason)
      }
      const onAbort = (): void => end(abortedError(method, signal), 'the caller gave up')
      const timer = startRequestTimer({
        timeoutMs,
        maxTotalTimeoutMs: maxTotalTimeoutMs ?? Math.max(timeoutMs, DEFAULT_MAX_TOTAL_TIMEOUT_MS),
        onTimeout: limitMs => {
          const detail = { method, mayHaveRun: true }
          end(new TransportError('timeout', `No answer to ${method} within ${limitMs} ms`, detail), 'timed out')
        },
      })
      const close = (cause: TransportError): void => {
        const detail = { method, mayHaveRun: true }
        const message = `The connection was closed before ${method} was answered`
        end(new TransportError('closed', message, detail, { cause }), 'closed')
      }
      const entry = { timer, close }
      const stop = (): void => {
        timer.stop()
        running.delete(entry)
        signal?.removeEventListener('abort', onAbort)
      }
      running.add(entry)
      if (pauses > 0) timer.pause()
      signal?.addEventListener('abort', onAbort, { once: true })
      return { restart: timer.restart, stop }
    },
    pause: () => {
      pauses += 1
      if (pauses === 1) for (const { timer } of running) timer.pause()
      let isPaused = true
      return () => {
        if (!isPaused) return
        isPaused = false
        pauses -= 1
        if (pauses === 0) for (const { timer } of running) timer.resume()
      }
    },
    closeAll: cause => {
      for (const { close } of running) close(cause)
    },
  }
}

/** What a wait ends with when its signal is aborted: a connection that was closed says so itself. */
export function abortedError(method: string, signal: AbortSignal | undefined): TransportError {
  const reason: unknown = signal?.reason
  if (reason instanceof TransportError && reason.code === 'closed') return reason
  return new TransportError(
    'aborted',
    `The wait for ${method} was ended by its signal`,
    { method },
    { cause: signal?.reason },
  )
}

/** Waits for what somebody else has begun, but only until the signal fires; what was begun goes on. @throws {TransportError} `aborted` */
export async function waitUnlessAborted(
  begun: Promise<void>,
  method: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (!signal) return begun
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(abortedError(method, signal))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    await Promise.race([begun, aborted])
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort)
  }
}
