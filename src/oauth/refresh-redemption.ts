import { clientOfGrant } from './client-identity.ts'
import {
  currentCredentials,
  isSameGrant,
  mergeTokens,
  withCredentials,
  withRefreshedGrant,
} from './credential-record.ts'
import { OAuthError } from './errors.ts'
import { idTokenOfRefresh } from './id-token.ts'
import { digestOf } from './protocol/digest.ts'
import { refreshForm } from './protocol/token.ts'
import { isExpired, type RefreshReason } from './token-lifetime.ts'
import { afterRefreshFailure } from './refresh-failure.ts'
import type { SessionContext } from './session-context.ts'
import type { IssuerCredentials, RefreshMark, StoredGrant } from './store/credential-store.ts'
import { requestToken, type TokenAnswer } from './token-request.ts'

/** Redeems the refresh token of a grant and resolves to the grant that is stored then. */
export type Redeemer = (stale: StoredGrant, reason: RefreshReason) => Promise<StoredGrant>

/**
 * Creates the {@link Redeemer} of one session. It must run under the lock of the record: re-read → validate the metadata → mark →
 * redeem → persist. When the stored grant is already another one, that is the result. `owner` names the session in its marks.
 *
 * @throws {OAuthError} see `Refresher.refresh`
 */
export function createRedeemer(context: SessionContext, owner: string): Redeemer {
  /** An answer that could not be stored. Its refresh token is the only live one, so the old one is not spent again. */
  let unsaved: { readonly previous: StoredGrant; readonly answer: TokenAnswer } | undefined

  return async (stale, reason) => {
    const current = currentCredentials(await context.records.read())
    const grant = current?.credentials.grant
    if (!current || !grant) throw loginRequired('the login was forgotten meanwhile')
    if (!isSameGrant(grant, stale)) {
      context.emit({ type: 'adopted', issuer: current.issuer, grantId: grant.grantId })
      return grant
    }
    const { issuer, credentials } = current
    if (!unsaved || !isSameGrant(unsaved.previous, grant)) {
      const { refreshToken } = grant
      if (refreshToken === undefined) throw loginRequired('the authorization server gave no refresh token', issuer)
      const tokenHash = await digestOf(refreshToken)
      const interrupted = credentials.refreshing?.tokenHash === tokenHash ? credentials.refreshing : undefined
      // Somebody else died, or hangs, in the middle of a redemption: a token that still works is used up first.
      const mayBeSpent = interrupted !== undefined && interrupted.owner !== owner
      if (mayBeSpent && reason === 'expiring' && !isExpired(grant, context.now())) return grant
      const outcome = await redeem({ issuer, credentials, grant, refreshToken, tokenHash, reason, interrupted })
      if ('grantId' in outcome) return outcome
      unsaved = { previous: grant, answer: outcome }
    }
    const saved = await save(context, issuer, grant, unsaved.answer)
    unsaved = undefined
    return saved
  }

  async function redeem(redemption: Redemption): Promise<TokenAnswer | StoredGrant> {
    const { issuer, credentials, grant, refreshToken, tokenHash, reason, interrupted } = redemption
    const keep = reason === 'expiring'
    const target = await context.discovery.target({ record: await context.records.read(), keep })
    if (target.issuer !== issuer) {
      throw loginRequired(`the MCP server now uses the authorization server ${target.issuer}`, issuer)
    }
    const client = clientOfGrant(context, target, credentials)
    context.emit({ type: 'refreshing', issuer, reason })
    const newer = await mark(context, issuer, grant, { owner, startedAt: context.now(), tokenHash })
    if (newer) return newer
    // The very resource of the login, whatever is published now; no scope, which keeps the granted one (field T16).
    const extra = target.exception?.tokenParameters
    const form = refreshForm({ refreshToken, resource: grant.resource, extra })
    try {
      return await requestToken(context, target, client, { form, dpopJwk: grant.dpopJwk })
    } catch (error) {
      return afterRefreshFailure(context, { issuer, grant, reason, client, interrupted }, error)
    }
  }
}

/** One attempt to redeem a refresh token. */
interface Redemption {
  readonly issuer: string
  readonly credentials: IssuerCredentials
  readonly grant: StoredGrant
  readonly refreshToken: string
  /** See `RefreshMark`. */
  readonly tokenHash: string
  readonly reason: RefreshReason
  /** The mark of an earlier attempt with the same refresh token, which never came to its end. */
  readonly interrupted: RefreshMark | undefined
}

async function save(
  context: SessionContext,
  issuer: string,
  previous: StoredGrant,
  answer: TokenAnswer,
): Promise<StoredGrant> {
  const idToken = idTokenOfRefresh(context, previous, answer)
  const grant = mergeTokens(answer, { kind: 'refresh', previous, idToken })
  const record = await context.records.update(latest =>
    withRefreshedGrant(latest, issuer, { previous, grant, registration: answer.client.registration }),
  )
  const stored = currentCredentials(record)?.credentials.grant
  if (!stored) throw loginRequired('the login was forgotten while it was being refreshed', issuer)
  if (stored.accessToken === grant.accessToken) {
    const { grantId, expiresAt } = grant
    const rotated = grant.refreshToken !== previous.refreshToken
    context.emit({ type: 'refreshed', issuer, grantId, rotated, ...(expiresAt !== undefined && { expiresAt }) })
  }
  return stored
}

/**
 * Says durably that this refresh token is on its way, so that a crash from here on can be told apart later. Resolves to the grant of a
 * login that was made since the record was read.
 */
async function mark(
  context: SessionContext,
  issuer: string,
  grant: StoredGrant,
  refreshing: RefreshMark,
): Promise<StoredGrant | undefined> {
  let marked = false
  const record = await context.records.update(record => {
    marked = isSameGrant(record.issuers[issuer]?.grant, grant)
    return marked ? withCredentials(record, issuer, credentials => ({ ...credentials, refreshing })) : undefined
  })
  if (marked) return undefined
  const newer = currentCredentials(record)?.credentials.grant
  if (!newer) throw loginRequired('the login was forgotten meanwhile', issuer)
  return newer
}

function loginRequired(why: string, issuer?: string): OAuthError {
  return new OAuthError('login_required', `A login is needed: ${why}.`, {
    step: 'refresh',
    ...(issuer !== undefined && { issuer }),
    hint: 'Log in again.',
  })
}
