import { createBackOff } from './back-off.ts'
import { OAuthError } from './errors.ts'
import type { LoginInput } from './login.ts'
import { jitter, type SessionContext } from './session-context.ts'

/** Runs what obtains tokens for a machine, not sooner after a failure than is decent. An explicit login waits for nothing. */
export type MachineBackOff = (input: LoginInput, obtain: () => Promise<void>) => Promise<void>

/** Whatever is asked for, an outage concerns it. */
const ALL = ''

/** Creates the {@link MachineBackOff} of one session: nobody would notice that an authorization server is asked with every call. */
export function createMachineBackOff(context: SessionContext): MachineBackOff {
  const options = {
    now: context.now,
    jitter: () => jitter(context),
    onScheduled: (delayMs: number) => context.emit({ type: 'retryScheduled', step: 'login', delayMs }),
  }
  const backOff = createBackOff(options)
  // More scope that is refused says nothing about less.
  const stepUps = createBackOff(options)
  return async ({ challenge, stepUp = false, explicit = false }, obtain) => {
    const scope = challenge?.scope ?? ''
    if (!explicit) {
      backOff.assertReady(ALL)
      if (stepUp) stepUps.assertReady(scope)
    }
    try {
      await obtain()
      backOff.reset()
      if (stepUp) stepUps.reset()
    } catch (error) {
      if (!(error instanceof OAuthError) || error.code === 'aborted') throw error
      if (stepUp && error.detail.oauthError !== undefined) stepUps.failed(scope, error)
      else backOff.failed(ALL, error)
      throw error
    }
  }
}
