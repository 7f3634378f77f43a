import {
  calculateJwkThumbprint,
  CompactSign,
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JWK,
} from 'jose'
import { OAuthError } from '../errors.ts'
import type { RandomBytes } from './authorization.ts'
import { encodeBase64Url } from './base64url.ts'
import { digestOf } from './digest.ts'

/** Algorithms for proofs, most wanted first. Small keys and fast signatures: every request is signed. */
export const DPOP_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519', 'ES384', 'ES512', 'PS256', 'RS256'] as const

export type DpopAlgorithm = (typeof DPOP_ALGORITHMS)[number]

/** A private key for proofs as it is kept, sealed in the credential record: a JWK with `alg`. */
export type DpopJwk = Readonly<Record<string, unknown>>

/** A key ready to sign. The private part cannot be taken out again. */
export interface DpopKey {
  readonly algorithm: DpopAlgorithm
  readonly publicJwk: JWK
  readonly privateKey: CryptoKey
}

/**
 * The first algorithm that this client and every server with an opinion know; undefined when there is none. A list that was not
 * published restricts nothing.
 *
 * @see RFC 9449 §5.1
 */
export function chooseDpopAlgorithm(
  ...accepted: readonly (readonly string[] | undefined)[]
): DpopAlgorithm | undefined {
  return DPOP_ALGORITHMS.find(each => accepted.every(list => list === undefined || list.includes(each)))
}

/** Makes the key of one login. @throws {OAuthError} `dpop_unsupported` where the platform does not know the algorithm */
export async function generateDpopJwk(algorithm: DpopAlgorithm): Promise<DpopJwk> {
  try {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
    return { ...(await exportJWK(privateKey)), alg: algorithm }
  } catch (error) {
    throw new OAuthError(
      'dpop_unsupported',
      `This platform makes no keys for ${algorithm}.`,
      { step: 'proof of possession', received: algorithm },
      { cause: error },
    )
  }
}

/** Makes a kept key ready to sign. @throws {OAuthError} `login_required` when it is damaged */
export async function importDpopKey(jwk: DpopJwk): Promise<DpopKey> {
  const algorithm = DPOP_ALGORITHMS.find(each => each === jwk['alg'])
  try {
    if (algorithm !== undefined) {
      const privateKey = await importJWK(jwk as JWK, algorithm, { extractable: false })
      const usable = !(privateKey instanceof Uint8Array) && privateKey.type === 'private'
      if (usable) return { algorithm, publicJwk: publicPartOf(jwk), privateKey }
    }
  } catch {
    // What the parser says may quote the key.
  }
  throw new OAuthError('login_required', 'The key that this login is bound to cannot be read.', {
    step: 'proof of possession',
    hint: 'Log in again.',
  })
}

/** The public members of the key types above (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2). */
function publicPartOf(jwk: DpopJwk): JWK {
  const names = ['kty', 'crv', 'x', 'y', 'n', 'e']
  return Object.fromEntries(names.flatMap(name => (jwk[name] === undefined ? [] : [[name, jwk[name]]])))
}

/** The thumbprint that a token is bound to, `dpop_jkt` of an authorization request (RFC 7638, RFC 9449 §10). */
export function dpopThumbprint(jwk: DpopJwk): Promise<string> {
  return calculateJwkThumbprint(publicPartOf(jwk), 'sha256')
}

/** What one proof covers. */
export interface DpopProofInput {
  readonly method: string
  readonly url: string | URL
  /** The token that goes with the request; absent at the token endpoint. */
  readonly accessToken?: string | undefined
  /** The last one that this server gave. */
  readonly nonce?: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly randomBytes: RandomBytes
}

/**
 * Makes a proof for one request. It must not be used for another, a retry included.
 *
 * @see RFC 9449 §4.2
 */
export async function createDpopProof(key: DpopKey, input: DpopProofInput): Promise<string> {
  const target = new URL(input.url)
  const payload = {
    jti: encodeBase64Url(input.randomBytes(16)),
    htm: input.method,
    htu: `${target.origin}${target.pathname}`,
    iat: Math.floor(input.now / 1000),
    ...(input.accessToken !== undefined && { ath: await digestOf(input.accessToken) }),
    ...(input.nonce !== undefined && { nonce: input.nonce }),
  }
  return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader({ typ: 'dpop+jwt', alg: key.algorithm, jwk: key.publicJwk })
    .sign(key.privateKey)
}

/** A nonce that can be sent back: `1*NQCHAR` of a bounded length; others are ignored (RFC 9449 §8.1). */
export function readDpopNonce(headers: Headers): string | undefined {
  const nonce = headers.get('dpop-nonce') ?? ''
  return /^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/u.test(nonce) ? nonce : undefined
}
