import { clientOfGrant, type ClientIdentity } from './client-identity.ts'
import type { AuthorizationTarget } from './discovery.ts'
import { OAuthError } from './errors.ts'
import { deleteRegistrations, type ClientDeletion } from './client-deletion.ts'
import { sendAsClient } from './client-request.ts'
import { readRevocationResponse, revocationForm } from './protocol/revocation.ts'
import type { SessionContext } from './session-context.ts'
import type { CredentialRecord, IssuerCredentials } from './store/credential-store.ts'

/** What became of one token at logout. */
export interface Revocation {
  readonly issuer: string
  readonly token: 'refresh_token' | 'access_token'
  readonly ok: boolean
  /** Why not; safe to show. */
  readonly error?: string
}

/** What a logout did. Locally everything is forgotten, whatever the servers said. */
export interface LogoutReport {
  readonly server: string
  readonly profile: string
  /** False when there was nothing to forget. */
  readonly wasLoggedIn: boolean
  readonly revocations: readonly Revocation[]
  /** What became of the registrations that the authorization servers let clients manage; empty unless the client was to be forgotten. */
  readonly deletions: readonly ClientDeletion[]
  /** True when the client registration was forgotten too. */
  readonly clientForgotten: boolean
}

/** Options of a logout. */
export interface LogoutOptions {
  readonly signal?: AbortSignal | undefined
  /** Delete the client registration at the authorization server, where it offers that, and forget it. Default false. */
  readonly client?: boolean | undefined
}

/**
 * Revokes the refresh token, then the access token, each on its own, at every issuer of the record; then forgets them whatever the
 * servers said (field L10, L11); with `client` deletes what was registered, too. Takes the lock, so that a refresh under way ends first and its new tokens are revoked too.
 *
 * @throws {StoreError} when the record cannot be read or changed
 * @see RFC 7009, RFC 7592
 */
export function logout(context: SessionContext, { signal, client = false }: LogoutOptions): Promise<LogoutReport> {
  return context.store.withLock(
    context.key,
    async () => {
      const record = await context.records.read()
      const entries = Object.entries(record?.issuers ?? {})
      const revocations: Revocation[] = []
      for (const [issuer, credentials] of entries)
        revocations.push(...(await revoke(context, issuer, credentials, signal)))
      // Last, or the tokens could no longer be revoked as this client.
      const deletions = client && record ? await deleteRegistrations(context, record, signal) : []
      if (client) await context.records.remove()
      else await context.records.update(latest => (isEmpty(latest) ? undefined : withoutLogins(latest)))
      const wasLoggedIn = entries.some(([, { grant }]) => grant)
      if (wasLoggedIn)
        context.emit({ type: 'loggedOut', ...(record?.current !== undefined && { issuer: record.current }) })
      const { server, profile } = context.key
      return { server, profile, wasLoggedIn, revocations, deletions, clientForgotten: client }
    },
    { ...(signal && { signal }) },
  )
}

function isEmpty({ issuers, pendingLogins, loginUnderWay }: CredentialRecord): boolean {
  return pendingLogins === undefined && loginUnderWay === undefined && Object.keys(issuers).length === 0
}

function withoutLogins({
  pendingLogins: _pending,
  loginUnderWay: _underWay,
  current: _current,
  ...record
}: CredentialRecord): CredentialRecord {
  const issuers = Object.entries(record.issuers).map(([issuer, { registration, refuses }]) => {
    const kept: IssuerCredentials = { ...(registration && { registration }), ...(refuses && { refuses }) }
    return [issuer, kept] as const
  })
  return { ...record, issuers: Object.fromEntries(issuers) }
}

async function revoke(
  context: SessionContext,
  issuer: string,
  credentials: IssuerCredentials,
  signal: AbortSignal | undefined,
): Promise<readonly Revocation[]> {
  const { grant } = credentials
  // A supplied token is not ours to revoke.
  if (!grant || context.grant.supply) return []
  const tokens = [
    ...(grant.refreshToken === undefined ? [] : [{ token: 'refresh_token' as const, value: grant.refreshToken }]),
    { token: 'access_token' as const, value: grant.accessToken },
  ]
  let target: AuthorizationTarget
  let client: ClientIdentity
  try {
    target = await context.discovery.issuer(issuer, signal)
    client = clientOfGrant(context, target, credentials)
  } catch (error) {
    return tokens.map(({ token }) => ({ issuer, token, ok: false, error: reasonOf(error) }))
  }
  const results: Revocation[] = []
  for (const { token, value } of tokens) {
    const error = await revokeOne(context, target, client, { token, value, signal }).catch(reasonOf)
    const ok = error === undefined
    context.emit({ type: 'revoked', issuer, token, ok })
    results.push({ issuer, token, ok, ...(error !== undefined && { error }) })
  }
  return results
}

/** Resolves to what went wrong, if anything. */
async function revokeOne(
  context: SessionContext,
  target: AuthorizationTarget,
  client: ClientIdentity,
  {
    token,
    value,
    signal,
  }: { readonly token: Revocation['token']; readonly value: string; readonly signal: AbortSignal | undefined },
): Promise<string | undefined> {
  const url = target.authorizationServer.revocationEndpoint
  if (url === undefined) return 'the authorization server offers no revocation'
  const form = revocationForm(value, token)
  const { answer, secrets } = await sendAsClient(context, target, client, {
    step: 'token revocation',
    url,
    form,
    signal,
  })
  const { ok, error } = readRevocationResponse(answer, secrets)
  return ok ? undefined : (error ?? `the authorization server answered ${answer.status}`)
}

function reasonOf(error: unknown): string {
  return error instanceof OAuthError ? error.message : 'unexpected failure'
}
