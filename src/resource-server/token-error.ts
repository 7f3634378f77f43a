/** Why a presented token is refused, or could not be judged, as a closed list that callers may switch on. */
export type TokenErrorCode =
  /** An option is missing or contradicts another; thrown when a verifier is made. */
  | 'configuration'
  /** No token of the expected form: not a JWT, unreadable claims, too long. */
  | 'malformed'
  /** The `typ` header says that it is no access token, or an ID or refresh token was presented. */
  | 'wrong_type'
  /** Signed with an algorithm that is not allowed: `none` and shared secrets (`HS256`) never are. */
  | 'algorithm_refused'
  /** The issuer's key set was read after the token was issued and has no such key. */
  | 'unknown_key'
  | 'bad_signature'
  | 'wrong_issuer'
  /** Issued for another resource. */
  | 'wrong_audience'
  | 'expired'
  | 'not_yet_valid'
  | 'missing_claim'
  /** The authorization server says that it is not active: revoked, expired or never issued. It does not tell which. */
  | 'inactive'
  /** Bound to a key, and presented without it or with another; or presented with a proof and not bound. */
  | 'binding_mismatch'
  /** The proof of possession is not one for this request, or came before. */
  | 'invalid_dpop_proof'
  /** The proof needs the nonce in `detail.dpopNonce`. */
  | 'use_dpop_nonce'
  /** The issuer's keys cannot be had now. Says nothing about the token. */
  | 'keys_unavailable'
  /** The authorization server cannot be asked now. Says nothing about the token. */
  | 'introspection_unavailable'
  /** Whether the proof came before cannot be found out now. Says nothing about the token. */
  | 'replay_cache_unavailable'

/** Where it happened and what was seen. Never holds a token, a proof or a secret; claims are shown cut to length and printable. */
export interface TokenErrorDetail {
  /** The step that failed, in words: `access token`, `signing keys`, `introspection`, `proof of possession`. */
  readonly step: string
  readonly url?: string
  readonly status?: number
  readonly expected?: string
  readonly received?: string
  /** What to do about it. */
  readonly hint?: string
  /** Earliest time at which trying again makes sense, in milliseconds from now. */
  readonly retryAfterMs?: number
  /** With `use_dpop_nonce`: what to send in the `DPoP-Nonce` header. */
  readonly dpopNonce?: string
}

/** Faults on our side of the wire. A client that was logged out for them would have to log in for nothing. */
const UNAVAILABLE: ReadonlySet<TokenErrorCode> = new Set([
  'configuration',
  'keys_unavailable',
  'introspection_unavailable',
  'replay_cache_unavailable',
])

/** What a challenge may say (RFC 6750 §3.1, RFC 9449 §7.1). */
export type TokenChallengeError = 'invalid_token' | 'invalid_dpop_proof' | 'use_dpop_nonce'

/**
 * A token that is refused, or could not be judged. Message and detail are for the operator's log; a client learns only
 * {@link TokenError.challengeError}.
 */
export class TokenError extends Error {
  override readonly name = 'TokenError'
  readonly code: TokenErrorCode
  readonly detail: TokenErrorDetail

  constructor(code: TokenErrorCode, message: string, detail: TokenErrorDetail, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.detail = detail
  }

  /** True when nothing is known about the token: answer 503, never 401. */
  get unavailable(): boolean {
    return UNAVAILABLE.has(this.code)
  }

  /** The `error` of the 401 challenge; undefined when the answer is 503. */
  get challengeError(): TokenChallengeError | undefined {
    if (this.unavailable) return undefined
    return this.code === 'invalid_dpop_proof' || this.code === 'use_dpop_nonce' ? this.code : 'invalid_token'
  }
}
