import { compactVerify, errors } from 'jose'
import { refusedToken } from './access-token-rules.ts'
import { type KeySet, rememberProven, type SigningKeys } from './signing-keys.ts'
import { TokenError } from './token-error.ts'

/** Keys that are tried for a token that names none, or one that several share. */
const MAX_TRIED_KEYS = 8

/** What {@link verifyJwtSignature} needs to know about a token. */
export interface SignedToken {
  readonly token: string
  readonly algorithm: string
  /** When it says that it was issued, in milliseconds since the epoch. Not verified. */
  readonly issuedAt: number | undefined
  readonly toleranceMs: number
  readonly signal: AbortSignal | undefined
}

/**
 * Verifies the signature of a JWT. Where the known keys do not fit, the issuer's keys are read anew, within limits: keys rotate, and a
 * development server that starts again has others under the same name.
 *
 * @throws {TokenError} `unknown_key`, `bad_signature`, `malformed`, `keys_unavailable`
 * @see RFC 7515 §5.2, RFC 8725 §3.1
 */
export async function verifyJwtSignature(signed: SignedToken, keys: SigningKeys): Promise<void> {
  const known = await keys.current(signed.signal)
  const first = await attempt(signed, known)
  if (first === 'verified') return
  const newer = await newerKeys(first, known, signed, keys)
  const second = newer ? await attempt(signed, newer) : first
  if (second === 'verified') return
  if (second === 'bad_signature') {
    throw refusedToken('bad_signature', 'is not signed by its issuer', { hint: 'It was changed, or forged.' })
  }
  // A key that was made after the last reading cannot be told from one that never was: sending the person to log in would be for nothing.
  if (!newer && signed.issuedAt !== undefined && signed.issuedAt + signed.toleranceMs >= known.readAt) {
    throw new TokenError('keys_unavailable', 'The access token names a key that may be newer than those known here.', {
      step: 'signing keys',
      hint: 'The keys are read again after a pause, so that a flood of such tokens does not become one of requests.',
      retryAfterMs: keys.coolDownMs,
    })
  }
  throw refusedToken('unknown_key', 'is signed with a key that its issuer does not publish', {
    hint: 'The key was withdrawn, or the token is of another environment.',
  })
}

type Outcome = 'verified' | 'bad_signature' | 'unknown_key'

async function newerKeys(
  outcome: Outcome,
  known: KeySet,
  { signal }: SignedToken,
  keys: SigningKeys,
): Promise<KeySet | undefined> {
  try {
    return await keys.newerThan(known, signal)
  } catch (error) {
    // A signature that its key contradicts is wrong whether or not the issuer can be reached.
    if (outcome === 'bad_signature' && error instanceof TokenError) return undefined
    throw error
  }
}

async function attempt(signed: SignedToken, keys: KeySet): Promise<Outcome> {
  const { token } = signed
  if (keys.proven.has(token)) return 'verified'
  const outcome = await verifyWith(signed, keys)
  if (outcome === 'verified') rememberProven(keys, token)
  return outcome
}

async function verifyWith({ token, algorithm }: SignedToken, { choose }: KeySet): Promise<Outcome> {
  const options = { algorithms: [algorithm] }
  try {
    await compactVerify(token, choose, options)
    return 'verified'
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return attemptEach(token, error, options)
    return outcomeOf(error)
  }
}

async function attemptEach(
  token: string,
  candidates: errors.JWKSMultipleMatchingKeys,
  options: { readonly algorithms: string[] },
): Promise<Outcome> {
  let tried = 0
  for await (const key of candidates) {
    if (tried++ === MAX_TRIED_KEYS) break
    try {
      await compactVerify(token, key, options)
      return 'verified'
    } catch (error) {
      outcomeOf(error)
    }
  }
  return 'bad_signature'
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof errors.JWKSNoMatchingKey) return 'unknown_key'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'bad_signature'
  if (error instanceof errors.JWSInvalid) throw refusedToken('malformed', 'is no signed JWT')
  // A published key that this platform cannot use is as good as none.
  return 'unknown_key'
}
