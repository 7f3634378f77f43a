import { isForeignGrant } from './client-identity.ts'
import { currentCredentials } from './credential-record.ts'
import { findIssuerException } from './issuer-exceptions.ts'
import { isExpired, isRefreshable } from './token-lifetime.ts'
import type { SessionContext } from './session-context.ts'
import type { CredentialRecord, IssuerCredentials } from './store/credential-store.ts'

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
  /** The tokens are bound to a key that is kept with them (RFC 9449). */
  readonly dpop?: true
  /** A machine's login: no person was asked. */
  readonly withoutPerson?: true
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
  if (!current || !grant || isForeignGrant(context, current.credentials))
    return { server, profile, loggedIn: false, ...(current && { issuer: current.issuer }) }
  const { issuer, credentials } = current
  const { clientId, kind } = knownClient(context, credentials)
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
    ...(grant.dpopJwk && { dpop: true }),
    ...(grant.withoutPerson && { withoutPerson: true }),
    ...(exception && { exceptions: [exception.reason] }),
    ...(credentials.refreshing && { refreshing: true }),
  }
}

/** The client that the grant was issued to, as far as this session can act as that client. */
function knownClient(
  { grant: { client, clientMetadataUrl } }: SessionContext,
  { grant, registration }: IssuerCredentials,
): { readonly clientId?: string; readonly kind?: NonNullable<LoginStatus['registration']> } {
  const clientId = grant?.clientId ?? registration?.clientId ?? clientMetadataUrl
  if (clientId === undefined) return {}
  if (clientId === registration?.clientId) return { clientId, kind: registration.kind }
  if (clientId === client?.clientId) return { clientId, kind: 'pre-registered' }
  return clientId === clientMetadataUrl ? { clientId, kind: 'client-id-metadata-document' } : {}
}
