import { beginPendingLogin } from './begin-login.ts'
import { identifyClient } from './client-identity.ts'
import { storeLogin } from './completed-login.ts'
import { currentCredentials } from './credential-record.ts'
import type { AuthorizationTarget } from './discovery.ts'
import { finishPendingLogin, forgetPendingLogin } from './finish-login.ts'
import type { GrantContext } from './grant-strategy.ts'
import { createInteraction, type Interaction } from './interaction.ts'
import { loginScope } from './login-scope.ts'
import { takeLoginTurn } from './login-turn.ts'
import type { AuthorizationChallenge } from './protocol/challenge.ts'
import type { SessionContext } from './session-context.ts'
import { createSingleFlight } from './single-flight.ts'
import type { IssuerCredentials } from './store/credential-store.ts'
import { requestToken } from './token-request.ts'

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
  const interaction = createInteraction()
  const { grant } = context
  return {
    allowed: grant.obtain !== undefined && (context.interactive || !grant.interactive),
    async obtain(input, signal) {
      let own = false
      const task = async (flightSignal: AbortSignal): Promise<void> => {
        own = await login(context, interaction, input, flightSignal)
      }
      await flight.run(task, { signal })
      return own
    },
    join: signal => flight.join(signal),
    interaction,
    end: () => flight.end(),
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
  // A person is about to be asked: nothing about where they are sent comes from a cache (R-ASM-6).
  context.discovery.invalidate()
  const { challenge, allowLegacy = true } = input
  const record = await context.records.read()
  const target = await context.discovery.target({ challenge, record, allowLegacy, signal })
  announceException(context, target)
  if (!context.grant.interactive) {
    await obtain(context, { ...input, target, signal })
    return true
  }
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
): Promise<{ readonly credentials: IssuerCredentials | undefined; readonly base?: string; readonly asked?: string }> {
  const credentials = (await context.records.read())?.issuers[target.issuer]
  const given = { target, credentials, explicit: scope, challenged: challenge?.scope }
  const { base, authorization } = loginScope(context, given)
  const asked = context.grant.usesRedirect ? authorization : base
  return { credentials, ...(base !== undefined && { base }), ...(asked !== undefined && { asked }) }
}

interface Attempt extends LoginInput {
  readonly target: AuthorizationTarget
  readonly signal: AbortSignal
  readonly onLearned: () => void
}

async function obtainOnce(context: SessionContext, attempt: Attempt): Promise<void> {
  const { target, signal, onLearned } = attempt
  const { grant } = context
  const { credentials, base, asked } = await scopeOf(context, attempt, target)
  context.emit({
    type: 'loginStarted',
    issuer: target.issuer,
    stepUp: attempt.stepUp ?? false,
    ...(asked !== undefined && { scope: asked }),
  })
  let begun: string | undefined
  const grantContext: GrantContext = {
    server: context.server,
    target,
    ...(base !== undefined && { scope: base }),
    signal,
    preferredRedirectUris: grant.client ? [] : (credentials?.registration?.redirectUris ?? []),
    async begin(redirectUri) {
      const login = await beginPendingLogin(context, {
        target,
        redirectUri,
        explicitScope: attempt.scope,
        challengedScope: attempt.challenge?.scope,
        signal,
        onLearned,
      })
      begun = login.state
      return login
    },
    finish: parameters => finishPendingLogin(context, parameters, { signal, onLearned }),
    redeem: form => redeemDirectly(context, attempt, form, base),
  }
  if (grant.interactive) attempt.admit?.()
  try {
    await grant.obtain?.(grantContext)
  } catch (error) {
    if (begun !== undefined) await forgetPendingLogin(context, begun)
    throw error
  }
}

async function redeemDirectly(
  context: SessionContext,
  { target, signal }: Attempt,
  form: URLSearchParams,
  requestedScope: string | undefined,
): Promise<void> {
  const record = await context.records.read()
  const identity = await identifyClient(context, { target, record, scope: requestedScope, signal })
  await context.track(
    requestToken(context, target, identity, form).then(answer =>
      storeLogin(context, { issuer: target.issuer, answer, requestedScope, resource: target.resource }),
    ),
  )
}

/** Says which rules are relaxed for the issuer that a login goes to (R-EXC-1). */
export function announceException(context: SessionContext, { issuer, exception }: AuthorizationTarget): void {
  if (!exception) return
  const source = context.exceptions.includes(exception) ? 'configuration' : 'built-in table'
  context.emit({ type: 'exception', issuer, exception: exception.reason, source })
}
