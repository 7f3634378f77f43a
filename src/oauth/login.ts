import { currentCredentials, withLogin } from './credential-record.ts'
import type { AuthorizationTarget } from './discovery.ts'
import { runGrant } from './grant-attempt.ts'
import { createInteraction, type Interaction } from './interaction.ts'
import { loginScope } from './login-scope.ts'
import { takeLoginTurn } from './login-turn.ts'
import { loginInstead } from './machine-login.ts'
import { createMachineBackOff } from './machine-back-off.ts'
import type { AuthorizationChallenge } from './protocol/challenge.ts'
import { randomId, type SessionContext } from './session-context.ts'
import { createSingleFlight } from './single-flight.ts'
import type { IssuerCredentials, StoredGrant } from './store/credential-store.ts'
import { createSubjectTokens } from './subject-token.ts'

/** Why and for what a login is made. */
export interface LoginInput {
  /** Asked for explicitly. */
  readonly scope?: string | undefined
  readonly challenge?: AuthorizationChallenge | undefined
  readonly stepUp?: boolean
  /** The login that does not serve any more. Another one found in the store instead is used. Default: the one stored when it begins. */
  readonly seen?: { readonly grantId: string | undefined }
  /** Ask, whoever else is asking. Default false. */
  readonly alone?: boolean
  /** The application asks for a login by name; it may take the place of any other. Default false. */
  readonly explicit?: boolean
  /** Somebody waits who may be disturbed, so that a person may be asked on behalf of a grant that mostly needs none. Default false. */
  readonly mayAsk?: boolean
  /** What the grant's `subjectToken` gave. */
  readonly subjectToken?: string | undefined
  /** Asked before a person is: throws when there were enough attempts. */
  readonly admit?: () => void
  /** False where nothing proves that the server wants OAuth at all. Default true. */
  readonly allowLegacy?: boolean
}

/** Runs the grant of a session, one at a time. */
export interface Logins {
  /** Whether a login could be made here: the grant can obtain tokens, and needs no person or may ask one. */
  readonly allowed: boolean
  /**
   * Obtains a new grant, or waits for the login under way and its result, be it in another process: one browser window however many
   * requests and processes need it (field A18, M8). Resolves to false when it was another login, which may have asked for something else.
   *
   * @throws {OAuthError}
   */
  obtain(input: LoginInput, signal?: AbortSignal): Promise<boolean>
  /** Waits for the login under way, if there is one, and its result; false when there is none. @throws {OAuthError} */
  join(signal?: AbortSignal): Promise<boolean>
  readonly interaction: Interaction
  /** Gives up the login under way and waits until it has cleaned up. Never rejects. */
  end(): Promise<void>
}

/** Creates the {@link Logins} of one session. */
export function createLogins(context: SessionContext): Logins {
  const flight = createSingleFlight<void>({ cancellable: true })
  const backOff = createMachineBackOff(context)
  const interaction = createInteraction()
  const subjects = createSubjectTokens(context, interaction)
  const { grant } = context

  /** What took the place of a token that was refused. No person is asked: callers who may not ask wait for this flight, too. */
  async function anotherSubject(
    input: LoginInput,
    refused: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (refused === undefined || signal.aborted || grant.refusesSubjectToken?.(refused) !== true) return undefined
    const another = await subjects.get({ ...input, mayAsk: false }, signal).catch(() => undefined)
    return another === refused ? undefined : another
  }

  return {
    allowed: (grant.obtain ?? grant.supply) !== undefined && (context.interactive || !grant.interactive),
    async obtain(input, signal) {
      let own = false
      const subjectToken = grant.subjectToken && (await subjects.get(input, signal))
      const task = async (flightSignal: AbortSignal): Promise<void> => {
        try {
          own = await login(context, interaction, { ...input, subjectToken }, flightSignal)
        } catch (error) {
          const another = await anotherSubject(input, subjectToken, flightSignal)
          if (another === undefined) throw error
          own = await login(context, interaction, { ...input, subjectToken: another }, flightSignal)
        }
      }
      const machine = (flightSignal: AbortSignal): Promise<void> => backOff(input, () => task(flightSignal))
      await flight.run(grant.interactive ? task : machine, { signal })
      return own
    },
    join: signal => flight.join(signal),
    interaction,
    async end() {
      await Promise.all([subjects.end(), flight.end()])
    },
  }
}

/** How often a login is repeated without what was refused. */
const MAX_RETRIES = 2

