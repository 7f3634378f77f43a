import { OAuthError } from './errors.ts'

const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 60_000

/** Keeps a failing token endpoint from being asked again too soon (field T12). In memory: another process finds out for itself. */
export interface BackOff {
  /** @throws {OAuthError} the last failure of `subject`, with the time still to wait as `detail.retryAfterMs` */
  assertReady(subject: string): void
  /**
   * Notes a failure: the server's `Retry-After` if it named one, else twice as long as before, up to a minute, with jitter. Returns
   * how often in a row the same OAuth error was the reason; 0 for failures that name none.
   */
  failed(subject: string, error: OAuthError): number
  reset(): void
}

/** What a back-off needs from its session. */
interface BackOffOptions {
  readonly now: () => number
  readonly jitter: () => number
  /** Told how long a failure makes everybody wait. */
  readonly onScheduled: (delayMs: number) => void
}

/** Creates a {@link BackOff} for one subject at a time; another subject starts anew. */
export function createBackOff({ now, jitter, onScheduled }: BackOffOptions): BackOff {
  let state:
    | {
        readonly subject: string
        readonly failures: number
        readonly refusals: number
        readonly since: number
        readonly until: number
        readonly error: OAuthError
      }
    | undefined
  return {
    assertReady(subject) {
      if (state?.subject !== subject) return
      const remainingMs = state.until - now()
      // A clock that was set back must not make the wait longer than it was meant to be.
      if (remainingMs <= 0 || now() < state.since) return
      const { code, message, detail } = state.error
      throw new OAuthError(code, message, { ...detail, retryAfterMs: remainingMs }, { cause: state.error })
    },
    failed(subject, error) {
      const failures = state?.subject === subject ? state.failures + 1 : 1
      const growing = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LONGEST_DELAY_MS) * (0.5 + jitter() / 2)
      const code = error.detail.oauthError
      const repeated = state?.subject === subject && state.error.detail.oauthError === code ? state.refusals : 0
      const refusals = code === undefined ? 0 : repeated + 1
      const since = now()
      const delayMs = error.detail.retryAfterMs ?? growing
      state = { subject, failures, refusals, since, until: since + delayMs, error }
      onScheduled(delayMs)
      return refusals
    },
    reset() {
      state = undefined
    },
  }
}
