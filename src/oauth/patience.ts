import { OAuthError } from './errors.ts'
import { waitFor } from './single-flight.ts'

/** Waits for what may take too long. */
export interface Patience {
  /**
   * The result of what `start` runs, undefined when it takes too long: it goes on, and until it is over nobody waits or starts again.
   * `signal` ends the caller's own wait.
   *
   * @throws {OAuthError} `aborted` by `signal`; and what `start` throws
   */
  wait<T extends object>(start: () => Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined>
}

/** Creates a {@link Patience} of so many milliseconds. */
export function createPatience(ms: number): Patience {
  let slow: Promise<unknown> | undefined
  return {
    async wait(start, signal) {
      if (slow) return undefined
      const running = start()
      const limit = AbortSignal.timeout(ms)
      try {
        return await waitFor(running, signal ? AbortSignal.any([signal, limit]) : limit)
      } catch (error) {
        const tooLong = limit.aborted && !signal?.aborted && error instanceof OAuthError && error.code === 'aborted'
        if (!tooLong) throw error
        slow = running
        const over = (): void => {
          if (slow === running) slow = undefined
        }
        running.then(over, over)
        return undefined
      }
    },
  }
}