/** Resolves to false when another process logged in. */
async function login(
  context: SessionContext,
  interaction: Interaction,
  input: LoginInput,
  signal: AbortSignal,
): Promise<boolean> {
  if (context.grant.supply) return supplyToken(context, signal)
  // A person is about to be asked: nothing about where they are sent comes from a cache (R-ASM-6).
  if (context.grant.interactive) context.discovery.invalidate()
  const { challenge, allowLegacy = true } = input
  const record = await context.records.read()
  const target = await context.discovery.target({ challenge, record, allowLegacy, signal })
  announceException(context, target)
  if (!context.grant.interactive) return obtainWithoutPerson(context, { ...input, target, signal })
  const { seen = { grantId: currentCredentials(record)?.credentials.grant?.grantId }, alone = false } = input
  const { asked: scope } = await scopeOf(context, input, target)
  // While another process asks, the clocks of the calls stand still as they do for a person who is asked here.
  const leave = interaction.enter()
  try {
    const turn = await takeLoginTurn(context, { issuer: target.issuer, scope, seen, alone }, signal)
    if (!turn) return false
    try {
      await obtain(context, { ...input, target, signal })
      return true
    } finally {
      await turn.end()
    }
  } finally {
    leave()
  }
}

/**
 * Obtains tokens for a machine: under the lock of the record, so that one request serves every process (R-CC-3). A person's login is replaced
 * only on demand.
 */
async function obtainWithoutPerson(context: SessionContext, attempt: Omit<Attempt, 'onLearned'>): Promise<boolean> {
  const run = async (): Promise<boolean> => {
    const instead = loginInstead(context, await context.records.read(), attempt)
    if (instead) context.emit({ type: 'adopted', ...instead })
    else await obtain(context, attempt)
    return !instead
  }
  return context.store.withLock(context.key, run, { signal: attempt.signal })
}

/** Stores what the application supplied, in memory only. */
async function supplyToken(context: SessionContext, signal: AbortSignal): Promise<boolean> {
  const { supply } = context.grant
  if (!supply) return false
  const { accessToken, expiresAt, scope } = await supply({ server: context.server, signal })
  const grant: StoredGrant = {
    grantId: randomId(context),
    accessToken,
    tokenType: 'Bearer',
    obtainedAt: context.now(),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(scope !== undefined && { scope }),
    withoutPerson: true,
  }
  const issuer = new URL(context.server).origin
  await context.records.update(record => withLogin(record, { issuer, grant }))
  return true
}

async function obtain(context: SessionContext, attempt: Omit<Attempt, 'onLearned'>): Promise<void> {
  for (let retries = 0; ; retries++) {
    let learned = false
    try {
      await obtainOnce(context, { ...attempt, onLearned: () => (learned = true) })
      return
    } catch (error) {
      if (retries === MAX_RETRIES || !learned || attempt.signal.aborted) throw error
    }
  }
}

/** What the login asks for, as it is known now. */
async function scopeOf(
  context: SessionContext,
  { scope, challenge }: LoginInput,
  target: AuthorizationTarget,
): Promise<{ readonly credentials: IssuerCredentials | undefined; readonly asked?: string }> {
  const credentials = (await context.records.read())?.issuers[target.issuer]
  const given = { target, credentials, explicit: scope, challenged: challenge?.scope }
  const { base, authorization } = loginScope(context, given)
  const asked = context.grant.interactive ? authorization : base
  return { credentials, ...(asked !== undefined && { asked }) }
}

interface Attempt extends LoginInput {
  readonly target: AuthorizationTarget
  readonly signal: AbortSignal
  readonly onLearned: () => void
}

async function obtainOnce(context: SessionContext, attempt: Attempt): Promise<void> {
  const { target, challenge, signal, onLearned } = attempt
  const { credentials, asked: scope } = await scopeOf(context, attempt, target)
  context.emit({
    type: 'loginStarted',
    issuer: target.issuer,
    stepUp: attempt.stepUp ?? false,
    ...(scope !== undefined && { scope }),
  })
  if (context.grant.interactive) attempt.admit?.()
  const { scope: explicitScope, explicit = false, subjectToken } = attempt
  const asked = { explicitScope, explicit, scope }
  await runGrant(context, { target, challenge, credentials, ...asked, subjectToken, signal, onLearned })
}

/** Says which rules are relaxed for the issuer that a login goes to (R-EXC-1). */
export function announceException(context: SessionContext, { issuer, exception }: AuthorizationTarget): void {
  if (!exception) return
  const source = context.exceptions.includes(exception) ? 'configuration' : 'built-in table'
  context.emit({ type: 'exception', issuer, exception: exception.reason, source })
}
