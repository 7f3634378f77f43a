import { displayUrl } from '../oauth/protocol/display-text.ts'
import type { CredentialKey, CredentialStore } from '../oauth/store/credential-store.ts'
import { readCredentialRecord } from '../oauth/store/record-format.ts'
import { createDatabase, type Database } from './database.ts'
import { createOriginLock } from './origin-lock.ts'
import { recordName } from './record-name.ts'

/** Options of {@link createIndexedDbStore}. */
export interface IndexedDbStoreOptions {
  /** Name of the database. Default `latchkey`. */
  readonly name?: string
}

/** What lies under one name. Without a record it was deleted: the version goes on counting. */
interface Entry {
  readonly server: string
  readonly profile: string
  readonly version: number
  readonly record?: unknown
}

/**
 * Creates a store in IndexedDB: logins outlive tabs and browser, and all tabs and workers of the origin share them, with one refresh for
 * all. Every script of the origin can read them: see `docs/browser.md`.
 */
export function createIndexedDbStore({ name = 'latchkey' }: IndexedDbStoreOptions = {}): CredentialStore {
  const database: Database<Entry> = createDatabase(name)
  const lock = createOriginLock()

  return {
    description: `IndexedDB database ${name}`,
    async get(key) {
      const entry = await database.get(recordName(key))
      if (entry?.record === undefined) return undefined
      const what = `The stored login of ${displayUrl(key.server)}`
      const hint = `Remove the database ${name}, then log in again.`
      return { version: entry.version, record: readCredentialRecord(entry.record, { what, hint }) }
    },
    async list() {
      const entries = await database.getAll()
      return entries.filter(({ record }) => record !== undefined).map(({ server, profile }) => ({ server, profile }))
    },
    async compareAndSet(key, version, record) {
      const written = await database.change(recordName(key), entry => {
        const current = entry?.record === undefined ? 0 : entry.version
        return current === version ? { ...nameOf(key), version: (entry?.version ?? 0) + 1, record } : undefined
      })
      return written?.version
    },
    async delete(key, version) {
      const written = await database.change(recordName(key), entry =>
        entry?.record !== undefined && entry.version === version ? { ...nameOf(key), version } : undefined,
      )
      return written !== undefined
    },
    withLock: (key, task, { signal } = {}) => lock(`latchkey ${name} ${recordName(key)}`, task, signal),
  }
}

function nameOf({ server, profile }: CredentialKey): CredentialKey {
  return { server, profile }
}
