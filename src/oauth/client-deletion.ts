import { OAuthError } from './errors.ts'
import { parseUrl } from './protocol/url.ts'
import type { SessionContext } from './session-context.ts'
import type { ClientRegistration, CredentialRecord } from './store/credential-store.ts'

/** What became of one client registration at logout. */
export interface ClientDeletion {
  readonly issuer: string
  readonly clientId: string
  readonly ok: boolean
  /** Why not; safe to show. */
  readonly error?: string
}

interface Manageable {
  readonly issuer: string
  readonly clientId: string
  readonly url: string
  readonly token: string
}

/**
 * Deletes the dynamic registrations of a record, those of pending logins included, where the authorization server lets clients manage them.
 * The management URL must lie on the origin of the issuer or of its registration endpoint. Never rejects for what a server does.
 *
 * @see RFC 7592 §2.3
 */
export async function deleteRegistrations(
  context: SessionContext,
  record: CredentialRecord,
  signal: AbortSignal | undefined,
): Promise<readonly ClientDeletion[]> {
  const deletions: ClientDeletion[] = []
  for (const client of manageable(record)) {
    const { issuer, clientId } = client
    const error = await deleteOne(context, client, signal).catch(reasonOf)
    const ok = error === undefined
    context.emit({ type: 'unregistered', issuer, clientId, ok })
    deletions.push({ issuer, clientId, ok, ...(error !== undefined && { error }) })
  }
  return deletions
}

function manageable({ issuers, pendingLogins = {} }: CredentialRecord): readonly Manageable[] {
  const registrations: (readonly [string, ClientRegistration | undefined])[] = [
    ...Object.entries(issuers).map(([issuer, { registration }]) => [issuer, registration] as const),
    ...Object.values(pendingLogins).map(({ issuer, registration }) => [issuer, registration] as const),
  ]
  const found = new Map<string, Manageable>()
  for (const [issuer, registration] of registrations) {
    const { kind, clientId = '', registrationClientUri: url, registrationAccessToken: token } = registration ?? {}
    if (kind !== 'dynamic' || url === undefined || token === undefined) continue
    found.set(JSON.stringify([issuer, clientId]), { issuer, clientId, url, token })
  }
  return [...found.values()]
}

/** Resolves to what went wrong, if anything. */
async function deleteOne(
  context: SessionContext,
  { issuer, url, token }: Manageable,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const origin = parseUrl(url)?.origin
  if (origin === undefined || (origin !== parseUrl(issuer)?.origin && origin !== (await registrationOrigin()))) {
    return 'the management URL of the registration lies on another origin than the authorization server'
  }
  const { status } = await context.request({
    step: 'client deletion',
    method: 'DELETE',
    url,
    headers: { authorization: `Bearer ${token}` },
    ...(signal && { signal }),
  })
  // Gone already is as good.
  if ((status >= 200 && status < 300) || status === 404 || status === 410) return undefined
  if (status === 401) return 'the authorization server no longer accepts the registration access token'
  if (status === 403 || status === 405) return 'the authorization server does not let clients delete their registration'
  return `the authorization server answered ${status}`

  async function registrationOrigin(): Promise<string | undefined> {
    const { authorizationServer } = await context.discovery.issuer(issuer, signal)
    return parseUrl(authorizationServer.registrationEndpoint ?? '')?.origin
  }
}

function reasonOf(error: unknown): string {
  return error instanceof OAuthError ? error.message : 'unexpected failure'
}
