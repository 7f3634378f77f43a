import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../oauth/store/store-error.ts'
import type { DataKey } from './data-key.ts'
import { assertPrivate, errorCode, publishFile, unreadable } from './private-file.ts'

const KEY_BYTES = 32
const FORMAT = 1

/** What the file `data-key` says: the key itself, or that it lies in the keychain. */
export type DataKeyPlace =
  | {
      readonly kind: 'file'
      readonly key: DataKey
      /** Why it is not in the keychain, where that was tried. */
      readonly why?: string
    }
  | {
      readonly kind: 'keychain'
      readonly account: string
      /** Hexadecimal {@link DataKey.id}. */
      readonly keyId: string
    }

/** Where the place of the data key is written down: one name, so that it is decided once. */
export function dataKeyPath(directory: string): string {
  return join(directory, 'data-key')
}

/** What was decided for a store, or undefined when nothing was. @throws {StoreError} */
export async function readPlace(directory: string): Promise<DataKeyPlace | undefined> {
  const path = dataKeyPath(directory)
  await assertPrivate(path)
  try {
    return toPlace(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error instanceof StoreError ? error : unreadable(path, error)
  }
}

/** The same at once, for descriptions. Never throws. */
export function describedPlace(directory: string): DataKeyPlace | 'undecided' | 'unreadable' {
  const path = dataKeyPath(directory)
  try {
    return toPlace(readFileSync(path, 'utf8'), path)
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? 'undecided' : 'unreadable'
  }
}

/** Writes down a decision unless there is one; false then. @throws {StoreError} */
export async function publishPlace(directory: string, place: DataKeyPlace): Promise<boolean> {
  const text = place.kind === 'file' ? keyText(place) : placeText(place)
  return publishFile(dataKeyPath(directory), new TextEncoder().encode(text))
}

/** The key that is written as `text` in base64, or undefined when that is none. */
export function toDataKey(text: string): DataKey | undefined {
  const bytes = Buffer.from(text.trim(), 'base64')
  if (bytes.length !== KEY_BYTES) return undefined
  return { bytes, id: createHash('sha256').update(bytes).digest().subarray(0, 8) }
}

function keyText({ key, why }: { readonly key: DataKey; readonly why?: string }): string {
  const line = Buffer.from(key.bytes).toString('base64')
  return why === undefined ? `${line}\n` : `${line}\n# ${why}\n`
}

function placeText({ account, keyId }: { readonly account: string; readonly keyId: string }): string {
  return `${JSON.stringify({ format: FORMAT, keychain: { account, keyId } })}\n`
}

function toPlace(text: string, path: string): DataKeyPlace {
  const [line = '', remark] = text.split('\n')
  if (line.startsWith('{')) return toKeychainPlace(line, path)
  const key = toDataKey(line)
  if (!key) throw notAKey(path)
  return { kind: 'file', key, ...(remark?.startsWith('# ') && { why: remark.slice(2) }) }
}

function toKeychainPlace(line: string, path: string): DataKeyPlace {
  let said: { readonly format?: unknown; readonly keychain?: { readonly account?: unknown; readonly keyId?: unknown } }
  try {
    said = JSON.parse(line) as typeof said
  } catch {
    throw notAKey(path)
  }
  if (typeof said.format === 'number' && said.format > FORMAT) {
    throw new StoreError('newer_format', `${path} was written by a newer version; it was left as it is.`, {
      step: 'read data key',
      path,
      hint: 'Update this program.',
    })
  }
  const { account, keyId } = said.keychain ?? {}
  if (typeof account !== 'string' || typeof keyId !== 'string') throw notAKey(path)
  return { kind: 'keychain', account, keyId }
}

function notAKey(path: string): StoreError {
  return new StoreError('corrupt', `${path} is not a data key.`, {
    step: 'read data key',
    path,
    hint: 'Restore it from a backup; without it the stored logins cannot be opened.',
  })
}
