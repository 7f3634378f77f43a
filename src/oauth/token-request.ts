import type { ClientIdentity } from './client-identity.ts'
import { sendAsClient } from './client-request.ts'
import type { AuthorizationTarget } from './discovery.ts'
import { OAuthError } from './errors.ts'
import type { ClientAuthenticationMethod } from './protocol/client-authentication.ts'
import type { DpopJwk } from './protocol/dpop.ts'
import { refusedProofHint } from './protocol/proof-hint.ts'
import { refusedDocumentHint } from './protocol/provider-hint.ts'
import { readTokenResponse, type TokenResponse } from './protocol/token.ts'
import type { SessionContext } from './session-context.ts'

/** A token response, the client as it finally authenticated, and the key the tokens are bound to. */
export interface TokenAnswer {
  readonly response: TokenResponse
  /**
   * Milliseconds since the epoch when the request was sent. The lifetime of the tokens counts from when the answer was made (RFC 6749 §5.1):
   * not before, while the answer may arrive, or be stored, long after.
   */
  readonly sentAt: number
  readonly client: ClientIdentity
  readonly dpopJwk?: DpopJwk | undefined
}

/**
 * Sends one token request, whatever the grant, with the client's registered authentication method (R-TOKEN-2). When the server
 * answers `invalid_client`, the other advertised secret method is tried once, and told to the caller to remember (field T5). With a key, a
 * bearer token is refused. Takes no signal: a redemption that was sent ends only by its own time-out (R-TOKEN-3).
 *
 * @throws {OAuthError} `token_refused`, `token_response_invalid`, `token_unavailable`, and what the request throws
 */
export async function requestToken(
  context: SessionContext,
  target: AuthorizationTarget,
  client: ClientIdentity,
  { form, dpopJwk }: { readonly form: URLSearchParams; readonly dpopJwk?: DpopJwk | undefined },
): Promise<TokenAnswer> {
  const redemption = { form, dpopJwk }
  try {
    return await send(context, target, client, redemption)
  } catch (error) {
    const method = isInvalidClient(error) ? otherMethod(client, target) : undefined
    if (method === undefined) throw error
    const changed: ClientIdentity = {
      ...client,
      tokenEndpointAuthMethod: method,
      ...(client.registration && { registration: { ...client.registration, tokenEndpointAuthMethod: method } }),
    }
    return send(context, target, changed, redemption)
  }
}

/** Whether an error says that the authorization server does not know or accept the client. */
export function isInvalidClient(error: unknown): boolean {
  return error instanceof OAuthError && error.detail.oauthError === 'invalid_client'
}

const REFUSED_PROOF = 'invalid_dpop_proof'

/** Whether an error is about the proof of possession, or its nonce, and says nothing about what was to be redeemed. */
export function isAboutProof(error: OAuthError): boolean {
  return error.detail.oauthError === REFUSED_PROOF || error.detail.oauthError === 'use_dpop_nonce'
}

async function send(
  context: SessionContext,
  target: AuthorizationTarget,
  client: ClientIdentity,
  { form, dpopJwk }: { readonly form: URLSearchParams; readonly dpopJwk: DpopJwk | undefined },
): Promise<TokenAnswer> {
  const sentAt = context.now()
  const url = target.authorizationServer.tokenEndpoint
  const { answer, secrets } = await sendAsClient(context, target, client, { step: 'token request', url, form, dpopJwk })
  // The endpoint moved, or the client is gone: what was read about this server may be out of date (R-ASM-6).
  if (answer.status === 404) context.discovery.invalidate()
  try {
    return { response: readTokenResponse(answer, { secrets, dpop: dpopJwk !== undefined }), sentAt, client, dpopJwk }
  } catch (error) {
    const isProof = error instanceof OAuthError && error.detail.oauthError === REFUSED_PROOF
    if (isProof) throw withHint(error, refusedProofHint(answer.headers, context.now()))
    if (!isInvalidClient(error)) throw error
    context.discovery.invalidate()
    throw client.kind === 'client-id-metadata-document' ? withHint(error, refusedDocumentHint(client.clientId)) : error
  }
}

function withHint(error: unknown, hint: string): unknown {
  return error instanceof OAuthError ? new OAuthError(error.code, error.message, { ...error.detail, hint }) : error
}

function otherMethod(
  client: ClientIdentity,
  { authorizationServer }: AuthorizationTarget,
): ClientAuthenticationMethod | undefined {
  if (client.clientSecret === undefined || client.tokenEndpointAuthMethod === 'private_key_jwt') return undefined
  const other = client.tokenEndpointAuthMethod === 'client_secret_basic' ? 'client_secret_post' : 'client_secret_basic'
  return authorizationServer.tokenEndpointAuthMethodsSupported?.includes(other) ? other : undefined
}
