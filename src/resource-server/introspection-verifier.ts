import type { JsonObject } from '../oauth/protocol/json-object.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
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
import { digestOf } from '../oauth/protocol/digest.ts'
import { assertSecureUrl, createGuardedRequest, type VerifierWorld, WORLD_OPTIONS } from './guarded-request.ts'
import { createIntrospectionCache, type KnownAnswer } from './introspection-cache.ts'
import { introspect, type IntrospectionClient } from './introspection-request.ts'
import { parseJwt } from './jwt.ts'
import { assertKnownOptions } from './known-options.ts'
import { createSharedFlights } from './shared-flight.ts'
import { TokenError } from './token-error.ts'
import type { Recognition, TokenVerifier } from './token-verifier.ts'

export interface IntrospectionVerifierOptions extends VerifierWorld, ClaimNames {
  /** The introspection endpoint: https, or http on a loopback host. */
  readonly endpoint: string
  /** What `iss` of an answer must be; answers without it count as from this issuer. Default: any, as the endpoint is trusted. */
  readonly issuer?: string | undefined
  readonly client: IntrospectionClient
  /**
   * How long answers are used. Meanwhile a revoked token goes on working here, unless {@link IntrospectionVerifier.forget} is called.
   * `false`: every request asks.
   */
  readonly cache?: IntrospectionCacheTimes | false | undefined
  /** How far the issuer's clock may be off. Default 30. */
  readonly clockToleranceSeconds?: number | undefined
  /** The member that names the audience. Default `aud`. */
  readonly audienceClaim?: string | undefined
  /**
   * Accept answers without an audience. Only where the authorization server says `active` to this client for no tokens but those meant for
   * it (RFC 7662 §4): else a token for any service would do here. Then `token_type` must say that it is an access token. Default false.
   */
  readonly acceptsMissingAudience?: boolean | undefined
}

export interface IntrospectionCacheTimes {
  /** For an active token, and never beyond its end. Default 60. */
  readonly seconds?: number | undefined
  /** For one that is not active. Default 5. */
  readonly negativeSeconds?: number | undefined
  /** Default 10 000. */
  readonly maxEntries?: number | undefined
}

/** A verifier that asks the authorization server. */
export interface IntrospectionVerifier extends TokenVerifier {
  /** Drops what is known about a token, so that its next use asks again: call it when a token is revoked. */
  readonly forget: (token: string) => Promise<void>
}

/** Questions under way; beyond it the answer is 503, so that a flood of made-up tokens does not become one at the authorization server. */
export const MAX_QUESTIONS = 256
const MAX_BYTES = 65_536
/** Longer ones are not asked about. */
const MAX_TOKEN_CHARACTERS = 16_384

const OPTIONS: OptionNames<IntrospectionVerifierOptions> = {
  endpoint: true,
  issuer: true,
  client: true,
  cache: true,
  clockToleranceSeconds: true,
  audienceClaim: true,
  acceptsMissingAudience: true,
  ...CLAIM_OPTIONS,
  ...WORLD_OPTIONS,
}

/**
 * Verifies tokens by asking the authorization server (RFC 7662): opaque ones, and those whose revocation must count at once. Whoever
 * presents a token meanwhile shares one question; answers are kept for a minute under a digest of the token.
 *
 * @throws {TokenError} `configuration` for options that cannot work; the verifier: `inactive`, `introspection_unavailable` and the codes of claims
 */
