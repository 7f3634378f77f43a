import { isOtherClient } from './client-identity.ts'
import { currentCredentials } from './credential-record.ts'
import { findIssuerException } from './issuer-exceptions.ts'
import { isExpired, isRefreshable } from './token-lifetime.ts'
import type { SessionContext } from './session-context.ts'
import type { CredentialRecord } from './store/credential-store.ts'

/** What is known about a login without asking anybody. */
export interface LoginStatus {
  readonly server: string
  readonly profile: string
  /** A token that is not known to have expired, or a refresh token that was not refused; of the client configured here, if one is. */
  readonly loggedIn: boolean
  readonly issuer?: string
  /** Space-separated. */
  readonly scope?: string
  /** Of the access token, in milliseconds since the epoch; absent when the server did not say. */
  readonly expiresAt?: number
  /** Whether there is a refresh token to try, and a client known here to send it as. */
  readonly refreshable?: boolean
  readonly clientId?: string
  /** Absent when it is not known here which client the login was made as. */
  readonly registration?: 'pre-registered' | 'dynamic' | 'client-id-metadata-document'
  /** Names this login's worth of tokens; a refresh keeps it. */
  readonly grantId?: string
  /** Rules that are relaxed for this issuer, and why. */
  readonly exceptions?: readonly string[]
  /** A refresh is under way, here or in another process, or one was interrupted. */
  readonly refreshing?: boolean
}

/** Reads a {@link LoginStatus} off a record. */
export function loginStatus(context: SessionContext, record: CredentialRecord | undefined): LoginStatus {
  const { server, profile } = context.key
  const current = currentCredentials(record)
  const grant = current?.credentials.grant
  if (!current || !grant || isOtherClient(context.grant.client, current.credentials))
    return { server, profile, loggedIn: false, ...(current && { issuer: current.issuer }) }
  const { issuer, credentials } = current
  const { registration } = credentials
  const { clientMetadataUrl } = context.grant
  const clientId = registration?.clientId ?? clientMetadataUrl
  const kind = registration?.kind ?? (clientMetadataUrl === undefined ? undefined : 'client-id-metadata-document')
  const refreshable = clientId !== undefined && isRefreshable(credentials)
  const exception = findIssuerException(issuer, context.exceptions)
  return {
    server,
    profile,
    loggedIn: refreshable || !isExpired(grant, context.now()),
    issuer,
    ...(grant.scope !== undefined && { scope: grant.scope }),
    ...(grant.expiresAt !== undefined && { expiresAt: grant.expiresAt }),
    refreshable,
    ...(clientId !== undefined && { clientId }),
    ...(kind !== undefined && { registration: kind }),
    grantId: grant.grantId,
    ...(exception && { exceptions: [exception.reason] }),
    ...(credentials.refreshing && { refreshing: true }),
  }
}
