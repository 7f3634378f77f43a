import { needsLogin } from './challenge-recovery.ts'
import { isForeignGrant } from './client-identity.ts'
import { currentCredentials } from './credential-record.ts'
import { OAuthError } from './errors.ts'
import type { IdTokenRequest } from './grant-strategy.ts'
import type { Logins } from './login.ts'
import { idTokenExpiry } from './protocol/id-token.ts'
import { isLocked, type Refresher } from './refresh.ts'
import type { SessionContext } from './session-context.ts'
import type { IssuerCredentials } from './store/credential-store.ts'
import { isRefreshable } from './token-lifetime.ts'

/** A token that ends sooner could end on its way. */
const MIN_REMAINING_MS = 60_000

/** Gives out the ID token of a login at an identity provider, fresh. */
export type IdTokenAccess = (wanted: IdTokenRequest) => Promise<string>

/**
 * Creates the {@link IdTokenAccess} of one session: the stored token while it has a minute to live and was not refused, else that of a refresh,
 * else that of a new login, if a person may be asked. What cannot be refreshed just now is used up first.
 */
export function createIdTokenAccess({
  context,
  logins,
  refresher,
}: {
  readonly context: SessionContext
  readonly logins: Logins
  readonly refresher: Refresher
}): IdTokenAccess {
  const { issuer = context.server } = context.grant

  async function stored(): Promise<IssuerCredentials | undefined> {
    const current = currentCredentials(await context.records.read())
    return current && !isForeignGrant(context, current.credentials) ? current.credentials : undefined
  }

  const remaining = (idToken: string): number => (idTokenExpiry(idToken) ?? 0) - context.now()

  return async ({ signal, interactive, asking, refused }) => {
    const credentials = await stored()
    const { grant } = credentials ?? {}
    const { idToken } = grant ?? {}
    if (idToken !== undefined && idToken !== refused && remaining(idToken) > MIN_REMAINING_MS) return idToken
    let failure: OAuthError | undefined
    if (credentials && grant && isRefreshable(credentials)) {
      try {
        const refreshed = await refresher.refresh(grant, { reason: 'rejected', signal })
        if (refreshed.idToken !== undefined && refreshed.idToken !== idToken) return refreshed.idToken
      } catch (error) {
        const works = idToken !== undefined && remaining(idToken) > 0
        if (needsLogin(error)) failure = error
        else if (!works || !(isLocked(error) || (error instanceof OAuthError && error.retryable))) throw error
      }
    }
    // Refused by others, but the identity provider stands by the login: a person could not change that.
    if (idToken !== undefined && remaining(idToken) > 0 && (idToken !== refused || !failure)) return idToken
    if (!interactive || !logins.allowed) throw loginRequired(issuer, failure)
    const done = asking()
    try {
      await logins.obtain({ seen: { grantId: grant?.grantId }, allowLegacy: false }, signal)
    } finally {
      done()
    }
    const fresh = (await stored())?.grant?.idToken
    if (fresh === undefined) throw loginRequired(issuer, undefined)
    return fresh
  }
}

function loginRequired(issuer: string, cause: OAuthError | undefined): OAuthError {
  return new OAuthError(
    'login_required',
    `The identity provider ${issuer} needs a login.${cause ? ` ${cause.message}` : ''}`,
    {
      step: 'login at the identity provider',
      issuer,
      hint: 'Log in there first, where a person can be asked.',
    },
    cause && { cause },
  )
}
