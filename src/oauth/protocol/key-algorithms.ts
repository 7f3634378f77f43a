import type { CryptoKey, JWK } from 'jose'
import type { PrivateKey, RemoteSigner, SigningAlgorithm } from './signing-key.ts'

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

const RSA = ['PS256', 'RS256', 'PS384', 'RS384', 'PS512', 'RS512'] as const
const BY_CURVE: ReadonlyMap<unknown, readonly SigningAlgorithm[]> = new Map<unknown, readonly SigningAlgorithm[]>([
  ['P-256', ['ES256']],
  ['P-384', ['ES384']],
  ['P-521', ['ES512']],
  ['Ed25519', ['EdDSA', 'Ed25519']],
])

/** What a key may sign with, most wanted first; nothing for what is no private key. A PEM says it only when it is read. */
export function algorithmsOf(key: PrivateKey): readonly SigningAlgorithm[] {
  if (typeof key === 'string') return pemBlock(key) === undefined ? [] : SIGNING_ALGORITHMS
  if (typeof key !== 'object' || key === null) return []
  if (isRemoteSigner(key)) return SIGNING_ALGORITHMS.filter(each => each === key.algorithm)
  return isJwk(key) ? algorithmsOfJwk(key) : algorithmsOfCryptoKey(key)
}

/** Whether the key only signs, elsewhere. */
export function isRemoteSigner(key: unknown): key is RemoteSigner {
  return typeof key === 'object' && key !== null && 'sign' in key && typeof key.sign === 'function'
}

export function isJwk(key: unknown): key is JWK {
  return typeof key === 'object' && key !== null && 'kty' in key
}

/**
 * The PKCS #8 block in a text, whatever stands around it. A line break may have become `\n`, as it does in environment variables.
 *
 * @see RFC 7468 §10
 */
export function pemBlock(text: string): string | undefined {
  const block = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/u.exec(text)?.[0]
  return block?.replaceAll(/\\r|\\n/gu, '\n')
}

/** A key that says what it is for is used for nothing else (RFC 7517 §4.2, §4.3, §4.4). */
function algorithmsOfJwk({ kty, crv, d, alg, use, key_ops: operations }: JWK): readonly SigningAlgorithm[] {
  const mayNotSign = (use ?? 'sig') !== 'sig' || (Array.isArray(operations) && !operations.includes('sign'))
  if (typeof d !== 'string' || mayNotSign) return []
  const able = kty === 'RSA' ? RSA : kty === 'EC' || kty === 'OKP' ? (BY_CURVE.get(crv) ?? []) : []
  return alg === undefined ? able : able.filter(each => each === alg)
}

function algorithmsOfCryptoKey({ algorithm, usages }: CryptoKey): readonly SigningAlgorithm[] {
  if (!Array.isArray(usages) || !usages.includes('sign')) return []
  const { name, namedCurve, hash } = algorithm as { name: string; namedCurve?: string; hash?: { name: string } }
  const family = name === 'RSA-PSS' ? 'PS' : name === 'RSASSA-PKCS1-v1_5' ? 'RS' : undefined
  if (family === undefined) return BY_CURVE.get(namedCurve ?? name) ?? []
  return RSA.filter(each => each === `${family}${hash?.name.replace('SHA-', '') ?? ''}`)
}
