import { decodeBase64Url, encodeBase64Url } from '../oauth/protocol/base64url.ts'
import type { CredentialRecord } from '../oauth/store/credential-store.ts'
import { readCredentialRecord } from '../oauth/store/record-format.ts'
import { StoreError } from '../oauth/store/store-error.ts'

const MAGIC = 'latchkey-credentials '
const FORMAT = 1
const KEY_BYTES = 32
const KEY_ID_BYTES = 8
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** A key that seals records, and a name for it that gives nothing away. */
export interface SealingKey {
  readonly key: CryptoKey
  /** First 8 bytes of the key's SHA-256; zeros for a key that cannot be exported. */
  readonly id: Uint8Array
}

/** Where a sealed value belongs. Bound to it: a value copied to another name or version does not open. */
export interface ValuePlace {
  /** Redis key. */
  readonly path: string
  /** Names the record. */
  readonly name: string
  readonly version: number
}

/** What a value holds: a record, or the note that it was deleted. */
export type ValueContent = CredentialRecord | 'deleted'

/** Takes the key that a store was given. @throws {StoreError} `unreadable` for what is no AES-256-GCM key */
export async function toSealingKey(given: Uint8Array | CryptoKey): Promise<SealingKey> {
  if (given instanceof Uint8Array) {
    if (given.length !== KEY_BYTES) throw noKey(`has ${given.length} bytes`)
    const bytes = new Uint8Array(given)
    const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
    return { key, id: await keyId(bytes) }
  }
  const { name, length } = given.algorithm as Partial<AesKeyAlgorithm>
  if (name !== 'AES-GCM' || length !== KEY_BYTES * 8) throw noKey(`is for ${name} ${length ?? ''}`.trimEnd())
  if (!given.usages.includes('encrypt') || !given.usages.includes('decrypt')) throw noKey('cannot encrypt and decrypt')
  const id = given.extractable
    ? await keyId(new Uint8Array(await crypto.subtle.exportKey('raw', given)))
    : new Uint8Array(KEY_ID_BYTES)
  return { key: given, id }
}

/** Seals a record with AES-256-GCM, as the file store does: format line, then in base64url key id, nonce, ciphertext, tag. */
export async function sealValue(content: ValueContent, place: ValuePlace, { key, id }: SealingKey): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: boundTo(place) }
  const sealed = await crypto.subtle.encrypt(algorithm, key, new TextEncoder().encode(JSON.stringify(content)))
  const bytes = new Uint8Array(KEY_ID_BYTES + NONCE_BYTES + sealed.byteLength)
  bytes.set(id)
  bytes.set(nonce, KEY_ID_BYTES)
  bytes.set(new Uint8Array(sealed), KEY_ID_BYTES + NONCE_BYTES)
  return `${MAGIC}${FORMAT}\n${encodeBase64Url(bytes)}`
}

/** Opens a sealed value. @throws {StoreError} `newer_format`, `corrupt` (damaged, moved, or sealed with another key) */
export async function openValue(value: string, place: ValuePlace, { key, id }: SealingKey): Promise<ValueContent> {
  const body = readBody(value, place)
  if (isAnotherKey(body.subarray(0, KEY_ID_BYTES), id)) throw corrupt(place, 'was sealed with another key.')
  const iv = body.subarray(KEY_ID_BYTES, KEY_ID_BYTES + NONCE_BYTES)
  let content: unknown
  try {
    const algorithm = { name: 'AES-GCM', iv, additionalData: boundTo(place) }
    const opened = await crypto.subtle.decrypt(algorithm, key, body.subarray(KEY_ID_BYTES + NONCE_BYTES))
    content = JSON.parse(new TextDecoder().decode(opened))
  } catch {
    // Without the cause: it may quote what was opened.
    throw corrupt(place, DAMAGED)
  }
  if (content === 'deleted') return content
  return readCredentialRecord(content, { what: whatIsAt(place.path), path: place.path, hint: hintFor(place) })
}

const DAMAGED = 'is damaged, or was sealed with another key: it is not what was written.'

/** @throws {StoreError} always `corrupt` */
export function corrupt(place: Pick<ValuePlace, 'path'>, what: string = DAMAGED): StoreError {
  const detail = { step: 'read credentials', path: place.path, hint: hintFor(place) }
  return new StoreError('corrupt', `${whatIsAt(place.path)} ${what}`, detail)
}

function readBody(value: string, place: ValuePlace): Uint8Array<ArrayBuffer> {
  const end = value.indexOf('\n')
  const line = end === -1 ? '' : value.slice(0, end)
  const digits = line.startsWith(MAGIC) ? line.slice(MAGIC.length) : ''
  const format = /^[1-9]\d{0,5}$/.test(digits) ? Number(digits) : 0
  if (format > FORMAT) throw newer(place, format)
  const body = format === FORMAT ? decodeBase64Url(value.slice(end + 1)) : undefined
  if (!body || body.length < KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES) throw corrupt(place)
  return body
}

function boundTo({ name, version }: ValuePlace): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${MAGIC}${FORMAT}\n${name}\n${version}`)
}

async function keyId(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).subarray(0, KEY_ID_BYTES)
}

/** Only when both are known to be different; else the attempt to open it decides. */
function isAnotherKey(stored: Uint8Array, own: Uint8Array): boolean {
  return isKnown(stored) && isKnown(own) && stored.some((byte, index) => byte !== own[index])
}

function isKnown(id: Uint8Array): boolean {
  return id.some(byte => byte !== 0)
}

function whatIsAt(path: string): string {
  return `The record at ${path} in Redis`
}

function hintFor({ path }: Pick<ValuePlace, 'path'>): string {
  return `Give the store the key it was written with, restore it from a backup, or delete ${path} and log in again.`
}

function newer({ path }: ValuePlace, format: number): StoreError {
  return new StoreError(
    'newer_format',
    `${whatIsAt(path)} was written by a newer version (format ${format}); it was left as it is.`,
    { step: 'read credentials', path, hint: 'Update this program.' },
  )
}

function noKey(what: string): StoreError {
  return new StoreError(
    'unreadable',
    `The key of the Redis store ${what}; it must be 32 bytes, or a CryptoKey for AES-GCM with 256 bits.`,
    {
      step: 'open credential store',
      hint: 'Make one with crypto.getRandomValues(new Uint8Array(32)) and keep it where the program keeps its secrets.',
    },
  )
}
