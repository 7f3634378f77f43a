import { RpcError, TransportError } from '../jsonrpc/errors.ts'
import { networkFailure } from '../network/network-failure.ts'
import { OAuthError } from '../oauth/errors.ts'
import { firewallOf } from '../oauth/protocol/firewall-page.ts'
import { parseUrl } from '../oauth/protocol/url.ts'
import { addressScope } from '../oauth/protocol/host-address.ts'
import type { FindingCode } from './finding.ts'

const TLS_CODES: readonly (readonly [RegExp, FindingCode])[] = [
  [/SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|UNTRUSTED|INVALID_CA/u, 'tls_untrusted'],
  [/^CERT_(?:HAS_EXPIRED|NOT_YET_VALID)$/u, 'tls_expired'],
  [/ALTNAME|HOSTNAME_MISMATCH/u, 'tls_wrong_host'],
  [
    /CERTIFICATE_REQUIRED|ALERT_(?:BAD|UNSUPPORTED|UNKNOWN)_CERTIFICATE|CERTIFICATE_(?:UNKNOWN|REVOKED|EXPIRED)/u,
    'tls_client_certificate',
  ],
]

/** What a `fetch` that rejected says about the way to a host (field D17). */
export function networkFinding(error: unknown): FindingCode {
  const { kind, code = '' } = networkFailure(error)
  switch (kind) {
    case 'dns':
      return 'dns_failed'
    case 'proxy':
      return 'proxy_refused'
    case 'connect':
      return 'connection_failed'
    case 'tls':
      return TLS_CODES.find(([pattern]) => pattern.test(code))?.[1] ?? 'tls_failed'
    default:
      return 'network_failed'
  }
}

/**
 * What a failure to open a conversation says about the server. Undefined for 401 and 403, which ask for authorization and are looked at
 * more closely, and for what is no failure of the server.
 */
export function serverFinding(error: unknown, headers?: Headers): FindingCode | undefined {
  if (error instanceof RpcError) return 'initialize_refused'
  if (!(error instanceof TransportError)) return undefined
  const { status = 0, contentType, received = '' } = error.detail
  const body = /html/iu.test(contentType ?? '') ? `<html>${received}` : received
  if (firewallOf({ status, contentType: contentType ?? null, body, url: '', ...(headers && { headers }) }))
    return 'firewall'
  switch (error.code) {
    case 'network':
      return networkFinding(error.cause)
    case 'timeout':
      return 'server_timeout'
    case 'redirect_refused':
      return 'server_redirects'
    case 'unsupported_revision':
      return 'unsupported_revision'
    case 'http_status':
      return httpStatusFinding(status)
    case 'invalid_response':
      return /html/iu.test(contentType ?? '') ? 'web_page' : 'not_mcp'
    case 'session_lost':
    case 'stream_lost':
    case 'message_too_large':
      return 'not_mcp'
    default:
      return undefined
  }
}

function httpStatusFinding(status: number): FindingCode {
  if (status >= 500 || status === 429 || status === 408) return 'server_unavailable'
  return status === 407 ? 'proxy_refused' : 'endpoint_not_found'
}

/** What a failure to read protected resource metadata says (RFC 9728 §3.3). */
export function resourceMetadataFinding(error: OAuthError, server: string): FindingCode {
  switch (error.code) {
    case 'discovery_unavailable':
    case 'network':
    case 'timeout':
      return 'resource_metadata_unavailable'
    case 'resource_mismatch':
      return mismatchFinding(server, error.detail.received ?? '')
    case 'url_refused':
      return isPrivate(error) ? 'private_address' : 'metadata_url_refused'
    case 'redirect_refused':
      return 'metadata_redirected'
    default:
      return 'resource_metadata_invalid'
  }
}

function mismatchFinding(serverUrl: string, resource: string): FindingCode {
  const [server, named] = [parseUrl(serverUrl), parseUrl(resource)]
  if (server === undefined || named === undefined) return 'resource_mismatch'
  if (server.protocol !== named.protocol && server.hostname === named.hostname) return 'resource_scheme_mismatch'
  const inner = addressScope(named.hostname)
  const isInner = inner === 'loopback' || inner === 'private'
  return isInner && addressScope(server.hostname) !== inner ? 'resource_internal_address' : 'resource_mismatch'
}

/** What a failure to read authorization server metadata says (RFC 8414 §3.3). */
export function serverMetadataFinding(error: OAuthError): FindingCode {
  switch (error.code) {
    case 'discovery_unavailable':
    case 'network':
    case 'timeout':
      return 'authorization_server_unavailable'
    case 'issuer_mismatch':
    case 'issuer_trailing_slash':
      return error.code
    case 'pkce_unsupported':
      return error.detail.received === 'no list' ? 'pkce_not_advertised' : 'pkce_s256_missing'
    case 'url_refused':
      return isPrivate(error) ? 'private_address' : 'insecure_endpoint'
    default:
      return 'server_metadata_missing'
  }
}

/** The policy says so in what it expected. */
function isPrivate({ detail }: OAuthError): boolean {
  return detail.expected === 'a public host'
}

/** What a failure with a stored login says: to renew it, or to have it taken. */
export function loginFinding(error: OAuthError): FindingCode | undefined {
  switch (error.code) {
    case 'refresh_refused':
    case 'token_refused':
      return 'refresh_refused'
    case 'login_required':
      return [error, error.cause].some(wasRefused) ? 'refresh_refused' : 'token_rejected'
    case 'step_up_required':
    case 'step_up_failed':
      return 'insufficient_scope'
    case 'fresh_token_rejected':
      return 'token_rejected'
    case 'network':
    case 'timeout':
    case 'token_unavailable':
    case 'discovery_unavailable':
      return 'token_endpoint_unavailable'
    default:
      return undefined
  }
}

/** Of a token endpoint (RFC 6749 §5.2); a server's challenge says `invalid_token`. */
const REFUSALS: ReadonlySet<string> = new Set(['invalid_grant', 'invalid_client', 'unauthorized_client'])

/** An attempt to renew the login went before: the refresh token was refused, or the client is gone. */
function wasRefused(error: unknown): boolean {
  if (!(error instanceof OAuthError)) return false
  return error.code === 'refresh_refused' || REFUSALS.has(error.detail.oauthError ?? '')
}
