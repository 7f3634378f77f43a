import { generateKeyPairSync, type KeyObject, verify, constants } from 'node:crypto'
import type { JWK } from 'jose'

/** A key pair that nothing of ours made. */
export interface TestKey {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly pem: string
  readonly jwk: JWK
}

const made = new Map<string, TestKey>()

/** The key pair of a curve, or an RSA one of so many bits; each is made once. */
export function testKey(kind: 'P-256' | 'P-384' | 'P-521' | 'secp256k1' | 'Ed25519' | 1024 | 2048): TestKey {
  const known = made.get(String(kind))
  if (known) return known
  const { privateKey, publicKey } =
    typeof kind === 'number'
      ? generateKeyPairSync('rsa', { modulusLength: kind })
      : kind === 'Ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: kind })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const key = { privateKey, publicKey, pem, jwk: privateKey.export({ format: 'jwk' }) as JWK }
  made.set(String(kind), key)
  return key
}

/** Which test key signs with which algorithm. */
export const KEY_OF = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
  PS256: 2048,
  PS384: 2048,
  PS512: 2048,
  RS256: 2048,
  RS384: 2048,
  RS512: 2048,
} as const

/** A JWT taken apart by hand. */
export function readJwt(jwt: string): {
  readonly header: Record<string, unknown>
  readonly payload: Record<string, unknown>
  readonly input: Buffer
  readonly signature: Buffer
} {
  const [header = '', payload = '', signature = '', ...rest] = jwt.split('.')
  if (rest.length > 0) throw new Error('has too many parts')
  const read = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString())
  return {
    header: read(header),
    payload: read(payload),
    input: Buffer.from(`${header}.${payload}`),
    signature: Buffer.from(signature, 'base64url'),
  }
}

/** Verifies a JWT with node:crypto alone, by its own `alg` (RFC 7518 §3). */
export function verifyJwt(jwt: string, key: KeyObject): boolean {
  const { header, input, signature } = readJwt(jwt)
  const algorithm = String(header['alg'])
  const hash = algorithm.startsWith('Ed') ? null : `sha${algorithm.slice(2)}`
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
  const options = algorithm.startsWith('PS')
    ? pss
    : algorithm.startsWith('ES')
      ? { dsaEncoding: 'ieee-p1363' as const }
      : {}
  return verify(hash, input, { key, ...options }, signature)
}
