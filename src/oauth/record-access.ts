import { emptyRecord } from './credential-record.ts'
import { displayUrl } from './protocol/display-text.ts'
import type { CredentialKey, CredentialRecord, CredentialStore } from './store/credential-store.ts'
import { StoreError } from './store/store-error.ts'

const MAX_CONFLICTS = 20

/** Reads and changes the one record of a session. */
export interface RecordAccess {
  /** The record as last seen by this session; saves a read for every request. */
  snapshot(): CredentialRecord | undefined
  /** The record as the store has it now. @throws {StoreError} */
  read(): Promise<CredentialRecord | undefined>
  /**
   * Applies `change` to the stored record by compare-and-set, again on the new record whenever another writer won. A change that
   * returns undefined writes nothing. Resolves to the record as it is afterwards.
   *
   * @throws {StoreError} what the store throws; `locked` after 20 lost races
   */
  update(change: (record: CredentialRecord) => CredentialRecord | undefined): Promise<CredentialRecord>
  /** Deletes the whole record. @throws {StoreError} */
  remove(): Promise<void>
}

/** Creates the {@link RecordAccess} of one key. */
export function createRecordAccess(store: CredentialStore, key: CredentialKey): RecordAccess {
  let snapshot: CredentialRecord | undefined
  let writes = 0

  const remember = (record: CredentialRecord | undefined): void => {
    snapshot = record
    writes++
  }
  const read = async (): Promise<{ version: number; record: CredentialRecord | undefined }> => {
    const writesBefore = writes
    const found = await store.get(key)
    // A read that a write of ours overtook must not bring back what was there before.
    if (writes === writesBefore) snapshot = found?.record
    return { version: found?.version ?? 0, record: found?.record }
  }
  const conflict = (): StoreError =>
    new StoreError('locked', `Other processes kept changing the stored login of ${displayUrl(key.server)}.`, {
      step: 'save credentials',
      hint: 'Try again.',
    })

  return {
    snapshot: () => snapshot,
    async read() {
      return (await read()).record
    },
    async update(change) {
      for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
        const { version, record = emptyRecord(key) } = await read()
        const next = change(record)
        if (!next) return record
        if ((await store.compareAndSet(key, version, next)) !== undefined) {
          remember(next)
          return next
        }
      }
      throw conflict()
    },
    async remove() {
      for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
        const { version, record } = await read()
        if (!record || (await store.delete(key, version))) {
          remember(undefined)
          return
        }
      }
      throw conflict()
    },
  }
}
