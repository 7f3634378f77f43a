import { constantTimeEqual } from './protocol/authorization.ts'
import { unionScopes } from './protocol/scope.ts'
import type { DpopJwk } from './protocol/dpop.ts'
import {
  MAX_PENDING_LOGINS,
  type ClientRegistration,
  type CredentialKey,
  type CredentialRecord,
  type IssuerCredentials,
  type PendingLogin,
  type StoredGrant,
} from './store/credential-store.ts'
import type { TokenAnswer } from './token-request.ts'

/** A record in which nothing is known yet. */
export function emptyRecord(key: CredentialKey): CredentialRecord {
  return { format: 1, server: key.server, profile: key.profile, issuers: {} }
}

/** The issuer in use and what is known there. */
export function currentCredentials(
  record: CredentialRecord | undefined,
): { readonly issuer: string; readonly credentials: IssuerCredentials } | undefined {
  const credentials = record?.current === undefined ? undefined : record.issuers[record.current]
  return record?.current === undefined || !credentials ? undefined : { issuer: record.current, credentials }
}

/** The record with the credentials of `issuer` replaced by what `change` makes of them. */
export function withCredentials(
  record: CredentialRecord,
  issuer: string,
  change: (credentials: IssuerCredentials) => IssuerCredentials,
): CredentialRecord {
  return { ...record, issuers: { ...record.issuers, [issuer]: change(record.issuers[issuer] ?? {}) } }
}

/** Where a token response comes from, and what it may inherit. */
export type GrantOrigin =
  | {
      readonly kind: 'login'
      readonly grantId: string
      readonly requestedScope?: string | undefined
      readonly resource?: string | undefined
      /** Of a registered client; a client-id metadata document is never stored (R-CIMD-3). */
      readonly clientId?: string | undefined
      readonly withoutPerson?: boolean
      readonly obtainedFor?: string | undefined
      readonly dpopJwk?: DpopJwk | undefined
      readonly idToken?: string | undefined
    }
  | { readonly kind: 'refresh'; readonly previous: StoredGrant; readonly idToken?: string | undefined }

/**
 * Turns a token response into the grant to store: the only place that decides what is kept. A refresh keeps the refresh token and
 * scope that the answer leaves out; a login or step-up inherits nothing, or account B would refresh as account A (R-REFRESH-6).
 *
 * @see RFC 6749 §5.1 (no `scope` means as requested), §6 (no `refresh_token` means keep the old one)
 */
export function mergeTokens({ response, sentAt }: TokenAnswer, origin: GrantOrigin): StoredGrant {
  const previous = origin.kind === 'refresh' ? origin.previous : undefined
  const { clientId, withoutPerson, obtainedFor, dpopJwk } =
    previous ?? (origin as Extract<GrantOrigin, { kind: 'login' }>)
  const refreshToken = response.refreshToken ?? previous?.refreshToken
  const scope = response.scope ?? (origin.kind === 'refresh' ? origin.previous.scope : origin.requestedScope)
  const resource = origin.kind === 'refresh' ? origin.previous.resource : origin.resource
  const idToken = origin.idToken ?? previous?.idToken
  return {
    grantId: origin.kind === 'refresh' ? origin.previous.grantId : origin.grantId,
    accessToken: response.accessToken,
    tokenType: response.tokenType,
    obtainedAt: sentAt,
    ...(response.expiresIn !== undefined && { expiresAt: sentAt + response.expiresIn * 1000 }),
    ...(refreshToken !== undefined && { refreshToken }),
    ...(scope !== undefined && { scope }),
    ...(resource !== undefined && { resource }),
    ...(clientId !== undefined && { clientId }),
    ...(withoutPerson === true && { withoutPerson }),
    ...(obtainedFor !== undefined && { obtainedFor }),
    ...(dpopJwk && { dpopJwk }),
    ...(idToken !== undefined && { idToken }),
  }
}

/** Everything a completed login brings, replacing what was there as one unit. */
export interface CompletedLogin {
  readonly issuer: string
  readonly grant: StoredGrant
  /** Absent for a client-id metadata document, which is never stored (R-CIMD-3). */
  readonly registration?: ClientRegistration | undefined
  readonly requestedScope?: string | undefined
}

