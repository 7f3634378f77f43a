import type { ClientIdentity } from './client-identity.ts'
import { isSameGrant, newerGrant, withCredentials } from './credential-record.ts'
import { OAuthError } from './errors.ts'
import { isExpired, type RefreshReason } from './token-lifetime.ts'
import type { SessionContext } from './session-context.ts'
import type { IssuerCredentials, RefreshMark, StoredGrant } from './store/credential-store.ts'
import { isInvalidClient } from './token-request.ts'

/** Only these say that the refresh token itself is dead (R-REFRESH-4). */
const TERMINAL = ['invalid_grant', 'unauthorized_client']

/** The redemption that failed. */
export interface FailedRefresh {
  readonly issuer: string
  readonly grant: StoredGrant
  readonly reason: RefreshReason
  readonly client: ClientIdentity
  /** The mark that was there before ours: somebody died in the middle of a redemption. */
  readonly interrupted: RefreshMark | undefined
}

/**
 * Decides what a failed redemption leaves behind. A refused refresh token is forgotten by compare-and-set, unless the record changed
 * meanwhile, then that is used (R-REFRESH-5); an unknown client, likewise, loses its registration but not the refresh token; everything else
 * keeps everything.
 *
 * @throws {OAuthError} `refresh_refused`, `login_required`, `token_refused` for a configured client, or the retryable failure
 */
export async function afterRefreshFailure(
  context: SessionContext,
  failed: FailedRefresh,
  error: unknown,
): Promise<StoredGrant> {
  if (!(error instanceof OAuthError)) throw error
  const { oauthError } = error.detail
  if (oauthError !== undefined && TERMINAL.includes(oauthError) && error.code === 'token_refused') {
    return forgetRefused(context, failed, error)
  }
  if (isInvalidClient(error) && error.code === 'token_refused') return forgetClient(context, failed, error)
  if (error.code === 'timeout' || error.code === 'network') throw error
  // An answer came, so the redemption is over: the mark would only mislead.
  await changeUnlessNewer(context, failed, ({ refreshing: _mark, ...credentials }) => credentials)
  if (error.retryable || error.code === 'configuration') throw error
  throw new OAuthError('token_unavailable', error.message, error.detail, { cause: error })
}

async function forgetRefused(context: SessionContext, failed: FailedRefresh, error: OAuthError): Promise<StoredGrant> {
  const { issuer, grant, reason } = failed
  const now = context.now()
  // A proactive refresh must not take away a token that still works (R-REFRESH-2).
  const keepAccess = reason === 'expiring' && !isExpired(grant, now)
  const record = await changeUnlessNewer(context, failed, ({ refreshing: _mark, grant: stored, ...credentials }) => {
    const { refreshToken: _refused, ...withoutRefreshToken } = stored ?? grant
    if (keepAccess) return { ...credentials, refreshRefusedAt: now, grant: withoutRefreshToken }
    return { ...credentials, refreshRefusedAt: now, ...(grant.dpopJwk && { lostBoundGrant: true }) }
  })
  const newer = newerGrant(record, grant)
  if (newer) return newer
  const interrupted = failed.interrupted ? ' An earlier refresh was interrupted, which may have spent the token.' : ''
  throw new OAuthError(
    'refresh_refused',
    `${issuer} no longer accepts the refresh token.${interrupted}`,
    { ...error.detail, issuer, hint: 'Log in again.' },
    { cause: error },
  )
}

async function forgetClient(context: SessionContext, failed: FailedRefresh, error: OAuthError): Promise<StoredGrant> {
  const { issuer, grant, client } = failed
  const configured = context.grant.client?.clientId === client.clientId
  const record = await changeUnlessNewer(context, failed, ({ refreshing: _mark, registration, ...credentials }) =>
    configured && registration ? { ...credentials, registration } : credentials,
  )
  const newer = newerGrant(record, grant)
  if (newer) return newer
  if (configured) {
    const hint = 'Check the configured client id and secret.'
    throw new OAuthError('token_refused', error.message, { ...error.detail, issuer, hint }, { cause: error })
  }
  const message = `${issuer} no longer knows the client ${client.clientId}: a login with a new registration is needed.`
  throw new OAuthError('login_required', message, { ...error.detail, issuer, hint: 'Log in again.' }, { cause: error })
}

function changeUnlessNewer(
  context: SessionContext,
  { issuer, grant }: FailedRefresh,
  change: (credentials: IssuerCredentials) => IssuerCredentials,
): ReturnType<SessionContext['records']['update']> {
  return context.records.update(record =>
    isSameGrant(record.issuers[issuer]?.grant, grant) ? withCredentials(record, issuer, change) : undefined,
  )
}
