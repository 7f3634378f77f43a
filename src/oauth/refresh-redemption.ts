import { clientOfGrant, type ClientIdentity } from './client-identity.ts'
import {
  currentCredentials,
  isSameGrant,
  mergeTokens,
  withCredentials,
  withRefreshedGrant,
} from './credential-record.ts'
import type { AuthorizationTarget } from './discovery.ts'
import { OAuthError } from './errors.ts'
import { encodeBase64Url } from './protocol/base64url.ts'
import { refreshForm } from './protocol/token.ts'
import type { RefreshReason } from './refresh.ts'
import { afterRefreshFailure } from './refresh-failure.ts'
import { randomId, type SessionContext } from './session-context.ts'
import type { IssuerCredentials, StoredGrant } from './store/credential-store.ts'
import { requestToken, type TokenAnswer } from './token-request.ts'

/**
 * Redeems the refresh token of `stale` and stores the answer. Runs under the lock of the record: re-read → validate the metadata →
 * mark → redeem → persist. Resolves to the stored grant at once when it is already another one.
 *
 * @throws {OAuthError} see `Refresher.refresh`
 */
export async function redeemRefreshToken(
  context: SessionContext,
  stale: StoredGrant,
  reason: RefreshReason,
): Promise<StoredGrant> {
  const record = await context.records.read()
  const current = currentCredentials(record)
  const grant = current?.credentials.grant
  if (!current || !grant) throw loginRequired('the login was forgotten meanwhile')
  if (!isSameGrant(grant, stale)) return grant
  const { refreshToken } = grant
  if (refreshToken === undefined) throw loginRequired('the authorization server gave no refresh token', current.issuer)
  const { issuer, credentials } = current
  const target = await context.discovery.target({ record })
  if (target.issuer !== issuer)
    throw loginRequired(`the MCP server now uses the authorization server ${target.issuer}`, issuer)
  const client = clientOfGrant(context, target, credentials)
  context.emit({ type: 'refreshing', issuer, reason })
  await mark(context, issuer, grant, refreshToken)
  let answer: TokenAnswer
  try {
    answer = await redeem(context, target, client, grant, refreshToken)
  } catch (error) {
    return await afterRefreshFailure(
      context,
      { issuer, grant, reason, client, interrupted: credentials.refreshing },
      error,
    )
  }
  return save(context, issuer, grant, answer)
}

async function redeem(
  context: SessionContext,
  target: AuthorizationTarget,
  client: ClientIdentity,
  grant: StoredGrant,
  refreshToken: string,
): Promise<TokenAnswer> {
  // The very resource of the login, whatever is published now; no scope, which keeps the granted one (field T16).
  const form = refreshForm({
    refreshToken,
    ...(grant.resource !== undefined && { resource: grant.resource }),
    ...(target.exception?.tokenParameters && { extra: target.exception.tokenParameters }),
  })
  return requestToken(context, target, client, form)
}

async function save(
  context: SessionContext,
  issuer: string,
  previous: StoredGrant,
  { response, client }: TokenAnswer,
): Promise<StoredGrant> {
  const grant = mergeTokens(response, { kind: 'refresh', previous }, context.now())
  const record = await context.records.update(latest =>
    withRefreshedGrant(latest, issuer, { previous, grant, registration: client.registration }),
  )
  const stored = currentCredentials(record)?.credentials.grant
  if (!stored) throw loginRequired('the login was forgotten while it was being refreshed', issuer)
  if (stored.grantId === grant.grantId) {
    const { grantId, expiresAt } = grant
    const rotated = grant.refreshToken !== previous.refreshToken
    context.emit({ type: 'refreshed', issuer, grantId, rotated, ...(expiresAt !== undefined && { expiresAt }) })
  }
  return stored
}

/** Says durably that this refresh token is on its way, so that a crash from here on can be told apart later. */
async function mark(context: SessionContext, issuer: string, grant: StoredGrant, refreshToken: string): Promise<void> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(refreshToken))
  const refreshing = {
    owner: randomId(context),
    startedAt: context.now(),
    tokenHash: encodeBase64Url(new Uint8Array(hash)),
  }
  let marked = false
  await context.records.update(record => {
    marked = isSameGrant(record.issuers[issuer]?.grant, grant)
    return marked
      ? withCredentials(record, issuer, (credentials: IssuerCredentials) => ({ ...credentials, refreshing }))
      : undefined
  })
  if (!marked)
    throw new OAuthError('token_unavailable', 'The login changed while it was being refreshed.', {
      step: 'refresh',
      issuer,
    })
}

function loginRequired(why: string, issuer?: string): OAuthError {
  return new OAuthError('login_required', `A login is needed: ${why}.`, {
    step: 'refresh',
    ...(issuer !== undefined && { issuer }),
    hint: 'Log in again.',
  })
}
