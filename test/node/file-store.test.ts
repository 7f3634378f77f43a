import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { emptyRecord } from '../../src/oauth/credential-record.ts'
import type { CredentialRecord, CredentialStore } from '../../src/oauth/store/credential-store.ts'
import { createKeyFile } from '../../src/node/data-key.ts'
import { assertStoreKind, createFileStore } from '../../src/node/file-store.ts'
import { publishVersion } from '../../src/node/versioned-folder.ts'
import { describeStoreContract } from '../oauth/store-contract.ts'
import { temporaryFolder } from './folder.ts'

const key = { server: 'https://mcp.example.com/mcp', profile: 'default' }
const nameOf = (server: string, profile: string): string =>
  createHash('sha256')
    .update(JSON.stringify([server, profile]))
    .digest('hex')
    .slice(0, 40)
const name = nameOf(key.server, key.profile)

const directories = new WeakMap<CredentialStore, string>()
async function open(): Promise<CredentialStore> {
  const directory = join(await temporaryFolder(), 'credentials')
  const store = createFileStore({ directory })
  directories.set(store, directory)
  return store
}

describeStoreContract('the file store', {
  open,
  reopen: async store => createFileStore({ directory: directories.get(store)! }),
})

/** A store with `versions` versions of one record. */
async function written(
  versions = 1,
  token = 'canary-token',
): Promise<{ store: CredentialStore; directory: string; folder: string; file: (version: number) => string }> {
  const store = await open()
  const directory = directories.get(store)!
  const folder = join(directory, name)
  for (let version = 0; version < versions; version++)
    await store.compareAndSet(key, version, recordOf(`${token}-${version + 1}`))
  return { store, directory, folder, file: version => join(folder, String(version)) }
}

function recordOf(accessToken: string): CredentialRecord {
  const grant = { grantId: 'g', accessToken, tokenType: 'Bearer' as const, obtainedAt: 1 }
  return { ...emptyRecord(key), current: 'https://as.example.com', issuers: { 'https://as.example.com': { grant } } }
}

const failure = (code: string): object => ({ name: 'StoreError', code })

const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)

describe('what lies on the disk', () => {
  it('field L8: files are 0600 and folders 0700, whatever the umask', async () => {
    const before = process.umask(0)
    try {
      const { directory, folder, file, store } = await written()
      await store.withLock(key, async () => undefined)
      expect(await Promise.all([directory, folder].map(mode))).toEqual(['700', '700'])
      expect(await Promise.all([file(1), join(directory, 'data-key'), join(folder, 'lock', '1')].map(mode))).toEqual([
        '600',
        '600',
        '600',
      ])
    } finally {
      process.umask(before)
    }
  })

  it('field L8: neither a token nor the server is there in clear, in a file or in a name', async () => {
    const { directory } = await written(3)
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      expect(entry.name).not.toMatch(/example|default/)
      if (entry.isFile())
        expect(await readFile(join(entry.parentPath, entry.name), 'latin1')).not.toMatch(/canary|example/)
    }
  })

  it('field L2: a record may be far longer than a keychain takes', async () => {
    const { store } = await written()
    const long = recordOf('x'.repeat(200_000))
    expect(await store.compareAndSet(key, 1, long)).toBe(2)
    expect((await store.get(key))?.record).toEqual(long)
  })

  it('superseded versions hold nothing, so that no spent token stays behind', async () => {
    const { folder } = await written(5)
    const versions = (await readdir(folder)).sort()
    expect(versions).toEqual(['1', '2', '3', '4', '5'])
    const sizes = await Promise.all(versions.map(async each => (await stat(join(folder, each))).size))
    expect(sizes.map(size => size > 0)).toEqual([false, false, false, false, true])
  })

  it('a version that a killed writer left full is emptied by the next', async () => {
    const { store, file } = await written(2)
    await copyFile(file(2), file(1))
    await store.compareAndSet(key, 2, recordOf('next'))
    expect((await stat(file(1))).size).toBe(0)
  })

  it('keeps a bounded number of names however often a record is written and locked', async () => {
    const { store, folder } = await written(60)
    for (let times = 0; times < 40; times++) await store.withLock(key, async () => undefined)
    expect((await readdir(folder)).length).toBe(17)
    expect((await readdir(join(folder, 'lock'))).length).toBe(16)
    expect((await store.get(key))?.version).toBe(60)
  })

  it('removes what a killed writer left aside, once that has lost', async () => {
    const { store, folder } = await written()
    const lost = ['.new-1-aa', '.new-2-bb']
    const open = ['.new-3-cc']
    await Promise.all([...lost, ...open].map(each => writeFile(join(folder, each), 'half')))
    await store.compareAndSet(key, 1, recordOf('next'))
    expect((await readdir(folder)).filter(each => each.startsWith('.new')).sort()).toEqual(open.sort())
  })

  it('reading creates nothing', async () => {
    const store = await open()
    await store.get(key)
    await store.list()
    expect(await readdir(join(directories.get(store)!, '..'))).toEqual([])
  })
})