export function introspectionVerifier(options: IntrospectionVerifierOptions): IntrospectionVerifier {
  const { endpoint, issuer, client, now = Date.now, clockToleranceSeconds = 30 } = options
  assertKnownOptions(options, OPTIONS)
  assertOptions(options)
  const request = createGuardedRequest(options, MAX_BYTES)
  const times = options.cache === false ? { seconds: 0, negativeSeconds: 0 } : (options.cache ?? {})
  const cache = createIntrospectionCache({
    maxAgeMs: (times.seconds ?? 60) * 1000,
    negativeMs: (times.negativeSeconds ?? 5) * 1000,
    maxEntries: times.maxEntries ?? 10_000,
  })
  const flights = createSharedFlights<KnownAnswer>()
  /** Counts what was forgotten: an answer from before is not kept. */
  let generation = 0

  async function ask(token: string, digest: string): Promise<KnownAnswer> {
    if (flights.size >= MAX_QUESTIONS) throw tooMany(endpoint)
    const askedIn = generation
    const answer = await introspect(token, endpoint, { client, request })
    if (askedIn === generation) {
      const expiresAt = answer === 'inactive' ? undefined : expiryOf(answer)
      cache.set(digest, answer, { now: now(), expiresAt })
    }
    return answer
  }

  const verify: TokenVerifier = async presented => {
    const { token, signal } = presented
    if (token === '' || token.length > MAX_TOKEN_CHARACTERS) {
      throw refusedToken('malformed', `has ${token.length} characters`, { expected: `1 to ${MAX_TOKEN_CHARACTERS}` })
    }
    const digest = await digestOf(token)
    const answer = cache.get(digest, now()) ?? (await flights.run(digest, () => ask(token, digest), signal))
    if (answer === 'inactive') {
      throw refusedToken('inactive', 'is not active', { hint: 'It has expired, was revoked, or is of another server.' })
    }
    assertIssuer(answer, issuer)
    assertTimes(answer, { now: now(), toleranceMs: clockToleranceSeconds * 1000, requiresExpiry: false })
    assertAudience(answer, {
      claim: options.audienceClaim ?? 'aud',
      accepted: presented.audience,
      acceptsMissing: options.acceptsMissingAudience ?? false,
    })
    assertKind(answer, options.acceptsMissingAudience ?? false)
    assertBindingIsChecked(answer, presented)
    const named = claimOf(answer, 'iss') === undefined ? issuer : (answer['iss'] as string)
    return toAuthInfo(answer, options, { issuer: named, namespace: named ?? endpoint, token })
  }

  return Object.assign(verify, {
    recognizes: (token: string) => recognize(token, issuer),
    async forget(token: string) {
      generation++
      const digest = await digestOf(token)
      flights.leave(digest)
      cache.delete(digest)
    },
  })
}

function assertOptions({ endpoint, client }: IntrospectionVerifierOptions): void {
  assertSecureUrl(endpoint, 'endpoint')
  if (typeof client === 'function' || (client.clientId !== '' && client.clientSecret !== '')) return
  throw new TokenError('configuration', 'Introspection needs a client id and a client secret.', {
    step: 'configuration',
    hint: 'Register this server as a client at the authorization server; RFC 7662 §2.1 forbids questions of strangers.',
  })
}

/** A JWT of another issuer is not shown to this one. */
function recognize(token: string, issuer: string | undefined): Recognition {
  const jwt = parseJwt(token)
  if (!jwt || issuer === undefined) return 'maybe'
  return jwt.claims['iss'] === issuer ? 'yes' : 'no'
}

function assertIssuer(answer: JsonObject, issuer: string | undefined): void {
  const iss = claimOf(answer, 'iss')
  if (iss === undefined || (typeof iss === 'string' && (issuer === undefined || iss === issuer))) return
  throw refusedToken('wrong_issuer', 'is of another issuer', { expected: issuer ?? 'an issuer', received: iss })
}

/** Servers answer `active` for refresh tokens, too; some say in `token_type` that it is an access token, others by leaving it out that it is none. */
function assertKind(answer: JsonObject, mustTell: boolean): void {
  assertAccessToken(answer)
  const type = claimOf(answer, 'token_type')
  const isAccess = typeof type === 'string' && /^(?:bearer|dpop|access_token)$/iu.test(type)
  if (isAccess || (type === undefined && !mustTell)) return
  throw refusedToken('wrong_type', 'is none', { expected: 'token_type Bearer or DPoP', received: type })
}

function expiryOf(answer: JsonObject): number | undefined {
  try {
    return timeOf(answer, 'exp')
  } catch {
    // Unreadable, and so refused; not kept either.
    return 0
  }
}

function tooMany(endpoint: string): TokenError {
  return new TokenError('introspection_unavailable', 'Too many questions about tokens are under way.', {
    step: 'introspection',
    url: displayUrl(endpoint),
    expected: `at most ${MAX_QUESTIONS}`,
    hint: 'Either the authorization server is slow, or somebody sends made-up tokens.',
  })
}
