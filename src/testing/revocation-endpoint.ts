import { type Machine, oauthError } from './authorization-state.ts'
import { authenticateClient } from './client-check.ts'

/** The revocation endpoint (RFC 7009). A refresh token takes its family's access tokens with it; an unknown token is a success. */
export function revoke(
  machine: Machine,
  issuer: string,
  request: Request,
  form: URLSearchParams | undefined,
): Response {
  if (!machine.switches().revocationOffered) return new Response('Not Found', { status: 404 })
  if (request.method !== 'POST' || !form?.get('token'))
    return oauthError(machine, 'invalid_request', 'token is missing')
  const client = authenticateClient(machine, issuer, request.headers, form)
  if (client instanceof Response) return client
  const value = form.get('token') ?? ''
  const refreshToken = machine.state.refreshTokens.get(value)
  if (refreshToken?.family.clientId === client.clientId) {
    refreshToken.revoked = true
    refreshToken.family.revoked = true
  }
  const accessToken = machine.state.accessTokens.get(value)
  if (accessToken?.family.clientId === client.clientId) accessToken.revoked = true
  return new Response(null, { status: 200 })
}
