import { mergeTokens, withLogin } from './credential-record.ts'
import { assertNoPersonsLogin } from './machine-login.ts'
import { ENCRYPTED_TOKEN_HINT, isEncryptedToken } from './protocol/provider-hint.ts'
import { randomId, type SessionContext } from './session-context.ts'
import type { TokenAnswer } from './token-request.ts'

/** A token answer that makes a new grant. */
export interface CompletedTokenRequest {
  readonly issuer: string
  readonly answer: TokenAnswer
  readonly requestedScope: string | undefined
  readonly resource: string | undefined
  /** A machine may take the place of a person: the application asked for that by name. Default false. */
  readonly explicit?: boolean
  /** To be kept; checked. */
  readonly idToken?: string | undefined
}

/**
 * Stores the outcome of a login: a new grant that inherits nothing and replaces tokens, scope, issuer and registration as one unit
 * (R-REFRESH-6).
 *
 * @throws {OAuthError} `configuration` when a person logged in while a machine was waiting for its token
 * @throws {StoreError}
 */
export async function storeLogin(
  context: SessionContext,
  { issuer, answer, requestedScope, resource, explicit = false, idToken }: CompletedTokenRequest,
): Promise<void> {
  const grantId = randomId(context)
  const { registration } = answer.client
  const origin = {
    kind: 'login',
    grantId,
    requestedScope,
    resource,
    ...(registration && { clientId: registration.clientId }),
    withoutPerson: !context.grant.interactive,
    obtainedFor: context.grant.obtainsFor,
    dpopJwk: answer.dpopJwk,
    idToken,
  } as const
  const grant = mergeTokens(answer, origin)
  await context.records.update(record => {
    if (!context.grant.interactive && !explicit) assertNoPersonsLogin(context, record)
    return withLogin(record, { issuer, grant, registration, requestedScope })
  })
  const { scope, expiresAt, obtainedAt, refreshToken } = grant
  const refreshable = refreshToken !== undefined
  context.emit({
    type: 'loggedIn',
    issuer,
    grantId,
    refreshable,
    ...(scope !== undefined && { scope }),
    ...(expiresAt !== undefined && { expiresAt }),
  })
  if (isEncryptedToken(grant.accessToken) && !context.grant.openId)
    context.emit({ type: 'warning', message: ENCRYPTED_TOKEN_HINT })
  if (refreshable || expiresAt === undefined || !context.grant.interactive) return
  // Better said now than found out by being logged out (field T14).
  const minutes = Math.round((expiresAt - obtainedAt) / 60_000)
  context.emit({ type: 'warning', message: `This login lasts ${minutes} minutes: ${issuer} gave no refresh token.` })
}
