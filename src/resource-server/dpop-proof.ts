import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose'
import { constantTimeEqual } from '../oauth/protocol/authorization.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { isJsonObject, type JsonObject } from '../oauth/protocol/json-object.ts'
import { holdsPrivateKey } from '../oauth/protocol/json-web-key-set.ts'
import { claimOf } from './access-token-rules.ts'
import { digestOf } from '../oauth/protocol/digest.ts'
import { parseJwt } from './jwt.ts'
import { TokenError } from './token-error.ts'
import { sameTarget } from './same-target.ts'

const STEP = 'proof of possession'
const MAX_PROOF_CHARACTERS = 8_192
const MAX_TEXT = 1_024
/** Base64url of 4096 and 32 bits: verifying with larger numbers costs a server more than it costs the client to make them up. */
const MAX_MODULUS_CHARACTERS = 683
const MAX_EXPONENT_CHARACTERS = 6

/** What a proof is held against. */
export interface ExpectedProof {
  readonly token: string
  /** In upper case. */
  readonly method: string
  /** Of the resource, from configuration. */
  readonly url: string
  readonly algorithms: readonly string[]
}

/** A proof that was made with its key, for this request and this token. Whether it is fresh and new is for the caller to find out. */
export interface VerifiedProof {
  /** SHA-256 thumbprint of the key (RFC 7638): `jkt`. */
  readonly thumbprint: string
  readonly jti: string
  /** Milliseconds since the epoch, by the client's clock. */
  readonly issuedAt: number
  readonly nonce: string | undefined
}

/**
 * Verifies a proof of possession: exactly one; a JWT of type `dpop+jwt`; signed with an allowed algorithm by the public key in its header;
 * `htm`, `htu` and `ath` of this request; `jti` and `iat` present. Freshness, nonce, replay and the binding of the token are not checked here.
 *
 * @throws {TokenError} `invalid_dpop_proof`
 * @see RFC 9449 §4.3
 */
export async function verifyDpopProof(proofs: readonly string[], expected: ExpectedProof): Promise<VerifiedProof> {
  const [proof] = proofs
  if (proof === undefined || proofs.length !== 1) {
    throw refusedProof('there is not exactly one', { expected: 'one DPoP header', received: String(proofs.length) })
  }
  const { header, claims } = readProof(proof)
  const { algorithm, jwk } = keyOf(header, expected.algorithms)
  const times = { iat: claimOf(claims, 'iat'), jti: textOf(claims, 'jti') }
  if (times.jti === undefined || typeof times.iat !== 'number' || !Number.isFinite(times.iat)) {
    throw refusedProof('it lacks a claim', {
      expected: 'jti and iat',
      received: displayText(Object.keys(claims).slice(0, 20).join(' ')),
    })
  }
  assertRequest(claims, expected)
  const hash = textOf(claims, 'ath')
  if (hash === undefined || !constantTimeEqual(hash, await digestOf(expected.token))) {
    throw refusedProof('it is for another token', { expected: 'ath, the hash of the access token' })
  }
  await assertSignature(proof, algorithm, jwk)
  return {
    thumbprint: await calculateJwkThumbprint(jwk, 'sha256'),
    jti: times.jti,
    issuedAt: times.iat * 1000,
    nonce: textOf(claims, 'nonce'),
  }
}

/** A refused proof. Never quotes it. */
export function refusedProof(
  problem: string,
  detail: { readonly expected?: string; readonly received?: string; readonly hint?: string },
): TokenError {
  return new TokenError('invalid_dpop_proof', `The proof of possession is refused: ${problem}.`, {
    step: STEP,
    ...detail,
  })
}

function readProof(proof: string): { readonly header: JsonObject; readonly claims: JsonObject } {
  const parsed = proof.length <= MAX_PROOF_CHARACTERS ? parseJwt(proof) : undefined
  if (!parsed) throw refusedProof('it is no JWT', { expected: `a JWT of at most ${MAX_PROOF_CHARACTERS} characters` })
  const typ = claimOf(parsed.header, 'typ')
  // Any other JWT that the key ever signed would do as well, or else.
  if (typeof typ !== 'string' || !/^(?:application\/)?dpop\+jwt$/iu.test(typ)) {
    throw refusedProof('it is another kind of JWT', {
      expected: 'typ dpop+jwt',
      received: displayText(typ ?? 'none', 60),
    })
  }
  if (claimOf(parsed.header, 'crit') !== undefined) {
    throw refusedProof('it asks for extensions', { expected: 'no crit', received: 'crit' })
  }
  return parsed
}

function keyOf(header: JsonObject, algorithms: readonly string[]): { readonly algorithm: string; readonly jwk: JWK } {
  const algorithm = claimOf(header, 'alg')
  if (typeof algorithm !== 'string' || !algorithms.includes(algorithm)) {
    const [expected, received] = [algorithms.join(' '), displayText(algorithm ?? 'none', 60)]
    throw refusedProof('its algorithm is not accepted', { expected, received })
  }
  const jwk = claimOf(header, 'jwk')
  if (!isJsonObject(jwk) || typeof jwk['kty'] !== 'string') {
    throw refusedProof('it does not bring its key', { expected: 'jwk, a public key' })
  }
  if (holdsPrivateKey(jwk)) {
    const hint = 'The client shows its private key: it must make a new one, and send only the public part.'
    throw refusedProof('its key is not public', { expected: 'jwk, a public key', hint })
  }
  if (lengthOf(jwk['n']) > MAX_MODULUS_CHARACTERS || lengthOf(jwk['e']) > MAX_EXPONENT_CHARACTERS) {
    throw refusedProof('its key is too large', { expected: 'RSA with at most 4096 bits' })
  }
  return { algorithm, jwk }
}

const lengthOf = (value: unknown): number => (typeof value === 'string' ? value.length : 0)

function assertRequest(claims: JsonObject, { method, url }: ExpectedProof): void {
  const htm = textOf(claims, 'htm')
  if (htm !== method) {
    throw refusedProof('it is for another method', { expected: method, received: displayText(htm ?? 'none', 60) })
  }
  const htu = textOf(claims, 'htu')
  if (htu !== undefined && sameTarget(htu, url)) return
  throw refusedProof('it is for another URL', {
    expected: displayText(url),
    received: displayText(htu ?? 'none'),
    hint: 'Behind a proxy, `resource` must be the URL that clients use.',
  })
}

async function assertSignature(proof: string, algorithm: string, jwk: JWK): Promise<void> {
  try {
    await compactVerify(proof, await importJWK(jwk, algorithm), { algorithms: [algorithm] })
  } catch {
    // What the library says may quote the key.
    throw refusedProof('it is not signed with its key', { expected: `a signature with ${algorithm} by the key in jwk` })
  }
}

function textOf(claims: JsonObject, name: string): string | undefined {
  const value = claimOf(claims, name)
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT ? value : undefined
}
