import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CredentialKey, CredentialStore, VersionedRecord } from '../oauth/store/credential-store.ts'
import { StoreError } from '../oauth/store/store-error.ts'
import { dataDirectory } from './data-directory.ts'
import { createDataKey, type DataKey, type DataKeySource } from './data-key.ts'
import { dataKeyPath } from './data-key-file.ts'
import { withFileLock } from './file-lock.ts'
import { assertPrivate, createPrivateFolder, unreadable } from './private-file.ts'
import { ownIdentity, type ProcessIdentity } from './process-identity.ts'
import { openRecord, sealRecord, type RecordContent, type RecordPlace } from './record-cipher.ts'
import { namesIn, newestVersion, publishVersion } from './versioned-folder.ts'

export interface FileStoreOptions {
  /** Folder of the store, made when needed. Default: `credentials` in {@link dataDirectory}. */
  readonly directory?: string
  /** Where the key that seals the records lies. Default: where the store has it, and a file in `directory` for a new store. */
  readonly dataKey?: DataKeySource
  /** Milliseconds to wait for a lock that another process holds. Default two minutes. */
  readonly lockTimeoutMs?: number
}

/**
 * Keeps every record in a folder of its own, sealed with AES-256-GCM, one file per version. A version is published by linking a complete
 * file to its number: of all writers exactly one wins, whoever is killed leaves the old version or the new one.
 *
 * Any number of processes may share it. Files are 0600 in 0700 folders; anything more open is refused on read. The folder must be on a
 * file system with hard links.
 */
export function createFileStore(options: FileStoreOptions = {}): CredentialStore {
  const directory = options.directory ?? join(dataDirectory(), 'credentials')
  const dataKey = options.dataKey ?? createDataKey({ directory })
  let identity: Promise<ProcessIdentity> | undefined
  const folderOf = (name: string): string => join(directory, name)

  /** The newest version of a record; version 0 when there never was one. */
  async function newest(name: string): Promise<FoundVersion> {
    const folder = folderOf(name)
    await assertPrivate(directory)
    await assertPrivate(folder)
    let failure: { readonly version: number; readonly error: unknown } | undefined
    for (;;) {
      const version = await newestVersion(folder)
      if (version === 0) return { version, content: undefined }
      // Unless it was superseded, and emptied, while it was being read: then look again.
      if (failure?.version === version) throw failure.error
      try {
        return { version, content: await readVersion({ path: join(folder, String(version)), name, version }) }
      } catch (error) {
        failure = { version, error }
      }
    }
  }

  async function readVersion(place: RecordPlace): Promise<RecordContent> {
    await assertPrivate(place.path)
    let file: Buffer
    try {
      file = await readFile(place.path)
    } catch (error) {
      throw unreadable(place.path, error)
    }
    return openRecord(file, place, await dataKey.read())
  }

  /** Publishes `content` as the version after `version`, unless somebody else did. */
  async function publish(name: string, version: number, content: RecordContent): Promise<number | undefined> {
    const next = version + 1
    const folder = folderOf(name)
    const place = { path: join(folder, String(next)), name, version: next }
    await createPrivateFolder(directory)
    await createPrivateFolder(folder)
    const sealed = sealRecord(content, place, await keyToSeal())
    return (await publishVersion(folder, next, sealed)) ? next : undefined
  }

  /** A new key only for a store without records: beside those of a key that went missing it would hide the loss. */
  async function keyToSeal(): Promise<DataKey> {
    const present = await dataKey.read()
    if (present) return present
    const folders = await foldersIn(directory)
    const versions = await Promise.all(folders.map(name => newestVersion(folderOf(name))))
    if (versions.every(version => version === 0)) return dataKey.readOrCreate()
    // Made, with a first record, by another process meanwhile?
    const late = await dataKey.read()
    if (late) return late
    throw new StoreError('unreadable', `The data key of the logins in ${directory} is missing.`, {
      step: 'read data key',
      path: dataKeyPath(directory),
      hint: `Restore it from a backup, or remove ${directory} and log in again.`,
    })
  }

  return {
    get description() {
      return `encrypted files in ${directory}, opened by ${dataKey.description}`
    },
    async get(key) {
      return asRecord(await newest(nameOf(key)))
    },
    async list() {
      const names = await foldersIn(directory)
      const found = await Promise.all(names.map(name => newest(name)))
      return found.flatMap(({ content }) =>
        content === undefined || content === 'deleted' ? [] : [{ server: content.server, profile: content.profile }],
      )
    },
    async compareAndSet(key, version, record) {
      const name = nameOf(key)
      const current = await newest(name)
      if (visibleVersion(current) !== version) return undefined
      return publish(name, current.version, record)
    },
    async delete(key, version) {
      const name = nameOf(key)
      const current = await newest(name)
      if (visibleVersion(current) !== version || version === 0) return false
      return (await publish(name, current.version, 'deleted')) !== undefined
    },
    async withLock(key, task, { signal } = {}) {
      const folder = folderOf(nameOf(key))
      const lock = join(folder, 'lock')
      for (const each of [directory, folder, lock]) await createPrivateFolder(each)
      identity ??= ownIdentity()
      const timeoutMs = options.lockTimeoutMs
      return withFileLock(lock, task, { own: await identity, signal, ...(timeoutMs !== undefined && { timeoutMs }) })
    },
  }
}

/** File systems differ in what they take for a name; a digest is the same everywhere, and tells nothing. */
function nameOf({ server, profile }: CredentialKey): string {
  return createHash('sha256')
    .update(JSON.stringify([server, profile]))
    .digest('hex')
    .slice(0, 40)
}

interface FoundVersion {
  readonly version: number
  readonly content: RecordContent | undefined
}

function visibleVersion({ version, content }: FoundVersion): number {
  return content === 'deleted' ? 0 : version
}

function asRecord({ version, content }: FoundVersion): VersionedRecord | undefined {
  return content === undefined || content === 'deleted' ? undefined : { version, record: content }
}

async function foldersIn(directory: string): Promise<readonly string[]> {
  await assertPrivate(directory)
  return (await namesIn(directory)).filter(name => /^[0-9a-f]{40}$/.test(name))
}

/** What `LATCHKEY_STORE` asks for; undefined when it says nothing. @throws {StoreError} `unreadable` for a store that is not there */
export function assertStoreKind(kind: string | undefined): 'keychain' | 'file' | 'memory' | undefined {
  if (kind === undefined || kind === '') return undefined
  if (kind === 'keychain' || kind === 'file' || kind === 'memory') return kind
  throw new StoreError('unreadable', `LATCHKEY_STORE=${kind} is not available: it is keychain, file or memory.`, {
    step: 'open credential store',
    hint: 'Unset LATCHKEY_STORE, or set it to keychain, file or memory.',
  })
}