describe('the writer that overslept', () => {
  it('loses, though the name of its version is free again', async () => {
    const { store, folder, file } = await written(40)
    expect(await readdir(folder)).not.toContain('3')
    // A writer that had read version 2 and now wakes up inside compareAndSet.
    const won = await publishVersion(folder, 3, new Uint8Array([1]))
    expect(won).toBe(false)
    await expect(stat(file(3))).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await store.get(key))?.version).toBe(40)
  })

  it('loses to a name that is kept', async () => {
    const { folder } = await written(5)
    for (const version of [1, 2, 3, 4, 5]) {
      expect(await publishVersion(folder, version, new Uint8Array([1]))).toBe(false)
    }
  })

  it.each([15, 16, 17, 18])(
    'loses at every distance around the kept names (%i versions slept through)',
    async slept => {
      const { folder } = await written(slept + 2)
      expect(await publishVersion(folder, 2, new Uint8Array([1]))).toBe(false)
    },
  )
})

describe('the reader that is overtaken', () => {
  it('field M5: looks again when the version it read was superseded and emptied meanwhile', async () => {
    const { store, directory, file } = await written(2)
    const second = await readFile(file(2))
    await rm(file(2))
    await truncate(file(1))
    const source = createKeyFile(directory)
    let reads = 0
    const dataKey = {
      ...source,
      // Asked for after the file was read: just then the other writer's version appears.
      async read() {
        if (++reads === 1) await writeFile(file(2), second, { mode: 0o600 })
        return source.read()
      },
    }
    expect((await createFileStore({ directory, dataKey }).get(key))?.version).toBe(2)
    expect(reads).toBe(2)
    expect((await store.get(key))?.record).toEqual(recordOf('canary-token-2'))
  })

  it('field L4: reports an empty version that nobody superseded, and does not look for ever', async () => {
    const { store, file } = await written()
    await truncate(file(1))
    await expect(store.get(key)).rejects.toMatchObject({ code: 'corrupt' })
  })
})

