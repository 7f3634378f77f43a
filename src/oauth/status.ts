import { currentCredentials } from './credential-record.ts'
import { findIssuerException } from './issuer-exceptions.ts'
import { isExpired, isRefreshable } from './token-lifetime.ts'
import type { SessionContext } from './session-context.ts'
import type { CredentialRecord } from './store/credential-store.ts'

/** What is known about a login without asking anybody. */
export interface LoginStatus {
  readonly server: string
  readonly profile: string
  /** A token that is not known to have expired, or a refresh token that was not refused. */
  readonly loggedIn: boolean
  readonly issuer?: string
  /** Space-separated. */
  readonly scope?: string
  /** Of the access token, in milliseconds since the epoch; absent when the server did not say. */
  readonly expiresAt?: number
  readonly refreshable?: boolean
  readonly clientId?: string
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
  if (!current || !grant) return { server, profile, loggedIn: false, ...(current && { issuer: current.issuer }) }
  const { issuer, credentials } = current
  const { registration } = credentials
  const clientId = registration?.clientId ?? context.grant.clientMetadataUrl
  const refreshable = isRefreshable(credentials)
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
    registration: registration?.kind ?? 'client-id-metadata-document',
    grantId: grant.grantId,
    ...(exception && { exceptions: [exception.reason] }),
    ...(credentials.refreshing && { refreshing: true }),
  }
}
