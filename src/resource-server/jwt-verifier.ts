import type { JsonObject } from '../oauth/protocol/json-object.ts'
import { SIGNING_ALGORITHMS } from '../oauth/protocol/key-algorithms.ts'
import type { SigningAlgorithm } from '../oauth/protocol/signing-key.ts'
import type { OptionNames } from '../server/given-options.ts'
import { CLAIM_OPTIONS, type ClaimNames, toAuthInfo } from './access-token-info.ts'
import {
  assertAccessToken,
  assertAudience,
  assertBindingIsChecked,
  assertTimes,
  claimOf,
  refusedToken,
  timeOf,
} from './access-token-rules.ts'
import { assertSecureUrl, type VerifierWorld, WORLD_OPTIONS } from './guarded-request.ts'
import { isEncryptedJwt, MAX_JWT_CHARACTERS, parseJwt, type UnverifiedJwt } from './jwt.ts'
import { assertKnownOptions } from './known-options.ts'
import { verifyJwtSignature } from './jwt-signature.ts'
import { createSigningKeys } from './signing-keys.ts'
import { TokenError } from './token-error.ts'
import type { Recognition, TokenVerifier } from './token-verifier.ts'

export interface JwtVerifierOptions extends VerifierWorld, ClaimNames {
  /** Compared as an exact string, and the only party that is asked for keys. */
  readonly issuer: string
  /** Where the issuer's keys are. Default: what its metadata says (RFC 8414, OpenID Connect Discovery). */
  readonly jwksUri?: string | undefined
  /** Default: all of RS, PS and ES with 256, 384 and 512 bits, and EdDSA. `none` and shared secrets cannot be allowed. */
  readonly algorithms?: readonly SigningAlgorithm[] | undefined
  /**
   * `at+jwt`, the default: the header must say that it is an access token, as RFC 9068 has it. `any`: `JWT` or nothing will do, for issuers
   * that write no more (Entra ID, Cognito, Auth0 by default, Keycloak, Okta); then ID tokens are told by their claims, which is weaker, so
   * `audience` should not be the id of a client that gets ID tokens. Whatever is named something else is refused either way.
   */
  readonly typ?: 'at+jwt' | 'any' | undefined
  /** How far the issuer's clock may be off. Default 30. */
  readonly clockToleranceSeconds?: number | undefined
  /** The claim that names the audience. Default `aud`; Cognito has only `client_id`. */
  readonly audienceClaim?: string | undefined
}

const OPTIONS: OptionNames<JwtVerifierOptions> = {
  issuer: true,
  jwksUri: true,
  algorithms: true,
  typ: true,
  clockToleranceSeconds: true,
  audienceClaim: true,
  ...CLAIM_OPTIONS,
  ...WORLD_OPTIONS,
}

/**
 * Verifies signed JWT access tokens of one issuer: form and type, algorithm, issuer, times, signature, audience, and that it is no ID token.
 *
 * Keys are fetched when first needed, kept for ten minutes, and read anew when a token needs one that is not known, at most twice a minute.
 * While the issuer is away known keys go on working, for a day.
 *
 * @throws {TokenError} `configuration` for options that cannot work; the verifier: every code but those of introspection and proofs
 * @see RFC 9068 §4, RFC 8725
 */
export function jwtVerifier(options: JwtVerifierOptions): TokenVerifier {
  const { issuer, jwksUri, now = Date.now, clockToleranceSeconds = 30, audienceClaim = 'aud', typ = 'at+jwt' } = options
  assertKnownOptions(options, OPTIONS)
  assertOptions(options)
  const algorithms = new Set<string>(options.algorithms ?? SIGNING_ALGORITHMS)
  const toleranceMs = clockToleranceSeconds * 1000
  const keys = createSigningKeys({ ...options, issuer, jwksUri })

  const verify: TokenVerifier = async presented => {
    const { token } = presented
    const { header, claims } = readToken(token)
    const algorithm = assertAlgorithm(header, algorithms)
    assertType(header, typ)
    assertIssuer(claims, issuer)
    // Before anything is fetched for it. Nothing of this is believed until the signature is verified.
    assertTimes(claims, { now: now(), toleranceMs, requiresExpiry: true })
    const issuedAt = timeOf(claims, 'iat')
    await verifyJwtSignature({ token, algorithm, issuedAt, toleranceMs, signal: presented.signal }, keys)
    assertAudience(claims, { claim: audienceClaim, accepted: presented.audience })
    assertAccessToken(claims)
    assertBindingIsChecked(claims, presented)
    return toAuthInfo(claims, options, { issuer, namespace: issuer, token })
  }
  return Object.assign(verify, { recognizes: (token: string) => recognize(token, issuer) })
}

