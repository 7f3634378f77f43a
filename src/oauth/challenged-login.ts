import { isForeignGrant } from './client-identity.ts'
import { withCredentials } from './credential-record.ts'
import { OAuthError } from './errors.ts'
import type { AuthorizationTarget } from './discovery.ts'
import type { AuthorizationChallenge } from './protocol/challenge.ts'
import { hasScope, parseScope, unionScopes } from './protocol/scope.ts'
import type { SessionContext } from './session-context.ts'
import type { CredentialRecord, IssuerCredentials } from './store/credential-store.ts'
import { isExpired, isRefreshable } from './token-lifetime.ts'

/** The login in use, which a challenge answers. */
export interface UsedLogin {
  readonly issuer: string
  readonly credentials: IssuerCredentials
}

/**
 * Goes over to the login that is stored at the authorization server which a challenge leads to, where that is another one than in use:
 * single tools of a server may name metadata of their own, and a person who logged in at both is not sent from one to the other for ever
 * (field D13). False when there is none to use.
 *
 * @throws {OAuthError} every discovery code
 */
export async function adoptChallengedLogin(
  context: SessionContext,
  challenge: AuthorizationChallenge | undefined,
  used: UsedLogin,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (challenge?.resourceMetadata === undefined) return false
  const record = await context.records.read()
  const others = Object.keys(record?.issuers ?? {}).filter(issuer => issuer !== used.issuer)
  if (!others.some(issuer => isUsable(context, record, issuer))) return false
  const { issuer } = await context.discovery.target({ challenge, record, signal })
  if (issuer === used.issuer || !isUsable(context, record, issuer)) return false
  const next = await context.records.update(latest =>
    isUsable(context, latest, issuer) && latest.current !== issuer ? { ...latest, current: issuer } : undefined,
  )
  const grantId = next.issuers[issuer]?.grant?.grantId
  if (next.current !== issuer || grantId === undefined) return false
  context.emit({ type: 'adopted', issuer, grantId })
  return true
}

function isUsable(context: SessionContext, record: CredentialRecord | undefined, issuer: string): boolean {
  const credentials = record?.issuers[issuer]
  if (!credentials?.grant || isForeignGrant(context, credentials)) return false
  return isRefreshable(credentials) || !isExpired(credentials.grant, context.now())
}

/** Why a token that was just issued may be rejected although nobody is at fault. */
export interface ChallengedDifference {
  /** Scopes that the challenge, or the metadata it names, asks for and nobody asked for yet. */
  readonly scope?: string
  /** The token is for another resource than the metadata is. */
  readonly resource?: { readonly held: string; readonly wanted: string }
}

/**
 * How what a challenge asks for differs from the login in use. Undefined where it names nothing, or what it names cannot be read: it is
 * asked when all else failed.
 */
export async function differenceOf(
  context: SessionContext,
  challenge: AuthorizationChallenge | undefined,
  { issuer, credentials }: UsedLogin,
  signal: AbortSignal | undefined,
): Promise<ChallengedDifference | undefined> {
  if (challenge?.resourceMetadata === undefined && challenge?.scope === undefined) return undefined
  const target = await targetOf(context, challenge, signal)
  if (target?.issuer !== issuer) return undefined
  const { grant, knownScope } = credentials
  const named = parseScope(challenge.scope ?? target.protectedResource?.scopesSupported?.join(' '))
  const unasked = named.filter(scope => !hasScope(knownScope, scope) && !hasScope(grant?.scope, scope))
  const [held, wanted] = [grant?.resource, target.resource]
  return {
    ...(unasked.length > 0 && { scope: unasked.join(' ') }),
    ...(held !== undefined && wanted !== undefined && held !== wanted && { resource: { held, wanted } }),
  }
}

async function targetOf(
  context: SessionContext,
  challenge: AuthorizationChallenge,
  signal: AbortSignal | undefined,
): Promise<AuthorizationTarget | undefined> {
  try {
    return await context.discovery.target({ challenge, record: await context.records.read(), signal })
  } catch (error) {
    if (error instanceof OAuthError && error.code !== 'aborted') return undefined
    throw error
  }
}

/** Keeps scopes for the next login, wherever it is made (R-SCOPE-8). */
export async function rememberScope(context: SessionContext, issuer: string, scope: string): Promise<void> {
  await context.records.update(record => {
    const latest = record.issuers[issuer]
    const knownScope = unionScopes(latest?.knownScope, scope) ?? scope
    if (!latest || knownScope === latest.knownScope) return undefined
    return withCredentials(record, issuer, () => ({ ...latest, knownScope }))
  })
}
