import { base64url, CompactSign, importJWK, importPKCS8, type CryptoKey, type JWK } from 'jose'
import { OAuthError } from '../errors.ts'

/** Algorithms that JWTs of a client are signed with (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864). */
export const SIGNING_ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

/** A private key that never leaves its keeper, such as a key management service: it only signs. */
export interface RemoteSigner {
  readonly algorithm: SigningAlgorithm
  /** The raw signature of `data` as JOSE wants it: for ES algorithms r and s side by side, no DER (RFC 7518 §3.4). */
  sign(data: Uint8Array): Promise<Uint8Array>
}

/** A private key: PKCS #8 PEM, a JWK, a `CryptoKey`, or somebody who signs. */
export type PrivateKey = string | JWK | CryptoKey | RemoteSigner

/** The private key of a client, and what its keeper knows about it. */
export interface ClientKey {
  readonly key: PrivateKey
  /** Default: what the key itself says; of several, the first that the server accepts. */
  readonly algorithm?: SigningAlgorithm
  /** Names the key in the client's key set. Default: the `kid` of a JWK. */
  readonly keyId?: string
}

/** A header and a payload to be signed. */
export interface UnsignedJwt {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Readonly<Record<string, unknown>>
}

/**
 * Signs a JWT with the first algorithm that both the key and `accepted` know; with an unknown `accepted`, with the key's own first.
 *
 * @throws {OAuthError} `configuration` for a key that cannot be read or whose algorithms the server does not accept; never quotes the key
 * @see RFC 7515 §7.1
 */
export async function signJwt(
  { key, algorithm, keyId = keyIdOf(key) }: ClientKey,
  { header, payload }: UnsignedJwt,
  accepted?: readonly string[],
): Promise<string> {
  const able = algorithm === undefined ? algorithmsOf(key) : [algorithm]
  for (const alg of accepted ? able.filter(each => accepted.includes(each)) : able) {
    const usable = await importKey(key, alg)
    if (!usable) continue
    const protectedHeader = { ...header, alg, ...(keyId !== undefined && { kid: keyId }) }
    const bytes = new TextEncoder().encode(JSON.stringify(payload))
    if ('sign' in usable) return signRemotely(usable, protectedHeader, bytes)
    return new CompactSign(bytes).setProtectedHeader(protectedHeader).sign(usable)
  }
  throw accepted && able.every(each => !accepted.includes(each)) ? notAccepted(able, accepted) : unreadable(key)
}

/** @throws {OAuthError} `configuration` for what can be no private key, without quoting it */
export function assertPrivateKey({ key, algorithm }: ClientKey): void {
  if (algorithmsOf(key).length === 0) throw unreadable(key)
  if (algorithm !== undefined && !SIGNING_ALGORITHMS.includes(algorithm)) {
    throw new OAuthError('configuration', `The signing algorithm ${algorithm} is not supported.`, {
      step: 'client authentication',
      expected: SIGNING_ALGORITHMS.join(', '),
      received: algorithm,
    })
  }
}

async function signRemotely(signer: RemoteSigner, header: object, payload: Uint8Array): Promise<string> {
  const input = `${base64url.encode(JSON.stringify(header))}.${base64url.encode(payload)}`
  return `${input}.${base64url.encode(await signer.sign(new TextEncoder().encode(input)))}`
}

/** The key ready to sign with `alg`; undefined when it is of another kind. */
async function importKey(key: PrivateKey, alg: SigningAlgorithm): Promise<CryptoKey | RemoteSigner | undefined> {
  try {
    if (typeof key === 'string') return await importPKCS8(key, alg)
    if (!isJwk(key)) return key
    const imported = await importJWK({ ...key, alg }, alg)
    return imported instanceof Uint8Array ? undefined : imported
  } catch {
    // What the parser says may quote the key.
    return undefined
  }
}

const RSA = ['PS256', 'RS256', 'PS384', 'RS384', 'PS512', 'RS512'] as const
const BY_CURVE: Readonly<Record<string, readonly SigningAlgorithm[]>> = {
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
  Ed25519: ['EdDSA', 'Ed25519'],
}

/** What a key may sign with, most wanted first. A PEM says it only when it is read. */
function algorithmsOf(key: PrivateKey): readonly SigningAlgorithm[] {
  if (typeof key === 'string') return key.includes('-----BEGIN PRIVATE KEY-----') ? SIGNING_ALGORITHMS : []
  if (typeof key !== 'object' || key === null) return []
  if ('sign' in key) return [key.algorithm]
  if (isJwk(key)) {
    if (typeof key.d !== 'string') return []
    const stated = SIGNING_ALGORITHMS.filter(each => each === key.alg)
    if (stated.length > 0) return stated
    return key.kty === 'RSA' ? RSA : (BY_CURVE[key.crv ?? ''] ?? [])
  }
  if (!('algorithm' in key) || !key.usages.includes('sign')) return []
  const {
    name,
    namedCurve = name,
    hash,
  } = key.algorithm as { name: string; namedCurve?: string; hash?: { name: string } }
  if (hash === undefined || !name.startsWith('RSA')) return BY_CURVE[namedCurve] ?? []
  const suffix = hash.name.replace('SHA-', '')
  return RSA.filter(each => each === `${name === 'RSA-PSS' ? 'PS' : 'RS'}${suffix}`)
}

function keyIdOf(key: PrivateKey): string | undefined {
  return isJwk(key) ? key.kid : undefined
}

function isJwk(key: PrivateKey): key is JWK {
  return typeof key === 'object' && 'kty' in key
}

function notAccepted(able: readonly string[], accepted: readonly string[]): OAuthError {
  return new OAuthError(
    'configuration',
    'The authorization server accepts no algorithm that the private key signs with.',
    {
      step: 'client authentication',
      expected: accepted.join(', '),
      received: able.join(', '),
      hint: 'Register another key, or one of another kind.',
    },
  )
}

function unreadable(key: PrivateKey): OAuthError {
  const pem = typeof key === 'string' ? /-----BEGIN ([A-Z ]+)-----/u.exec(key)?.[1] : undefined
  const traditional = pem === 'RSA PRIVATE KEY' || pem === 'EC PRIVATE KEY' || pem === 'ENCRYPTED PRIVATE KEY'
  return new OAuthError('configuration', 'The private key cannot be used to sign.', {
    step: 'client authentication',
    expected: 'a PKCS #8 PEM (BEGIN PRIVATE KEY), a private JWK, a CryptoKey that may sign, or a signer',
    received: pem ?? (typeof key === 'string' ? 'text that is no PEM' : 'another object'),
    ...(traditional && { hint: 'Convert it: openssl pkcs8 -topk8 -nocrypt -in key.pem' }),
  })
}
