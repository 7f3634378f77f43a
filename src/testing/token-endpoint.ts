import { type Family, type KnownClient, type Machine, oauthError, scopeTokens } from './authorization-state.ts'
import { resourceIsRefused } from './authorize-endpoint.ts'
import { authenticateClient } from './client-check.ts'
import type { RecordedRequest } from './recording.ts'

/** The token endpoint (RFC 6749 §3.2) with the authorization code and refresh token grants. */
export async function redeem(
  machine: Machine,
  issuer: string,
  request: Request,
  recorded: RecordedRequest,
): Promise<Response> {
  const response = await grantTokens(machine, issuer, request, recorded.form)
  return inFormat(machine, request, response)
}

async function grantTokens(
  machine: Machine,
  issuer: string,
  request: Request,
  form: URLSearchParams | undefined,
): Promise<Response> {
  if (request.method !== 'POST' || !form) return oauthError(machine, 'invalid_request', 'a form must be posted')
  const verifier = form.get('code_verifier')
  if (verifier) machine.state.secrets.add(verifier)
  const repeated = [...form.keys()].find(name => form.getAll(name).length > 1)
  if (repeated) return oauthError(machine, 'invalid_request', `${repeated} was sent twice`)
  const client = authenticateClient(machine, issuer, request.headers, form)
  if (client instanceof Response) return client
  switch (form.get('grant_type')) {
    case 'authorization_code':
      return redeemCode(machine, client, form)
    case 'refresh_token':
      return redeemRefreshToken(machine, client, form)
    default:
      return oauthError(machine, 'unsupported_grant_type', 'authorization_code or refresh_token')
  }
}

async function redeemCode(machine: Machine, client: KnownClient, form: URLSearchParams): Promise<Response> {
  const code = machine.state.codes.get(form.get('code') ?? '')
  if (!code || !belongsTo(code.family, client)) return oauthError(machine, 'invalid_grant', 'unknown code')
  if (code.redeemed) {
    code.family.revoked = true
    return oauthError(machine, 'invalid_grant', 'the code was used before; its tokens are revoked (RFC 6749 §4.1.2)')
  }
  if (resourceIsRefused(machine, form.getAll('resource')))
    return oauthError(machine, 'invalid_target', 'wrong resource')
  code.redeemed = true
  if (code.expiresAt <= machine.now()) return oauthError(machine, 'invalid_grant', 'the code has expired')
  if (form.get('redirect_uri') !== code.redirectUri) return oauthError(machine, 'invalid_grant', 'another redirect_uri')
  if ((await s256(form.get('code_verifier') ?? '')) !== code.codeChallenge)
    return oauthError(machine, 'invalid_grant', 'code_verifier does not match (RFC 7636 §4.6)')
  return issueTokens(machine, code.family, code.family.scope, {
    login: true,
    refreshToken: newRefreshToken(machine, code.family, true),
  })
}

function redeemRefreshToken(machine: Machine, client: KnownClient, form: URLSearchParams): Response {
  const { deadRefreshError, rotation } = machine.switches()
  const value = form.get('refresh_token') ?? ''
  const token = machine.state.refreshTokens.get(value)
  if (!token || !belongsTo(token.family, client)) return oauthError(machine, deadRefreshError, 'unknown refresh token')
  if (token.spent && rotation === 'detecting-reuse') token.family.revoked = true
  if (token.spent || token.revoked || token.family.revoked)
    return oauthError(
      machine,
      deadRefreshError,
      token.spent ? 'refresh token was used before' : 'refresh token is revoked',
    )
  if (resourceIsRefused(machine, form.getAll('resource')))
    return oauthError(machine, 'invalid_target', 'wrong resource')
  const scope = form.get('scope') ?? token.family.scope
  const granted = scopeTokens(token.family.scope)
  if (scopeTokens(scope).some(entry => !granted.includes(entry)))
    return oauthError(machine, 'invalid_scope', 'a refresh cannot widen the scope (RFC 6749 §6)')
  const rotates = rotation === 'detecting-reuse' || rotation === 'plain'
  if (rotates) token.spent = true
  const next = rotates ? newRefreshToken(machine, token.family, false) : value
  return issueTokens(machine, token.family, scope, {
    login: false,
    refreshToken: rotation === 'none-omitted' ? undefined : next,
  })
}

function belongsTo(family: Family, client: KnownClient): boolean {
  return family.clientId === client.clientId && family.issuer === client.issuer
}

function newRefreshToken(machine: Machine, family: Family, login: boolean): string | undefined {
  const { refreshToken } = machine.switches()
  if (login && refreshToken === 'never') return undefined
  if (login && refreshToken === 'with-offline-access' && !scopeTokens(family.scope).includes('offline_access'))
    return undefined
  const value = machine.state.mint('refresh-token')
  machine.state.refreshTokens.set(value, { family, spent: false, revoked: false })
  return value
}

function issueTokens(
  machine: Machine,
  family: Family,
  scope: string | undefined,
  { login, refreshToken }: { readonly login: boolean; readonly refreshToken: string | undefined },
): Response {
  const switches = machine.switches()
  const accessToken = machine.state.mint('access-token')
  const lifetimeS = switches.accessTokenLifetimeS
  machine.state.accessTokens.set(accessToken, {
    family,
    scope,
    expiresAt: machine.now() + lifetimeS * 1000,
    revoked: false,
  })
  const tellsScope =
    scope !== undefined && (switches.scopeMember === 'sent' || (login && switches.scopeMember === 'absent-on-refresh'))
  const empty = switches.nullMembers ? null : undefined
  const answer = {
    access_token: accessToken,
    token_type: switches.tokenType ?? empty,
    expires_in:
      switches.expiresIn === 'truth' ? lifetimeS : switches.expiresIn === 'absent' ? empty : switches.expiresIn.value,
    refresh_token: refreshToken ?? empty,
    scope: tellsScope ? scope : empty,
    issuer: switches.issuerMember ?? undefined,
  }
  return Response.json(answer, { headers: { 'cache-control': 'no-store' } })
}

/** Puts an answer into the media type and syntax the switches ask for. */
async function inFormat(machine: Machine, request: Request, response: Response): Promise<Response> {
  const { tokenFormat } = machine.switches()
  const wantsJson = request.headers.get('accept')?.includes('application/json') === true
  if (tokenFormat === 'json' || (tokenFormat === 'form-unless-asked' && wantsJson)) return response
  const headers = new Headers(response.headers)
  const body: unknown = await response.json()
  if (tokenFormat === 'json-as-text') {
    headers.set('content-type', 'text/plain')
    return new Response(JSON.stringify(body), { status: response.status, headers })
  }
  headers.set('content-type', 'application/x-www-form-urlencoded')
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(body ?? {})) form.set(name, String(value ?? ''))
  return new Response(form.toString(), { status: response.status, headers })
}

async function s256(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
