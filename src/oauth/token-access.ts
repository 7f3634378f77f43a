import { loginRequired } from './challenge-errors.ts'
import { needsLogin } from './challenge-recovery.ts'
import { isOtherClient } from './client-identity.ts'
import { currentCredentials } from './credential-record.ts'
import { OAuthError } from './errors.ts'
import type { Logins } from './login.ts'
import { isLocked, type Refresher } from './refresh.ts'
import { jitter, type SessionContext } from './session-context.ts'
import type { CredentialRecord, IssuerCredentials, StoredGrant } from './store/credential-store.ts'
import { isExpired, isExpiring, isRefreshable } from './token-lifetime.ts'

/** The stored grant, and why it could not be kept fresh. */
export interface KeptGrant {
  readonly grant?: StoredGrant | undefined
  readonly failure?: OAuthError
}

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

  async function keep(signal: AbortSignal | undefined): Promise<KeptGrant> {
    const seen = usable(context, context.records.snapshot())?.grant
    if (seen && !expiring(seen)) return { grant: seen }
    const credentials = usable(context, await context.records.read())
    const grant = credentials?.grant
    if (!credentials || !grant || !expiring(grant) || !isRefreshable(credentials)) return { grant }
    try {
      return { grant: await refresher.refresh(grant, { reason: 'expiring', signal }) }
    } catch (error) {
      const works = !isExpired(grant, context.now())
      if (works && isLocked(error)) return { grant }
      // A store that fails otherwise is never passed over in silence.
      if (!(error instanceof OAuthError) || error.code === 'aborted') throw error
      if (works) return { grant }
      if (!needsLogin(error)) throw error
      return { grant: usable(context, await context.records.read())?.grant, failure: error }
    }
  }

  return {
    current: keep,
    async valid(signal) {
      let { grant, failure } = await keep(signal)
      if ((!grant || isExpired(grant, context.now())) && logins.allowed && !context.grant.interactive) {
        await logins.obtain({}, signal)
        ;({ grant, failure } = await keep(signal))
      }
      if (!grant || isExpired(grant, context.now())) throw loginRequired(context.server, undefined, failure)
      return grant.accessToken
    },
  }
}

function usable(context: SessionContext, record: CredentialRecord | undefined): IssuerCredentials | undefined {
  const credentials = currentCredentials(record)?.credentials
  return credentials && !isOtherClient(context.grant.client, credentials) ? credentials : undefined
}
