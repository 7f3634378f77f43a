import { StoreError } from '../oauth/store/store-error.ts'

const TABLE = 'credentials'
/** Raised when the layout of the database itself changes; records have a format of their own. */
const VERSION = 1

/** One table of one IndexedDB database, opened when it is first used. Every method throws `StoreError`s. */
export interface Database<Value> {
  get(name: string): Promise<Value | undefined>
  getAll(): Promise<readonly Value[]>
  /** Looks and writes in one transaction. A change to undefined writes nothing. Resolves to what was written once it is on disk. */
  change(name: string, to: (before: Value | undefined) => Value | undefined): Promise<Value | undefined>
}

/** Creates a {@link Database}. */
export function createDatabase<Value>(name: string): Database<Value> {
  let opened: Promise<IDBDatabase> | undefined

  const forget = (): void => void (opened = undefined)
  const open = (): Promise<IDBDatabase> => {
    opened ??= openDatabase(name, forget)
    return opened.catch((error: unknown) => {
      forget()
      throw error
    })
  }

  async function inTransaction<T>(
    mode: IDBTransactionMode,
    step: 'read credentials' | 'save credentials',
    work: (table: IDBObjectStore, give: (value: T) => void) => void,
  ): Promise<T | undefined> {
    const database = await open()
    return new Promise((resolve, reject) => {
      let result: T | undefined
      const fail = (cause: unknown): void => reject(failed(step, cause))
      try {
        const transaction = database.transaction(TABLE, mode, { durability: 'strict' })
        transaction.addEventListener('complete', () => resolve(result))
        transaction.addEventListener('abort', () => fail(transaction.error))
        work(transaction.objectStore(TABLE), value => (result = value))
      } catch (error) {
        // The connection was closed under us: the next call opens another.
        forget()
        fail(error)
      }
    })
  }

  return {
    get: name =>
      inTransaction<Value>('readonly', 'read credentials', (table, give) => {
        const request: IDBRequest<Value> = table.get(name)
        request.addEventListener('success', () => give(request.result))
      }),
    async getAll() {
      const found = await inTransaction<readonly Value[]>('readonly', 'read credentials', (table, give) => {
        const request: IDBRequest<Value[]> = table.getAll()
        request.addEventListener('success', () => give(request.result))
      })
      return found ?? []
    },
    change: (name, to) =>
      inTransaction<Value>('readwrite', 'save credentials', (table, give) => {
        const request: IDBRequest<Value | undefined> = table.get(name)
        request.addEventListener('success', () => {
          const next = to(request.result)
          if (next === undefined) return
          table.put(next, name)
          give(next)
        })
      }),
  }
}

function openDatabase(name: string, onClosed: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(failed('read credentials', cause))
    let request: IDBOpenDBRequest
    try {
      request = indexedDB.open(name, VERSION)
    } catch (error) {
      fail(error)
      return
    }
    request.addEventListener('upgradeneeded', () => void request.result.createObjectStore(TABLE))
    request.addEventListener('error', () => fail(request.error))
    request.addEventListener('success', () => {
      const database = request.result
      // Whoever deletes or upgrades the database would wait for this page for ever.
      database.addEventListener('versionchange', () => {
        database.close()
        onClosed()
      })
      database.addEventListener('close', onClosed)
      resolve(database)
    })
  })
}

function failed(step: 'read credentials' | 'save credentials', cause: unknown): StoreError {
  const name = cause instanceof DOMException ? cause.name : ''
  if (name === 'VersionError') {
    const hint = 'Reload the page, or update this program.'
    return new StoreError('newer_format', 'The logins were stored by a newer version.', { step, hint }, { cause })
  }
  const full = name === 'QuotaExceededError'
  return new StoreError(
    step === 'read credentials' ? 'unreadable' : 'unwritable',
    `The logins in IndexedDB could not be ${step === 'read credentials' ? 'read' : 'written'}${name && ` (${name})`}.`,
    {
      step,
      hint: full ? 'The storage of this origin is full.' : 'The browser may keep no data for this page.',
    },
    { cause },
  )
}
