/** What went wrong with authorization, as a closed list that callers may switch on. */
export type OAuthErrorCode =
  /** An option is missing or contradicts another; nothing was sent. */
  | 'configuration'
  /** A URL is neither https nor loopback http, has a forbidden scheme, or points into a private network from a public server. */
  | 'url_refused'
  /** A redirect led off the origin, or was answered where none is allowed. */
  | 'redirect_refused'
  | 'response_too_large'
  /** No answer in time. Retryable. */
  | 'timeout'
  /** DNS, connection or TLS failure. Retryable. */
  | 'network'
  /** The caller's signal ended the wait. */
  | 'aborted'
  /** Metadata could not be read now (5xx, 429, network); it may pass. Retryable. */
  | 'discovery_unavailable'
  /** The server definitely publishes no usable OAuth metadata. */
  | 'discovery_failed'
  | 'resource_metadata_invalid'
  | 'resource_mismatch'
  | 'server_metadata_invalid'
  | 'issuer_mismatch'
  /** The two issuers differ by one trailing slash only. */
  | 'issuer_trailing_slash'
  | 'pkce_unsupported'
  /** The authorization server refused dynamic registration. */
  | 'registration_rejected'
  /** The answer to a registration cannot be used. */
  | 'registration_invalid'
  /** No way to identify this client at the issuer: a person must register one. */
  | 'registration_required'
  /** Stored credentials belong to another issuer than the one in use. */
  | 'registration_issuer_changed'
  | 'client_metadata_url_invalid'
  | 'redirect_uri_refused'
  /** A person must log in, and interaction is not allowed here. */
  | 'login_required'
  /** More scopes are needed, and interaction is not allowed here. `detail.scope` says which. */
  | 'step_up_required'
  /** Logging in again did not satisfy the server. */
  | 'step_up_failed'
  /** The budget of interactive attempts is used up. */
  | 'too_many_attempts'
  | 'login_timeout'
  /** The person or the authorization server refused: `detail.oauthError` holds the code. */
  | 'authorization_refused'
  /** `state`, `iss` or the shape of an authorization response is wrong. */
  | 'authorization_response_invalid'
  /** The token endpoint answered with an OAuth error. */
  | 'token_refused'
  | 'token_response_invalid'
  /** The token endpoint could not answer now. Retryable; every credential is kept. */
  | 'token_unavailable'
  /** The refresh token is spent or revoked: a login is needed. */
  | 'refresh_refused'
  /** The server rejects a token that was just issued or supplied. */
  | 'fresh_token_rejected'
  | 'revocation_failed'
  /** Tokens must be bound to a key, and no algorithm for it is known to all. */
  | 'dpop_unsupported'
  /** The server rejects the proof of possession, not the token: mostly a clock is wrong. */
  | 'dpop_proof_rejected'

/** Where it happened and what was seen. Never holds a secret. */
export interface OAuthErrorDetail {
  /** The step that failed, in words: `protected resource metadata`, `token request`. */
  readonly step: string
  readonly url?: string
  readonly status?: number
  readonly expected?: string
  readonly received?: string
  /** What to do about it. */
  readonly hint?: string
  /** OAuth `error` code of an answer (RFC 6749 §5.2). */
  readonly oauthError?: string
  readonly oauthErrorDescription?: string
  /** Space-separated scopes that are needed. */
  readonly scope?: string
  readonly retryAfterMs?: number
  readonly issuer?: string
}

const RETRYABLE: ReadonlySet<OAuthErrorCode> = new Set([
  'timeout',
  'network',
  'discovery_unavailable',
  'token_unavailable',
])

/** An authorization failure: `code` to switch on, `detail` to show, `retryable` when the same call may succeed later. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly detail: OAuthErrorDetail

  constructor(code: OAuthErrorCode, message: string, detail: OAuthErrorDetail, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.detail = detail
  }

  /** True when nothing is lost and the same call may succeed later. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code)
  }
}
