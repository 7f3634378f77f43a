import { OAuthError } from './errors.ts'

/** The caller gave the login up. */
export function loginGivenUp(): OAuthError {
  return new OAuthError('aborted', 'The login was given up.', { step: 'authorization' })
}

/**
 * Rejects when the caller gives the login up. It never resolves, for a race with what a person does; `ended` lets go of the caller's signal.
 *
 * @throws {OAuthError} `aborted`
 */
export function whenLoginGivenUp(signal: AbortSignal | undefined, ended: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(loginGivenUp())
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop, { once: true })
    ended.addEventListener('abort', () => signal?.removeEventListener('abort', stop), { once: true })
  })
}
