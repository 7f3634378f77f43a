import { OAuthError } from '../errors.ts'
import { encodeBase64Url } from './base64url.ts'
import type { RandomBytes } from './authorization.ts'
import { signJwt, type ClientKey } from './signing-key.ts'

/** `client_assertion_type` of a JWT (RFC 7523 §2.2). */
export const JWT_BEARER_ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Longest life of an assertion, in seconds (R-JWT-1). */
export const MAX_ASSERTION_SECONDS = 300

/** What {@link createClientAssertion} is made of. */
export interface ClientAssertionInput {
  readonly clientId: string
  readonly key: ClientKey
  /** The issuer, unless its authorization server wants its token endpoint. */
  readonly audience: string
  /** What the server says that it verifies: `token_endpoint_auth_signing_alg_values_supported`. */
  readonly acceptedAlgorithms?: readonly string[] | undefined
  /** Seconds. Default 60, at most {@link MAX_ASSERTION_SECONDS}. */
  readonly lifetimeSeconds?: number
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly randomBytes: RandomBytes
}

/**
 * The JWT with which a client proves that it holds its private key. To be used once and never stored.
 *
 * @throws {OAuthError} `configuration` when the key cannot sign what the server accepts, or the lifetime is none
 * @see RFC 7523 §3, OpenID Connect Core §9
 */
export async function createClientAssertion(input: ClientAssertionInput): Promise<string> {
  const issuedAt = Math.floor(input.now / 1000)
  const payload = {
    iss: input.clientId,
    sub: input.clientId,
    aud: input.audience,
    jti: encodeBase64Url(input.randomBytes(16)),
    iat: issuedAt,
    exp: issuedAt + lifetimeOf(input),
  }
  return signJwt(input.key, { header: { typ: 'JWT' }, payload }, input.acceptedAlgorithms)
}

function lifetimeOf({ lifetimeSeconds = 60 }: ClientAssertionInput): number {
  // No number would become `exp: null`, and a fraction is more than some servers read.
  if (typeof lifetimeSeconds === 'number' && lifetimeSeconds >= 1) {
    return Math.min(Math.floor(lifetimeSeconds), MAX_ASSERTION_SECONDS)
  }
  throw new OAuthError('configuration', 'The lifetime of client assertions cannot be used.', {
    step: 'client authentication',
    expected: `1 to ${MAX_ASSERTION_SECONDS} seconds`,
    received: String(lifetimeSeconds),
  })
}
