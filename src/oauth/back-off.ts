import { OAuthError } from './errors.ts'

const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 60_000

/** Keeps a failing token endpoint from being asked again too soon (field T12). In memory: another process finds out for itself. */
export interface BackOff {
  /** @throws {OAuthError} the last failure of `subject`, with the time still to wait as `detail.retryAfterMs` */
  assertReady(subject: string): void
  /** Notes a failure: the server's `Retry-After` if it named one, else twice as long as before, up to a minute, with jitter. */
  failed(subject: string, error: OAuthError): void
  reset(): void
}

/** Creates a {@link BackOff} for one subject at a time; another subject starts anew. */
export function createBackOff({ now, jitter }: { readonly now: () => number; readonly jitter: () => number }): BackOff {
  let state:
    | { readonly subject: string; readonly failures: number; readonly until: number; readonly error: OAuthError }
    | undefined
  return {
    assertReady(subject) {
      const remainingMs = state?.subject === subject ? state.until - now() : 0
      if (!state || remainingMs <= 0) return
      const { code, message, detail } = state.error
      throw new OAuthError(code, message, { ...detail, retryAfterMs: remainingMs }, { cause: state.error })
    },
    failed(subject, error) {
      const failures = state?.subject === subject ? state.failures + 1 : 1
      const growing = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LONGEST_DELAY_MS) * (0.5 + jitter() / 2)
      state = { subject, failures, until: now() + (error.detail.retryAfterMs ?? growing), error }
    },
    reset() {
      state = undefined
    },
  }
}
