import { loginRequired } from './challenge-errors.ts'
import { needsLogin, needsNoRefresh } from './challenge-recovery.ts'
import { isForeignGrant } from './client-identity.ts'
import { currentCredentials } from './credential-record.ts'
import { OAuthError } from './errors.ts'
import type { Logins } from './login.ts'
import { createPatience } from './patience.ts'
import { isLocked, type Refresher } from './refresh.ts'
import { jitter, type SessionContext } from './session-context.ts'
import type { CredentialRecord, IssuerCredentials, StoredGrant } from './store/credential-store.ts'
import { isExpired, isExpiring, isRefreshable } from './token-lifetime.ts'

/** The stored grant, and why it could not be kept fresh. */
export interface KeptGrant {
  readonly grant?: StoredGrant | undefined
  readonly failure?: OAuthError
}

/**
 * How long a token of this session may go on being used after another process logged out, logged in again or stepped up, in milliseconds.
 * Between two looks at the store a request costs no read.
 */
const LOOK_AGAIN_MS = 1_000
/** How long a request waits for a newer token while its own still works, in milliseconds; the token request itself goes on. */
const PATIENCE_MS = 1_000

/** Gives out the stored token, fresh. */
export interface TokenAccess {
  /**
   * The grant to send, refreshed if it was about to expire; none without a login, with the reason if it was just lost. May be expired
   * when nothing can be done about it here.
   *
   * @throws {OAuthError}
   */
  current(signal?: AbortSignal): Promise<KeptGrant>
  /** A token that is valid now. Never asks a person. @throws {OAuthError} `login_required` */
  valid(signal?: AbortSignal): Promise<string>
}

/** Creates the {@link TokenAccess} of one session. */
export function createTokenAccess({
  context,
  logins,
  refresher,
}: {
  readonly context: SessionContext
  readonly logins: Logins
  readonly refresher: Refresher
}): TokenAccess {
  const ownJitter = jitter(context)
  const expiring = (grant: StoredGrant): boolean => isExpiring(grant, context.now(), ownJitter)

  const patience = createPatience(PATIENCE_MS)

  let lookedAt = Number.NEGATIVE_INFINITY

  /** The record as this session knows it, at most {@link LOOK_AGAIN_MS} old: others log out, too (field M11, L11). */
  async function seenLately(): Promise<CredentialRecord | undefined> {
    const snapshot = context.records.snapshot()
    const now = context.now()
    if (!snapshot || Math.abs(now - lookedAt) < LOOK_AGAIN_MS) return snapshot
    lookedAt = now
    // A store that cannot be read just now must not stop a token that works; when the token ends, it is an error.
    return context.records.read().catch(() => snapshot)
  }

  async function keep(signal: AbortSignal | undefined): Promise<KeptGrant> {
    const seen = usable(context, await seenLately())?.grant
    if (seen && !expiring(seen) && !(await lostKey(seen))) return { grant: seen }
    const credentials = usable(context, await context.records.read())
    const grant = credentials?.grant
    const failure = grant && (await lostKey(grant))
    if (failure) return { grant: undefined, failure }
    if (!context.grant.interactive && (grant ? expiring(grant) && !isRefreshable(credentials) : context.grant.supply))
      return obtainAgain(grant, signal)
    if (!credentials || !grant || !expiring(grant) || !isRefreshable(credentials)) return { grant }
    const live = !isExpired(grant, context.now())
    // Somebody else is at it, or died at it: either way the token that still works is used up first, without waiting.
    const { refreshing } = credentials
    if (live && refreshing && refreshing.owner !== refresher.owner) return { grant }
    try {
      return { grant: await (live ? refreshPatiently(grant, signal) : refresh(grant, signal)) }
    } catch (error) {
      const works = !isExpired(grant, context.now())
      if (works && isLocked(error)) return { grant }
      // A store that fails otherwise is never passed over in silence.
      if (!(error instanceof OAuthError) || error.code === 'aborted') throw error
      if (needsNoRefresh(context, error)) return obtainAgain(grant, signal)
      if (works) return { grant }
      if (!needsLogin(error)) throw error
      return { grant: usable(context, await context.records.read())?.grant, failure: error }
    }
  }

  /** Why a grant cannot be used, if its key cannot be read: from then on it counts as nobody's. */
  async function lostKey({ dpopJwk }: StoredGrant): Promise<OAuthError | undefined> {
    try {
      if (dpopJwk) await context.dpopKeys.ready(dpopJwk)
      return undefined
    } catch (error) {
      if (error instanceof OAuthError) return error
      throw error
    }
  }

  /** A machine asks for another token before its own ends; nobody is disturbed by that. */
  async function obtainAgain(grant: StoredGrant | undefined, signal: AbortSignal | undefined): Promise<KeptGrant> {
    const works = (): boolean => grant !== undefined && !isExpired(grant, context.now())
    const obtain = async (ended?: AbortSignal): Promise<KeptGrant> => {
      await logins.obtain({ seen: { grantId: grant?.grantId } }, ended)
      return { grant: usable(context, context.records.snapshot())?.grant }
    }
    try {
      return works() ? ((await patience.wait(obtain, signal)) ?? { grant }) : await obtain(signal)
    } catch (error) {
      if (works() && isLocked(error)) return { grant }
      if (!(error instanceof OAuthError) || error.code === 'aborted' || !grant) throw error
      // Sent although it has ended: the challenge that answers may say more about where to ask than is known here.
      return { grant, failure: error }
    }
  }

  function refresh(grant: StoredGrant, signal?: AbortSignal): Promise<StoredGrant> {
    return refresher.refresh(grant, { reason: 'expiring', signal })
  }

  /** Waits for the refresh only so long while the token works; a holder of the lock may have been stopped (field M8). */
  async function refreshPatiently(grant: StoredGrant, signal: AbortSignal | undefined): Promise<StoredGrant> {
    const fresh = await patience.wait(() => refresh(grant), signal)
    return fresh ?? (isExpired(grant, context.now()) ? refresh(grant, signal) : grant)
  }

  return {
    current: keep,
    async valid(signal) {
      let { grant, failure } = await keep(signal)
      if ((!grant || isExpired(grant, context.now())) && logins.allowed && !context.grant.interactive) {
        await logins.obtain({ seen: { grantId: grant?.grantId } }, signal)
        ;({ grant, failure } = await keep(signal))
      }
      if (!grant || isExpired(grant, context.now())) throw loginRequired(context.server, undefined, failure)
      return grant.accessToken
    },
  }
}

function usable(context: SessionContext, record: CredentialRecord | undefined): IssuerCredentials | undefined {
  const credentials = currentCredentials(record)?.credentials
  return credentials && !isForeignGrant(context, credentials) ? credentials : undefined
}
