import type { AuthorizationTarget } from './discovery.ts'
import { OAuthError } from './errors.ts'
import { assertIdToken, assertRefreshedIdToken } from './protocol/id-token.ts'
import type { SessionContext } from './session-context.ts'
import type { PendingLogin, StoredGrant } from './store/credential-store.ts'
import type { TokenAnswer } from './token-request.ts'

/**
 * The ID token to store with a login; undefined where the grant keeps none.
 *
 * @throws {OAuthError} `token_response_invalid` when it is missing or not the answer to this login
 */
export function idTokenOfLogin(
  { grant, now }: Pick<SessionContext, 'grant' | 'now'>,
  { authorizationServer }: Pick<AuthorizationTarget, 'authorizationServer'>,
  { clientId, nonce }: Pick<PendingLogin, 'clientId' | 'nonce'>,
  { response: { idToken } }: TokenAnswer,
): string | undefined {
  if (!grant.openId || nonce === undefined) return undefined
  const { issuer } = authorizationServer
  if (idToken === undefined) {
    throw new OAuthError('token_response_invalid', `${issuer} gave no ID token.`, {
      step: 'ID token',
      issuer,
      expected: 'id_token',
      received: 'none',
      hint: 'The issuer must be an OpenID provider, and the client be allowed the scope openid.',
    })
  }
  assertIdToken(idToken, { issuer, clientId, nonce, now: now() })
  return idToken
}

/**
 * The newer ID token of a refresh, if it may take the place of the stored one. Never throws: the other tokens of the answer are the only
 * live ones.
 */
export function idTokenOfRefresh(
  { emit, now }: Pick<SessionContext, 'emit' | 'now'>,
  { idToken: previous }: Pick<StoredGrant, 'idToken'>,
  { response: { idToken }, client: { clientId } }: TokenAnswer,
): string | undefined {
  if (previous === undefined || idToken === undefined) return undefined
  try {
    assertRefreshedIdToken(idToken, { previous, clientId, now: now() })
    return idToken
  } catch (error) {
    const message = error instanceof OAuthError ? error.message : 'The ID token cannot be read.'
    emit({ type: 'warning', message: `${message} It came with a refresh and was left out.` })
    return undefined
  }
}
