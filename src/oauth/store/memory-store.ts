import type { CredentialKey, CredentialStore, VersionedRecord } from './credential-store.ts'
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
  const nameOf = (key: CredentialKey): string => JSON.stringify([key.server, key.profile])

  return {
    description: 'memory',
    async get(key) {
      const found = records.get(nameOf(key))
      return found && { version: found.version, record: structuredClone(found.record) }
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
      let release: () => void = () => undefined
      const held = new Promise<void>(resolve => {
        release = resolve
      })
      const turn = previous.then(() => held)
      locks.set(name, turn)
      try {
        await untilAborted(previous, signal)
        return await task()
      } finally {
        release()
        if (locks.get(name) === turn) locks.delete(name)
      }
    },
  }
}

async function untilAborted(wait: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) {
    await wait
    return
  }
  const { promise, reject } = withReject()
  const onAbort = (): void =>
    reject(new StoreError('locked', 'The caller stopped waiting for the lock.', { step: 'lock credentials' }))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal.aborted) onAbort()
    await Promise.race([wait, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function withReject(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<never>((_, no) => {
    reject = no
  })
  return { promise, reject }
}
