import { CompactSign, importJWK, importPKCS8, type CryptoKey, type JWK } from 'jose'
import { OAuthError } from '../errors.ts'
import { displayText } from './display-text.ts'
import { algorithmsOf, isJwk, isRemoteSigner, pemBlock, SIGNING_ALGORITHMS } from './key-algorithms.ts'
import { signRemotely } from './remote-signature.ts'

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
 * Signs a JWT with the first algorithm that both the key and `accepted` know. With an unknown `accepted` an RSA key signs RS256, which servers
 * should support whatever they publish (RFC 8414 §2), and another its only algorithm.
 *
 * @throws {OAuthError} `configuration` for a key that cannot be read or whose algorithms the server does not accept, and for a signer that
 * fails; never quotes the key
 * @see RFC 7515 §7.1
 */
export async function signJwt(
  clientKey: ClientKey,
  { header, payload }: UnsignedJwt,
  accepted?: readonly string[],
): Promise<string> {
  const { key, keyId = keyIdOf(key) } = clientKey
  const able = usableAlgorithms(clientKey)
  const wanted = accepted ? able.filter(each => accepted.includes(each)) : [...able].sort(byRs256First)
  for (const alg of wanted) {
    const usable = await importKey(key, alg)
    if (!usable) continue
    const protectedHeader = { ...header, alg, ...(keyId !== undefined && { kid: keyId }) }
    const bytes = new TextEncoder().encode(JSON.stringify(payload))
    if (isRemoteSigner(usable)) return signRemotely(usable, { ...protectedHeader, alg }, bytes)
    return new CompactSign(bytes).setProtectedHeader(protectedHeader).sign(usable)
  }
  throw await whyNot(key, able, accepted)
}

/** @throws {OAuthError} `configuration` for what can be no private key, without quoting it */
export function assertPrivateKey(clientKey: ClientKey): void {
  const { key, algorithm } = clientKey
  if (algorithm !== undefined && !SIGNING_ALGORITHMS.includes(algorithm)) {
    throw new OAuthError('configuration', `The signing algorithm ${algorithm} is not supported.`, {
      step: STEP,
      expected: SIGNING_ALGORITHMS.join(', '),
      received: algorithm,
    })
  }
  const able = algorithmsOf(key)
  if (able.length === 0) throw unreadable(key)
  if (algorithm === undefined || able.includes(algorithm)) return
  throw new OAuthError('configuration', `The private key does not sign with ${algorithm}.`, {
    step: STEP,
    expected: able.join(', '),
    received: algorithm,
  })
}

const STEP = 'client authentication'

function usableAlgorithms(clientKey: ClientKey): readonly SigningAlgorithm[] {
  assertPrivateKey(clientKey)
  return clientKey.algorithm === undefined ? algorithmsOf(clientKey.key) : [clientKey.algorithm]
}

function byRs256First(one: SigningAlgorithm, other: SigningAlgorithm): number {
  return Number(other === 'RS256') - Number(one === 'RS256')
}

/** The key ready to sign with `alg`; undefined when it is of another kind. @throws {OAuthError} `configuration` for a key that is too weak */
async function importKey(key: PrivateKey, alg: SigningAlgorithm): Promise<CryptoKey | RemoteSigner | undefined> {
  const imported = await readKey(key, alg)
  if (imported && !isRemoteSigner(imported)) assertStrong(imported)
  return imported
}

async function readKey(key: PrivateKey, alg: SigningAlgorithm): Promise<CryptoKey | RemoteSigner | undefined> {
  try {
    if (typeof key === 'string') return await importPKCS8(pemBlock(key) ?? '', alg)
    if (!isJwk(key)) return key
    // What a key is for was looked at before; what else it says is in the way of importing it.
    const { use: _use, key_ops: _operations, ext: _extractable, ...members } = key
    const imported = await importJWK({ ...members, alg }, alg, { extractable: false })
    return imported instanceof Uint8Array ? undefined : imported
  } catch {
    // What the parser says may quote the key.
    return undefined
  }
}

/** RFC 7518 §3.3, §3.5. */
const MIN_RSA_BITS = 2048

function assertStrong({ algorithm }: CryptoKey): void {
  const bits = 'modulusLength' in algorithm ? Number(algorithm.modulusLength) : MIN_RSA_BITS
  if (bits >= MIN_RSA_BITS) return
  throw new OAuthError('configuration', 'The private key is too short to sign with.', {
    step: STEP,
    expected: `an RSA key of at least ${MIN_RSA_BITS} bits (RFC 7518 §3.3)`,
    received: `${bits} bits`,
    hint: 'Make a new key and register it.',
  })
}

function keyIdOf(key: PrivateKey): string | undefined {
  return isJwk(key) && typeof key.kid === 'string' ? key.kid : undefined
}

/** Tells a key that the server does not accept from one that nobody can read. */
async function whyNot(
  key: PrivateKey,
  able: readonly SigningAlgorithm[],
  accepted: readonly string[] | undefined,
): Promise<OAuthError> {
  const readable: SigningAlgorithm[] = []
  for (const alg of able) if (await importKey(key, alg)) readable.push(alg)
  return accepted && readable.length > 0 ? notAccepted(readable, accepted) : unreadable(key)
}

function notAccepted(able: readonly string[], accepted: readonly string[]): OAuthError {
  return new OAuthError(
    'configuration',
    'The authorization server accepts no algorithm that the private key signs with.',
    {
      step: STEP,
      expected: displayText(accepted.join(', ')),
      received: able.join(', '),
      hint: 'Register another key, or one of another kind.',
    },
  )
}

function unreadable(key: PrivateKey): OAuthError {
  const label = typeof key === 'string' ? /-----BEGIN ([A-Z ]{1,40})-----/u.exec(key)?.[1] : undefined
  const traditional = label === 'RSA PRIVATE KEY' || label === 'EC PRIVATE KEY' || label === 'ENCRYPTED PRIVATE KEY'
  const pem = label === 'PRIVATE KEY' ? 'a PRIVATE KEY that is damaged, or of an unsupported kind' : label
  return new OAuthError('configuration', 'The private key cannot be used to sign.', {
    step: STEP,
    expected: 'a PKCS #8 PEM (BEGIN PRIVATE KEY), a private JWK, a CryptoKey that may sign, or a signer',
    received: pem ?? (typeof key === 'string' ? 'text that is no PEM' : 'another object'),
    ...(traditional && { hint: 'Convert it: openssl pkcs8 -topk8 -nocrypt -in key.pem' }),
  })
}
