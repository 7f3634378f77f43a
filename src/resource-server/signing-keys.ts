import { createLocalJWKSet, type FlattenedJWSInput, type JWK, type JWSHeaderParameters } from 'jose'
import type { OAuthRequest } from '../oauth/oauth-request.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import { describeAnswer } from '../oauth/protocol/http-answer.ts'
import { isJsonObject, type JsonObject, parseJsonObject } from '../oauth/protocol/json-object.ts'
import { holdsPrivateKey } from '../oauth/protocol/json-web-key-set.ts'
import { createGuardedRequest, toUnavailable, type VerifierWorld } from './guarded-request.ts'
import { findKeyLocation } from './key-location.ts'
import { createSharedFlights, SHARES_WORK } from './shared-flight.ts'
import { TokenError } from './token-error.ts'

/** Keys are read anew behind the scenes after this time, and before anything else after twice as much. */
export const FRESH_MS = 600_000
/** Between two readings that tokens with unknown keys cause: a flood of them fetches twice a minute. */
export const COOL_DOWN_MS = 30_000
/** Between two attempts while no key is known at all. */
const FIRST_KEYS_COOL_DOWN_MS = 5_000
/** How long known keys serve while the issuer cannot be reached. After that a withdrawn key must not be good any more. */
export const MAX_STALE_MS = 86_400_000
/** For how long the issuer's metadata need not be looked at again. */
const LOCATION_MS = 3_600_000
const MAX_BYTES = 262_144
/** More keys than this are left out. */
export const MAX_KEYS = 100

type KeyChoice = (
  header: JWSHeaderParameters,
  token: FlattenedJWSInput,
) => ReturnType<ReturnType<typeof createLocalJWKSet>>

/** The issuer's keys as they were at one time. */
export interface KeySet {
  readonly choose: KeyChoice
  /** When the reading began, in milliseconds since the epoch. */
  readonly readAt: number
  /** Tokens whose signatures these very keys proved; see {@link rememberProven}. */
  readonly proven: Set<string>
}

/** Tokens of which it is remembered that a set of keys proved them. */
export const MAX_PROVEN = 1_000

/**
 * Remembers that these keys proved a token's signature, whole and as it came, so that the next request with it costs no mathematics. With newer keys
 * nothing is remembered: a withdrawn key proves nothing any more. Everything else about a token is judged every time.
 */
export function rememberProven({ proven }: KeySet, token: string): void {
  proven.add(token)
  for (const oldest of proven) {
    if (proven.size <= MAX_PROVEN) return
    proven.delete(oldest)
  }
}

/** The keys of one issuer, kept in memory. */
export interface SigningKeys {
  /** The known keys; reads them when there are none, or when they are old. @throws {TokenError} `keys_unavailable` */
  current(signal?: AbortSignal): Promise<KeySet>
  /**
   * Newer keys than `known`, for a token that those do not fit: one reading for everybody, and none within {@link COOL_DOWN_MS} of the last.
   * Undefined when it is too early.
   *
   * @throws {TokenError} `keys_unavailable`
   */
  newerThan(known: KeySet, signal?: AbortSignal): Promise<KeySet | undefined>
  /** Milliseconds until {@link SigningKeys.newerThan} reads again. */
  readonly coolDownMs: number
}

export interface SigningKeysOptions extends VerifierWorld {
  readonly issuer: string
  /** Default: from the issuer's metadata. */
  readonly jwksUri?: string | undefined
}

/** Creates {@link SigningKeys}. Nothing is fetched before they are needed. */
export function createSigningKeys(options: SigningKeysOptions): SigningKeys {
  const { issuer, now = Date.now } = options
  const request = createGuardedRequest(options, MAX_BYTES)
  const flights = createSharedFlights<KeySet>()
  let keys: KeySet | undefined
  let location: { readonly url: string; readonly foundAt: number } | undefined
  let attemptedAt = Number.NEGATIVE_INFINITY
  let failure: TokenError | undefined

  async function locate(): Promise<string> {
    if (options.jwksUri !== undefined) return options.jwksUri
    if (!location || now() - location.foundAt >= LOCATION_MS) {
      location = { url: await findKeyLocation(issuer, request), foundAt: now() }
    }
    return location.url
  }

  async function read(): Promise<KeySet> {
    const readAt = now()
    attemptedAt = readAt
    try {
      const found = { choose: await fetchKeys(await locate(), request), readAt, proven: new Set<string>() }
      failure = undefined
      keys = found
      return found
    } catch (error) {
      location = undefined
      failure = toUnavailable('keys_unavailable', `The signing keys of ${displayUrl(issuer)} cannot be had`, error)
      throw failure
    }
  }

  const readOnce = (signal?: AbortSignal): Promise<KeySet> => flights.run('keys', read, signal)

  async function firstKeys(signal: AbortSignal | undefined): Promise<KeySet> {
    if (failure && now() - attemptedAt < FIRST_KEYS_COOL_DOWN_MS) throw failure
    return readOnce(signal)
  }

  return {
    get coolDownMs() {
      return Math.max(0, attemptedAt + COOL_DOWN_MS - now())
    },
    async current(signal) {
      const known = keys
      const age = known ? now() - known.readAt : Number.POSITIVE_INFINITY
      if (!known || age >= MAX_STALE_MS) return firstKeys(signal)
      if (age < FRESH_MS || now() - attemptedAt < COOL_DOWN_MS) return known
      const reading = readOnce(signal)
      if (SHARES_WORK && age < 2 * FRESH_MS) {
        reading.catch(() => undefined)
        return known
      }
      // Keys that are known go on working while the issuer is away.
      return reading.catch((error: unknown) => {
        if (error instanceof TokenError) return known
        throw error
      })
    },
    async newerThan(known, signal) {
      if (keys && keys !== known) return keys
      if (flights.size === 0 && now() - attemptedAt < COOL_DOWN_MS) return undefined
      return readOnce(signal)
    },
  }
}

async function fetchKeys(url: string, request: OAuthRequest): Promise<KeyChoice> {
  const step = 'signing keys'
  const headers = { accept: 'application/jwk-set+json, application/json' }
  const answer = await request({ step, method: 'GET', url, headers })
  const document = answer.status === 200 ? parseJsonObject(answer.body) : undefined
  const list: unknown = document?.['keys']
  const usable = Array.isArray(list) ? list.filter(isPublicKey).slice(0, MAX_KEYS) : []
  if (usable.length > 0) return createLocalJWKSet({ keys: usable })
  const where = displayUrl(url)
  throw new TokenError('keys_unavailable', `There are no public keys at ${where}.`, {
    step,
    url: where,
    status: answer.status,
    expected: 'a JSON Web Key Set with public keys (RFC 7517 §5)',
    received: describeAnswer(answer),
  })
}

/** A shared secret is no public key, and a private key that everybody can read proves nothing. */
function isPublicKey(key: unknown): key is JsonObject & JWK {
  return isJsonObject(key) && typeof key['kty'] === 'string' && !holdsPrivateKey(key)
}
