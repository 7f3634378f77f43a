import type { ClientIdentity } from './client-identity.ts'
import type { AuthorizationTarget } from './discovery.ts'
import { OAuthError } from './errors.ts'
import { applyClientAuthentication, type ClientAuthenticationMethod } from './protocol/client-authentication.ts'
import { secretsIn } from './protocol/redaction.ts'
import { readTokenResponse, type TokenResponse } from './protocol/token.ts'
import type { SessionContext } from './session-context.ts'

/** A token response, and the client as it finally authenticated. */
export interface TokenAnswer {
  readonly response: TokenResponse
  readonly client: ClientIdentity
}

/**
 * Sends one token request, whatever the grant, with the client's registered authentication method (R-TOKEN-2). When the server
 * answers `invalid_client`, the other advertised secret method is tried once, and told to the caller to remember (field T5).
 * Takes no signal: a redemption that was sent ends only by its own time-out (R-TOKEN-3).
 *
 * @throws {OAuthError} `token_refused`, `token_response_invalid`, `token_unavailable`, and what the request throws
 */
export async function requestToken(
  context: SessionContext,
  target: AuthorizationTarget,
  client: ClientIdentity,
  form: URLSearchParams,
): Promise<TokenAnswer> {
  try {
    return { response: await send(context, target, client, form), client }
  } catch (error) {
    const method = isInvalidClient(error) ? otherMethod(client, target) : undefined
    if (method === undefined) throw error
    const changed: ClientIdentity = {
      ...client,
      tokenEndpointAuthMethod: method,
      ...(client.registration && { registration: { ...client.registration, tokenEndpointAuthMethod: method } }),
    }
    return { response: await send(context, target, changed, form), client: changed }
  }
}

/** Whether an error says that the authorization server does not know or accept the client. */
export function isInvalidClient(error: unknown): boolean {
  return error instanceof OAuthError && error.detail.oauthError === 'invalid_client'
}

async function send(
  context: SessionContext,
  { authorizationServer }: AuthorizationTarget,
  client: ClientIdentity,
  form: URLSearchParams,
): Promise<TokenResponse> {
  const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' })
  const body = new URLSearchParams(form)
  applyClientAuthentication(client, headers, body)
  const response = await context.request({
    step: 'token request',
    method: 'POST',
    url: authorizationServer.tokenEndpoint,
    headers,
    body: body.toString(),
  })
  // The endpoint moved, or the client is gone: what was read about this server may be out of date (R-ASM-6).
  if (response.status === 404) context.discovery.invalidate()
  try {
    return readTokenResponse(response, { secrets: [...secretsIn(body, headers), client.clientSecret] })
  } catch (error) {
    if (isInvalidClient(error)) context.discovery.invalidate()
    throw error
  }
}

function otherMethod(
  client: ClientIdentity,
  { authorizationServer }: AuthorizationTarget,
): ClientAuthenticationMethod | undefined {
  if (client.clientSecret === undefined) return undefined
  const other = client.tokenEndpointAuthMethod === 'client_secret_basic' ? 'client_secret_post' : 'client_secret_basic'
  return authorizationServer.tokenEndpointAuthMethodsSupported?.includes(other) ? other : undefined
}
