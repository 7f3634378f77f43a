import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import type { CredentialRecord } from '../oauth/store/credential-store.ts'
import { readCredentialRecord } from '../oauth/store/record-format.ts'
import { StoreError } from '../oauth/store/store-error.ts'
import type { DataKey } from './data-key.ts'

const MAGIC = 'latchkey-credentials '
const FORMAT = 1
const HEADER = new TextEncoder().encode(`${MAGIC}${FORMAT}\n`)
const KEY_ID_BYTES = 8
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Where a sealed record belongs. Bound to it: a file copied to another name or version does not open. */
export interface RecordPlace {
  readonly path: string
  /** Names the record. */
  readonly name: string
  readonly version: number
}

/** What a file holds: a record, or the note that it was deleted. */
export type RecordContent = CredentialRecord | 'deleted'

/** Seals a record with AES-256-GCM: format line, key id, nonce, ciphertext, tag. */
export function sealRecord(content: RecordContent, place: RecordPlace, key: DataKey): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce).setAAD(boundTo(place))
  const sealed = Buffer.concat([cipher.update(JSON.stringify(content), 'utf8'), cipher.final()])
  return Buffer.concat([HEADER, key.id, nonce, sealed, cipher.getAuthTag()])
}

/** Opens a sealed record. @throws {StoreError} `newer_format`, `unreadable` (no key), `corrupt` (damaged, or another key) */
export function openRecord(file: Buffer, place: RecordPlace, key: DataKey | undefined): RecordContent {
  const body = readHeader(file, place)
  if (!key) throw withoutKey(place, 'unreadable', 'cannot be opened: the data key it was sealed with is missing.')
  const keyId = body.subarray(0, KEY_ID_BYTES)
  if (!keyId.equals(key.id)) throw withoutKey(place, 'corrupt', 'was sealed with another data key.')
  const nonce = body.subarray(KEY_ID_BYTES, KEY_ID_BYTES + NONCE_BYTES)
  const sealed = body.subarray(KEY_ID_BYTES + NONCE_BYTES, -TAG_BYTES)
  let content: unknown
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: TAG_BYTES })
      .setAAD(boundTo(place))
      .setAuthTag(body.subarray(-TAG_BYTES))
    content = JSON.parse(Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8'))
  } catch (cause) {
    // The cause may quote what was opened.
    throw corrupt(place, cause instanceof SyntaxError ? undefined : cause)
  }
  if (content === 'deleted') return content
  return readCredentialRecord(content, { what: place.path, path: place.path, hint: whatToDo(place) })
}

function readHeader(file: Buffer, place: RecordPlace): Buffer {
  const end = file.indexOf(0x0a)
  const line = end === -1 ? '' : file.subarray(0, end).toString('latin1')
  const digits = line.startsWith(MAGIC) ? line.slice(MAGIC.length) : ''
  const format = /^[1-9]\d{0,5}$/.test(digits) ? Number(digits) : 0
  if (format > FORMAT) throw newer(place, format)
  const body = file.subarray(end + 1)
  if (format !== FORMAT || body.length < KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES) throw corrupt(place)
  return body
}

function boundTo({ name, version }: RecordPlace): Uint8Array {
  return new TextEncoder().encode(`${MAGIC}${FORMAT}\n${name}\n${version}`)
}

function withoutKey({ path }: RecordPlace, code: 'unreadable' | 'corrupt', what: string): StoreError {
  return new StoreError(code, `${path} ${what}`, {
    step: 'read credentials',
    path,
    hint: `Restore the data key it was written with, or remove ${dirname(path)} and log in again.`,
  })
}

function newer({ path }: RecordPlace, format: number): StoreError {
  return new StoreError(
    'newer_format',
    `${path} was written by a newer version (format ${format}); it was left as it is.`,
    {
      step: 'read credentials',
      path,
      hint: 'Update this program.',
    },
  )
}

function whatToDo({ path }: Pick<RecordPlace, 'path'>): string {
  return `Restore it from a backup, or remove ${dirname(path)} and log in again.`
}

function corrupt({ path }: RecordPlace, cause?: unknown): StoreError {
  const detail = { step: 'read credentials', path, hint: whatToDo({ path }) }
  return new StoreError(
    'corrupt',
    `${path} is damaged: it is not what was written.`,
    detail,
    cause === undefined ? undefined : { cause },
  )
}
