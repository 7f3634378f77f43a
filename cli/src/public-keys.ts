import { readFile } from 'node:fs/promises'
import { UsageError } from './usage-error.ts'

/** Members of public keys (RFC 7518 §6, RFC 8037 §2) and what is said about them. */
const PUBLIC_MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use', 'x5c', 'x5t', 'x5t#S256'] as const

/** A JWK, in part. */
export type PublicKey = Readonly<Record<string, unknown>>

/** The keys of a file, without anything secret, and whether the file holds secrets. */
export interface PublicKeys {
  readonly keys: readonly PublicKey[]
  readonly wasPrivate: boolean
}

/**
 * The public halves of the JWK, or the set of JWKs, in a file.
 *
 * @throws {UsageError} the file cannot be read or holds no key pair; never quotes it
 */
export async function readPublicKeys(file: string): Promise<PublicKeys> {
  const keys = keysIn(await readJson(file))
  if (keys.length === 0) throw new UsageError(`--jwk: ${file} holds neither a JWK nor a set of them`)
  return { keys: keys.map(key => publicHalf(key, file)), wasPrivate: keys.some(key => 'd' in key) }
}

async function readJson(file: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    throw new UsageError(`--jwk: ${file} cannot be read`)
  }
  try {
    return JSON.parse(text)
  } catch {
    // What the parser says quotes the file.
    const pem = text.includes('-----BEGIN ')
    throw new UsageError(`--jwk: ${file} is ${pem ? 'a PEM file' : 'no JSON'}`, 'give the key as a JWK (RFC 7517)')
  }
}

function keysIn(value: unknown): readonly PublicKey[] {
  if (!isRecord(value)) return []
  if (Array.isArray(value['keys'])) return value['keys'].filter(isRecord)
  return 'kty' in value ? [value] : []
}

function publicHalf(key: PublicKey, file: string): PublicKey {
  const kept = PUBLIC_MEMBERS.filter(name => key[name] !== undefined)
  const asymmetric = typeof key['x'] === 'string' || typeof key['n'] === 'string'
  if (!asymmetric || typeof key['kty'] !== 'string' || key['kty'] === 'oct') {
    throw new UsageError(`--jwk: ${file} holds a key without a public half`, 'use an EC, OKP or RSA key')
  }
  return { ...Object.fromEntries(kept.map(name => [name, key[name]])), use: 'sig' }
}

function isRecord(value: unknown): value is PublicKey {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
