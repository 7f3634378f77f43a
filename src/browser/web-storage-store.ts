import { OAuthError } from '../oauth/errors.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import type { CredentialKey, CredentialStore, VersionedRecord } from '../oauth/store/credential-store.ts'
import { readCredentialRecord } from '../oauth/store/record-format.ts'
import { StoreError } from '../oauth/store/store-error.ts'
import { createOriginLock } from './origin-lock.ts'
import { keyOfName, recordName } from './record-name.ts'

const PREFIX = 'latchkey:credentials:'
/** Names this storage among those of other tabs, so that tabs which share nothing do not wait for each other. */
const STORAGE_ID = 'latchkey:storage'

/** What lies under one name. Without a record it was deleted: the version goes on counting. */
interface Entry {
  readonly version: number
  readonly record?: unknown
}

/**
 * Creates a store in the `sessionStorage` of a page: logins last as long as the tab, over reloads and redirects, and no other tab has them.
 * Every script of the origin can read them, as with any storage of a page: see `docs/browser.md`.
 *
 * Not for `localStorage`: browsers copy its writes to other tabs some time later, whatever lock is held, so that two tabs would spend the
 * same refresh token. `createIndexedDbStore` shares logins among tabs.
 *
 * @param storage Default: `sessionStorage`, looked up when it is first used.
 * @throws {OAuthError} `configuration` for `localStorage`
 */
export function createWebStorageStore(storage?: Storage): CredentialStore {
  if (storage && storage === localStorageHere()) throw notShared()
  const lock = createOriginLock()
  const area = (): Storage => storage ?? sessionStorageHere()

  return {
    description: 'session storage of this tab',
    async get(key) {
      const entry = readEntry(area(), key)
      return entry && toRecord(entry, key)
    },
    async list() {
      const found = area()
      const names = Array.from({ length: found.length }, (_, index) => found.key(index) ?? '')
      return names.flatMap(name => {
        const key = name.startsWith(PREFIX) ? keyOfName(name.slice(PREFIX.length)) : undefined
        // What is damaged is there: it is listed, and reading it says so.
        return key && !isDeleted(found.getItem(name)) ? [key] : []
      })
    },
    // Nothing else runs between the look and the write: a tab has one thread, and this storage has one tab.
    async compareAndSet(key, version, record) {
      const entry = readEntry(area(), key)
      const current = entry?.record === undefined ? 0 : entry.version
      if (current !== version) return undefined
      const next = (entry?.version ?? 0) + 1
      write(area(), key, { version: next, record })
      return next
    },
    async delete(key, version) {
      const entry = readEntry(area(), key)
      if (entry?.record === undefined || entry.version !== version) return false
      write(area(), key, { version })
      return true
    },
    // Frames of this origin in one tab share its storage.
    withLock: async (key, task, { signal } = {}) =>
      lock(`latchkey ${storageId(area())} ${recordName(key)}`, task, signal),
  }
}

function readEntry(storage: Storage, key: CredentialKey): Entry | undefined {
  const text = storage.getItem(PREFIX + recordName(key))
  if (text === null) return undefined
  let entry: unknown
  try {
    entry = JSON.parse(text)
  } catch {
    // Its message would quote what was read.
    throw damaged(key)
  }
  if (!isEntry(entry)) throw damaged(key)
  return entry
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null || !('version' in value)) return false
  return Number.isSafeInteger(value.version) && Number(value.version) > 0
}

function isDeleted(text: string | null): boolean {
  try {
    const entry: unknown = JSON.parse(text ?? '')
    return isEntry(entry) && entry.record === undefined
  } catch {
    return false
  }
}

function toRecord({ version, record }: Entry, key: CredentialKey): VersionedRecord | undefined {
  if (record === undefined) return undefined
  return { version, record: readCredentialRecord(record, { what: describe(key) }) }
}

function write(storage: Storage, key: CredentialKey, entry: Entry): void {
  setItem(storage, PREFIX + recordName(key), JSON.stringify(entry))
}

function setItem(storage: Storage, name: string, text: string): void {
  try {
    storage.setItem(name, text)
  } catch (cause) {
    throw new StoreError(
      'unwritable',
      'The session storage of this page takes no more.',
      { step: 'save credentials', hint: 'It is full, or the browser keeps no data for this page.' },
      { cause },
    )
  }
}

function storageId(storage: Storage): string {
  const known = storage.getItem(STORAGE_ID)
  if (known !== null) return known
  const made = crypto.randomUUID()
  setItem(storage, STORAGE_ID, made)
  return made
}

/** Even to look at it throws where the person allows no data. */
function sessionStorageHere(): Storage {
  try {
    if (globalThis.sessionStorage) return globalThis.sessionStorage
  } catch {
    // Said below.
  }
  throw new StoreError('unreadable', 'There is no session storage here.', {
    step: 'read credentials',
    hint: 'A worker has none (use createIndexedDbStore), nor has a page that may not keep data.',
  })
}

function localStorageHere(): Storage | undefined {
  try {
    return globalThis.localStorage
  } catch {
    return undefined
  }
}

function describe({ server }: CredentialKey): string {
  return `The stored login of ${displayUrl(server)}`
}

function damaged(key: CredentialKey): StoreError {
  return new StoreError('corrupt', `${describe(key)} is damaged: it is not what was written.`, {
    step: 'read credentials',
    hint: 'Remove it from the session storage, then log in again.',
  })
}

function notShared(): OAuthError {
  return new OAuthError('configuration', 'Logins cannot be kept in localStorage.', {
    step: 'configuration',
    expected: 'a storage in which a tab sees what another has written',
    received: 'localStorage, whose writes reach other tabs late: two of them would spend the same refresh token',
    hint: 'Use createIndexedDbStore() to share logins among tabs, or sessionStorage for this tab alone.',
  })
}