function assertOptions({ issuer, jwksUri, algorithms }: JwtVerifierOptions): void {
  if (jwksUri === undefined) assertSecureUrl(issuer, 'issuer')
  else assertSecureUrl(jwksUri, 'jwksUri')
  const known: readonly string[] = SIGNING_ALGORITHMS
  const unknown = algorithms?.find(each => !known.includes(each))
  if (unknown === undefined && algorithms?.length !== 0) return
  throw new TokenError('configuration', 'The option algorithms must list signatures with public keys.', {
    step: 'configuration',
    expected: SIGNING_ALGORITHMS.join(' '),
    received: unknown ?? 'none',
  })
}

function recognize(token: string, issuer: string): Recognition {
  return parseJwt(token)?.claims['iss'] === issuer ? 'yes' : 'no'
}

function readToken(token: string): UnverifiedJwt {
  const parsed = parseJwt(token)
  // What an extension changes about the signature is nothing that an access token needs (RFC 7515 §4.1.11).
  if (parsed && claimOf(parsed.header, 'crit') === undefined) return parsed
  if (parsed) throw refusedToken('malformed', 'asks for extensions', { expected: 'no crit', received: 'crit' })
  throw refusedToken('malformed', 'is no signed JWT', {
    expected: `a signed JWT of at most ${MAX_JWT_CHARACTERS} characters`,
    received: isEncryptedJwt(token) ? 'an encrypted JWT' : 'something else',
    hint: isEncryptedJwt(token)
      ? 'The issuer encrypts tokens for itself, as Auth0 does when no audience is asked for: the client must name this resource.'
      : 'Opaque tokens are verified with introspectionVerifier.',
  })
}

function assertAlgorithm(header: JsonObject, algorithms: ReadonlySet<string>): string {
  const algorithm = claimOf(header, 'alg')
  if (typeof algorithm === 'string' && algorithms.has(algorithm)) return algorithm
  throw refusedToken('algorithm_refused', 'is not signed as it must be', {
    expected: [...algorithms].join(' '),
    received: algorithm,
  })
}

const ACCESS_TOKEN_TYPE = /^(?:application\/)?(?:okta-internal-)?at\+jwt$/iu
const UNTOLD_TYPE = /^(?:application\/)?jwt$/iu

/** @see RFC 9068 §2.1, RFC 8725 §3.11 */
function assertType(header: JsonObject, wanted: 'at+jwt' | 'any'): void {
  const typ = claimOf(header, 'typ')
  if (typeof typ === 'string' && ACCESS_TOKEN_TYPE.test(typ)) return
  const untold = typ === undefined || (typeof typ === 'string' && UNTOLD_TYPE.test(typ))
  if (untold && wanted === 'any') return
  throw refusedToken('wrong_type', 'does not say that it is one', {
    expected: wanted === 'any' ? 'typ at+jwt, JWT or none' : 'typ at+jwt',
    received: typ,
    ...(untold && {
      hint: "If this issuer writes no other type, verify with typ: 'any', or with the provider's preset.",
    }),
  })
}

function assertIssuer(claims: JsonObject, issuer: string): void {
  const iss = claimOf(claims, 'iss')
  if (iss === issuer) return
  const slash = typeof iss === 'string' && iss.replace(/\/$/u, '') === issuer.replace(/\/$/u, '')
  throw refusedToken(iss === undefined ? 'missing_claim' : 'wrong_issuer', 'is of another issuer', {
    expected: issuer,
    received: iss,
    ...(slash && {
      hint: 'They differ only by the slash at the end: configure the issuer exactly as it writes itself.',
    }),
  })
}