describe('what cannot be read is never taken for absent', () => {
  it('field L4: a damaged record is corrupt, at whatever byte', async () => {
    const { store, file } = await written()
    const sealed = await readFile(file(1))
    for (const index of [0, 10, 22, 30, 40, 60, sealed.length - 1]) {
      const damaged = Buffer.from(sealed)
      damaged[index] = damaged[index]! ^ 1
      await writeFile(file(1), damaged)
      await expect(store.get(key)).rejects.toMatchObject(failure('corrupt'))
    }
    for (const length of [0, 5, 22, 40, sealed.length - 1]) {
      await writeFile(file(1), sealed.subarray(0, length))
      await expect(store.get(key)).rejects.toMatchObject(failure('corrupt'))
    }
  })

  it('field L4: a record that cannot be read is never written over or deleted', async () => {
    const { store, file } = await written()
    await writeFile(file(1), 'damaged')
    await expect(store.compareAndSet(key, 0, recordOf('new'))).rejects.toMatchObject(failure('corrupt'))
    await expect(store.compareAndSet(key, 1, recordOf('new'))).rejects.toMatchObject(failure('corrupt'))
    await expect(store.delete(key, 1)).rejects.toMatchObject(failure('corrupt'))
    await expect(store.list()).rejects.toMatchObject(failure('corrupt'))
    expect(await readFile(file(1), 'utf8')).toBe('damaged')
  })

  it('a record moved to another version or another key does not open', async () => {
    const { store, directory, file } = await written()
    await copyFile(file(1), file(2))
    await expect(store.get(key)).rejects.toMatchObject(failure('corrupt'))
    const elsewhere = join(directory, nameOf('https://evil.example', 'default'))
    await mkdir(elsewhere, { mode: 0o700 })
    await copyFile(file(1), join(elsewhere, '1'))
    await expect(store.get({ server: 'https://evil.example', profile: 'default' })).rejects.toMatchObject(
      failure('corrupt'),
    )
  })

  it('a newer format is left untouched and named', async () => {
    const { store, file } = await written()
    await writeFile(file(1), 'latchkey-credentials 2\nwhatever comes then')
    await expect(store.get(key)).rejects.toMatchObject(failure('newer_format'))
    await expect(store.compareAndSet(key, 1, recordOf('new'))).rejects.toMatchObject(failure('newer_format'))
    const record = { ...recordOf('a'), format: 2 } as unknown as CredentialRecord
    const second = await open()
    await second.compareAndSet(key, 0, record)
    await expect(second.get(key)).rejects.toMatchObject(failure('newer_format'))
  })

  it('field L4: a missing data key is unreadable, and reading does not make another', async () => {
    const { store, directory } = await written()
    await rm(join(directory, 'data-key'))
    await expect(store.get(key)).rejects.toMatchObject(failure('unreadable'))
    expect(await readdir(directory)).not.toContain('data-key')
  })

  it('another data key, or one that is none, is corrupt', async () => {
    const { store, directory } = await written()
    await writeFile(join(directory, 'data-key'), Buffer.alloc(32).toString('base64'), { mode: 0o600 })
    await expect(store.get(key)).rejects.toMatchObject(failure('corrupt'))
    await writeFile(join(directory, 'data-key'), 'short')
    await expect(store.get(key)).rejects.toMatchObject(failure('corrupt'))
  })

  it('field L4: a folder that is a file, or a file that is a folder, is unreadable', async () => {
    const parent = await temporaryFolder()
    await writeFile(join(parent, 'credentials'), '', { mode: 0o600 })
    const store = createFileStore({ directory: join(parent, 'credentials') })
    await expect(store.get(key)).rejects.toMatchObject(failure('unreadable'))
    await expect(store.compareAndSet(key, 0, recordOf('a'))).rejects.toMatchObject({ name: 'StoreError' })
    const { store: second, file } = await written()
    await mkdir(file(2), { mode: 0o700 })
    await expect(second.get(key)).rejects.toMatchObject(failure('unreadable'))
  })

  it('field L8: what is open to other users is refused on read', async () => {
    const { store, directory, folder, file } = await written()
    for (const [path, open, closed] of [
      [file(1), 0o640, 0o600],
      [file(1), 0o602, 0o600],
      [join(directory, 'data-key'), 0o604, 0o600],
      [directory, 0o750, 0o700],
    ] as const) {
      await chmod(path, open)
      await expect(store.get(key)).rejects.toMatchObject(failure('insecure_permissions'))
      await chmod(path, closed)
    }
    for (const path of [folder, join(folder, 'lock')]) {
      await store.withLock(key, async () => undefined)
      await chmod(path, 0o755)
      await expect(store.withLock(key, async () => undefined)).rejects.toMatchObject(failure('insecure_permissions'))
      await chmod(path, 0o700)
    }
    expect((await store.get(key))?.version).toBe(1)
  })

  it('a read that a writer overtook looks again before it judges', async () => {
    const { store, directory } = await written()
    const rightKey = createKeyFile(directory)
    let reads = 0
    const overtaken = createFileStore({
      directory,
      dataKey: {
        ...rightKey,
        async read() {
          if (++reads > 1) return rightKey.read()
          await store.compareAndSet(key, 1, recordOf('newer'))
          return { bytes: new Uint8Array(32), id: new Uint8Array(8) }
        },
      },
    })
    expect(await overtaken.get(key)).toEqual({ version: 2, record: recordOf('newer') })
    expect(reads).toBe(2)
  })

  it('an open folder is refused although it holds no record', async () => {
    const { store, directory } = await written()
    await rm(join(directory, name), { recursive: true })
    expect(await store.list()).toEqual([])
    await chmod(directory, 0o770)
    await expect(store.list()).rejects.toMatchObject(failure('insecure_permissions'))
  })

  it('errors name the file and the way out, and hold no secret', async () => {
    const { store, file } = await written()
    await truncate(file(1), 50)
    const error = await store.get(key).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ detail: { path: file(1), hint: expect.stringContaining('log in again') } })
    expect(JSON.stringify(error) + String(error)).not.toContain('canary')
  })
})

describe('the data key', () => {
  it('is the same for all who make it at once', async () => {
    const directory = join(await temporaryFolder(), 'credentials')
    const stores = Array.from({ length: 10 }, () => createFileStore({ directory }))
    const keys = stores.map((_, index) => ({ server: `https://s${index}.example`, profile: 'default' }))
    await Promise.all(stores.map((store, index) => store.compareAndSet(keys[index]!, 0, emptyRecord(keys[index]!))))
    expect(await stores[0]!.list()).toHaveLength(10)
  })

  it('survives that somebody removes the store and another process makes it anew', async () => {
    const { store, directory } = await written()
    await rm(directory, { recursive: true })
    const second = createFileStore({ directory })
    await second.compareAndSet({ ...key, profile: 'work' }, 0, emptyRecord({ ...key, profile: 'work' }))
    expect(await store.compareAndSet(key, 0, recordOf('again'))).toBe(1)
    expect((await second.get(key))?.record).toEqual(recordOf('again'))
  })
})

describe('LATCHKEY_STORE', () => {
  it('says keychain, file or memory, or nothing, and names what it does not know', () => {
    expect(['', 'keychain', 'file', 'memory'].map(assertStoreKind)).toEqual([undefined, 'keychain', 'file', 'memory'])
    expect(assertStoreKind(undefined)).toBeUndefined()
    expect(() => assertStoreKind('cloud')).toThrow('cloud')
  })
})
