import { createHash } from 'node:crypto'
import { readdir, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  CredentialKey,
  CredentialRecord,
  CredentialStore,
  VersionedRecord,
} from '../oauth/store/credential-store.ts'
import { StoreError } from '../oauth/store/store-error.ts'
import { dataDirectory } from './data-directory.ts'
import { createKeyFile, type DataKeySource } from './data-key.ts'
import { withFileLock } from './file-lock.ts'
import { assertPrivate, createPrivateFolder, errorCode, publishFile, removeFile, unreadable } from './private-file.ts'
import { openRecord, sealRecord, type RecordContent } from './record-cipher.ts'

export interface FileStoreOptions {
  /** Folder of the store, made when needed. Default: `credentials` in {@link dataDirectory}. */
  readonly directory?: string
  /** Where the key that seals the records lies. Default: a file in `directory`. */
  readonly dataKey?: DataKeySource
}

/**
 * How many superseded versions keep their names, emptied. A writer that slept through more than these finds its version's name free again;
 * it is then told apart by the distance to the newest one (see docs/decisions/003).
 */
const KEPT_NAMES = 16
const MAX_READ_RETRIES = 50

/**
 * Keeps every record in a folder of its own, sealed with AES-256-GCM, one file per version. A version is published by linking a complete
 * file to its number: of all writers exactly one wins, whoever is killed leaves the old version or the new one.
 *
 * Files are 0600 in 0700 folders; anything more open is refused on read.
 */
export function createFileStore(options: FileStoreOptions = {}): CredentialStore {
  const directory = options.directory ?? join(dataDirectory(), 'credentials')
  const dataKey = options.dataKey ?? createKeyFile(directory)
  const folderOf = (name: string): string => join(directory, name)

  /** The newest version of a record; version 0 when there never was one. */
  async function newest(
    name: string,
  ): Promise<{ readonly version: number; readonly content: RecordContent | undefined }> {
    const folder = folderOf(name)
    await assertPrivate(directory)
    for (let tries = 0; ; tries++) {
      const version = Math.max(0, ...(await versionsIn(folder)))
      if (version === 0) return { version, content: undefined }
      const path = join(folder, String(version))
      await assertPrivate(path)
      const file = await readIfThere(path)
      // Superseded between the listing and the reading: look again.
      if (file && (file.length > 0 || tries === MAX_READ_RETRIES)) {
        return { version, content: openRecord(file, { path, name, version }, await dataKey.key()) }
      }
      if (tries === MAX_READ_RETRIES) throw unreadable(path, undefined)
    }
  }

  /** Publishes `content` as the version after `version`, unless somebody else did. */
  async function publish(name: string, version: number, content: RecordContent): Promise<number | undefined> {
    const next = version + 1
    const folder = folderOf(name)
    const path = join(folder, String(next))
    await createPrivateFolder(directory)
    await createPrivateFolder(folder)
    if (!(await publishFile(path, sealRecord(content, { path, name, version: next }, await dataKey.key()))))
      return undefined
    const versions = await versionsIn(folder)
    const latest = Math.max(...versions)
    // The name had been free only because it was given up long ago: this writer did not win, it overslept.
    if (latest - next >= KEPT_NAMES) {
      await removeFile(path)
      return undefined
    }
    await cleanUp(folder, versions, latest)
    return next
  }

  return {
    description: `encrypted files in ${directory}, opened by ${dataKey.description}`,
    async get(key) {
      const { version, content } = await newest(nameOf(key))
      return asRecord(version, content)
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
    async withLock(key, task, lockOptions) {
      const folder = folderOf(nameOf(key))
      await createPrivateFolder(directory)
      await createPrivateFolder(folder)
      return withFileLock(join(folder, 'lock'), task, lockOptions)
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

function visibleVersion({
  version,
  content,
}: {
  readonly version: number
  readonly content: RecordContent | undefined
}): number {
  return content === 'deleted' ? 0 : version
}

function asRecord(version: number, content: RecordContent | undefined): VersionedRecord | undefined {
  return content === undefined || content === 'deleted'
    ? undefined
    : { version, record: content satisfies CredentialRecord }
}

async function versionsIn(folder: string): Promise<readonly number[]> {
  return (await namesIn(folder)).filter(name => /^[1-9]\d{0,14}$/.test(name)).map(Number)
}

async function foldersIn(directory: string): Promise<readonly string[]> {
  await assertPrivate(directory)
  return (await namesIn(directory)).filter(name => /^[0-9a-f]{40}$/.test(name))
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw unreadable(folder, error)
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw unreadable(path, error)
  }
}

/** Empties superseded versions, so that no spent token stays on the disk, and gives up the oldest names. */
async function cleanUp(folder: string, versions: readonly number[], latest: number): Promise<void> {
  for (const version of versions) {
    const path = join(folder, String(version))
    if (version <= latest - KEPT_NAMES) await removeFile(path)
    else if (version < latest) await truncate(path).catch(() => undefined)
  }
}

/** What `LATCHKEY_STORE` may say and is understood by this version. @throws {StoreError} `unreadable` for a store that is not there */
export function assertStoreKind(kind: string | undefined): 'file' | 'memory' {
  if (kind === undefined || kind === '' || kind === 'file') return 'file'
  if (kind === 'memory') return 'memory'
  throw new StoreError('unreadable', `LATCHKEY_STORE=${kind} is not available: this version knows file and memory.`, {
    step: 'open credential store',
    hint: 'Unset LATCHKEY_STORE, or set it to file or memory.',
  })
}
