import { createBackOff } from './back-off.ts'
import { OAuthError } from './errors.ts'
import type { Interaction } from './interaction.ts'
import type { LoginInput } from './login.ts'
import { loginInstead } from './machine-login.ts'
import { jitter, type SessionContext } from './session-context.ts'
import { createSingleFlight, type SingleFlight } from './single-flight.ts'

/** Whatever is asked for, an outage concerns it. */
const ALL = ''

/** Gets the token that says for whom a grant is to obtain tokens. */
export interface SubjectTokens {
  /** Undefined where the grant needs none, or another login makes one needless. @throws {OAuthError} */
  get(input: LoginInput, signal: AbortSignal | undefined): Promise<string | undefined>
  /** Gives up what is under way. Never rejects. */
  end(): Promise<void>
}

/**
 * Creates the {@link SubjectTokens} of one session. They are got before the record is locked: a person may have to log in for them, which
 * takes minutes, and the clocks of the calls stand still meanwhile. Those who may not ask a person never wait for one who is asked.
 */
export function createSubjectTokens(context: SessionContext, interaction: Interaction): SubjectTokens {
  const { grant } = context
  const backOff = createBackOff({
    now: context.now,
    jitter: () => jitter(context),
    onScheduled: delayMs => context.emit({ type: 'retryScheduled', step: 'login at the identity provider', delayMs }),
  })
  const flights: Readonly<Record<'asking' | 'quiet', SingleFlight<string | undefined>>> = {
    asking: createSingleFlight({ cancellable: true }),
    quiet: createSingleFlight({ cancellable: true }),
  }
  return {
    async get(input, signal) {
      const { challenge, allowLegacy = true, explicit = false, mayAsk = false, admit } = input
      if (!grant.subjectToken) return undefined
      const interactive = mayAsk && context.interactive
      const run = async (flightSignal: AbortSignal): Promise<string | undefined> => {
        if (!explicit) backOff.assertReady(ALL)
        try {
          // Nobody is disturbed for a server that could not be served anyway, or is served already.
          const record = await context.records.read()
          await context.discovery.target({ challenge, record, allowLegacy, signal: flightSignal })
          if (loginInstead(context, await context.records.read(), input)) return undefined
          const asking = (): (() => void) => {
            admit?.()
            return interaction.enter()
          }
          const token = await grant.subjectToken?.({ signal: flightSignal, interactive, asking })
          backOff.reset()
          return token
        } catch (error) {
          // That a person must be asked is no failure to wait out: the next caller may be one who can ask.
          const counts = error instanceof OAuthError && error.code !== 'aborted' && error.code !== 'login_required'
          if (counts) backOff.failed(ALL, error)
          throw error
        }
      }
      return flights[interactive ? 'asking' : 'quiet'].run(run, { signal })
    },
    async end() {
      await Promise.all([flights.asking.end(), flights.quiet.end()])
    },
  }
}
