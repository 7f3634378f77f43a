import type { CredentialKey, CredentialStore, VersionedRecord } from './credential-store.ts'
import { readCredentialRecord } from './record-format.ts'
import { StoreError } from './store-error.ts'

/**
 * Creates a store that keeps records in memory, for tests and for processes that forget logins when they end. Several sessions
 * may share one. Records are copied on the way in and out. Its lock is fair and in-process.
 */
export function createMemoryStore(): CredentialStore {
  const records = new Map<string, VersionedRecord & { readonly key: CredentialKey }>()
  // Versions go on counting after a delete, so that a writer from before it cannot win.
  let highestDeleted = 0
  const locks = new Map<string, Promise<unknown>>()

  return {
    description: 'memory',
    async get(key) {
      const found = records.get(nameOf(key))
      const origin = { what: 'A record in memory' }
      return found && { version: found.version, record: readCredentialRecord(structuredClone(found.record), origin) }
    },
    async list() {
      return [...records.values()].map(({ key }) => key)
    },
    async compareAndSet(key, version, record) {
      const name = nameOf(key)
      const current = records.get(name)?.version
      if ((current ?? 0) !== version) return undefined
      const next = (current ?? highestDeleted) + 1
      records.set(name, {
        key: { server: key.server, profile: key.profile },
        version: next,
        record: structuredClone(record),
      })
      return next
    },
    async delete(key, version) {
      const name = nameOf(key)
      if ((records.get(name)?.version ?? 0) !== version) return false
      highestDeleted = Math.max(highestDeleted, version)
      return records.delete(name)
    },
    async withLock(key, task, { signal } = {}) {
      const name = nameOf(key)
      const previous = locks.get(name) ?? Promise.resolve()
      const run = untilAborted(previous, signal).then(task)
      const turn = Promise.allSettled([previous, run])
      locks.set(name, turn)
      void turn.then(() => {
        if (locks.get(name) === turn) locks.delete(name)
      })
      return run
    },
  }
}

function nameOf({ server, profile }: CredentialKey): string {
  return JSON.stringify([server, profile])
}

function untilAborted(wait: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void =>
      reject(new StoreError('locked', 'The caller stopped waiting for the lock.', { step: 'lock credentials' }))
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    void wait.then(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
  })
}