/** The record after a login: grant, scope, issuer and registration are the new ones; known scopes and refusals stay. */
export function withLogin(record: CredentialRecord, login: CompletedLogin): CredentialRecord {
  const next = withCredentials(record, login.issuer, ({ knownScope, refuses }) => {
    const scope = unionScopes(knownScope, login.requestedScope, login.grant.scope)
    return {
      grant: login.grant,
      ...(login.registration && { registration: ownedWith(login.grant, login.registration) }),
      ...(scope !== undefined && { knownScope: scope }),
      ...(refuses && { refuses }),
    }
  })
  return { ...next, current: login.issuer }
}

/** The record after a refresh, or undefined when `previous` is no longer the stored grant: then somebody logged in or out meanwhile. */
export function withRefreshedGrant(
  record: CredentialRecord,
  issuer: string,
  change: {
    readonly previous: StoredGrant
    readonly grant: StoredGrant
    readonly registration: ClientRegistration | undefined
  },
): CredentialRecord | undefined {
  if (!isSameGrant(record.issuers[issuer]?.grant, change.previous)) return undefined
  return withCredentials(record, issuer, ({ refreshing: _mark, refreshRefusedAt: _refusal, ...credentials }) => ({
    ...credentials,
    grant: change.grant,
    ...(change.registration && { registration: ownedWith(change.grant, change.registration) }),
  }))
}

/** The client of a machine's tokens is the machine's. */
function ownedWith({ withoutPerson }: StoredGrant, registration: ClientRegistration): ClientRegistration {
  return withoutPerson ? { ...registration, withoutPerson } : registration
}

/** Whether two grants are one login with the same tokens. */
export function isSameGrant(a: StoredGrant | undefined, b: StoredGrant): boolean {
  return a?.grantId === b.grantId && a.accessToken === b.accessToken && a.refreshToken === b.refreshToken
}

/** The grant of `record` if it is one that somebody stored after `grant`, not what a refusal left of it. */
export function newerGrant(record: CredentialRecord, grant: StoredGrant): StoredGrant | undefined {
  const left = currentCredentials(record)?.credentials.grant
  if (left && left.grantId !== grant.grantId) return left
  return left?.refreshToken !== undefined && !isSameGrant(left, grant) ? left : undefined
}

/** The record with one more pending login; expired ones go, then the oldest beyond {@link MAX_PENDING_LOGINS}. */
export function withPendingLogin(record: CredentialRecord, state: string, pending: PendingLogin): CredentialRecord {
  const live = Object.entries(record.pendingLogins ?? {})
    .filter(([, { expiresAt }]) => expiresAt > pending.createdAt)
    .sort(([, a], [, b]) => b.createdAt - a.createdAt)
    .slice(0, MAX_PENDING_LOGINS - 1)
  return { ...record, pendingLogins: Object.fromEntries([...live, [state, pending]]) }
}

/** The record without the pending login of `state`, or undefined when there is none: then somebody else took it. */
export function withoutPendingLogin(record: CredentialRecord, state: string): CredentialRecord | undefined {
  const { pendingLogins = {}, ...rest } = record
  if (!Object.hasOwn(pendingLogins, state)) return undefined
  const left = Object.entries(pendingLogins).filter(([key]) => key !== state)
  return left.length === 0 ? rest : { ...rest, pendingLogins: Object.fromEntries(left) }
}

/** The pending login that `state` names, compared in constant time (R-AUTHZ-3). */
export function findPendingLogin(
  record: CredentialRecord | undefined,
  state: string,
  now: number,
): { readonly state: string; readonly pending: PendingLogin } | undefined {
  let found: { readonly state: string; readonly pending: PendingLogin } | undefined
  for (const [key, pending] of Object.entries(record?.pendingLogins ?? {})) {
    if (constantTimeEqual(key, state) && pending.expiresAt > now) found = { state: key, pending }
  }
  return found
}
