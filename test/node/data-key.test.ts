import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { emptyRecord } from '../../src/oauth/credential-record.ts'
import { createDataKey, createKeyFile, type DataKeyOptions } from '../../src/node/data-key.ts'
import { createFileStore } from '../../src/node/file-store.ts'
import { createKeychain, type KeychainOptions } from '../../src/node/keychain.ts'
import { temporaryFolder } from './folder.ts'

const key = { server: 'https://mcp.example.com/mcp', profile: 'default' }

/** A keychain in memory, and its entries, behind the module that a real one is spoken to with. */
function keyring(overrides: Readonly<Record<string, () => Promise<unknown>>> = {}, options: KeychainOptions = {}) {
  const entries = new Map<string, string>()
  const opened: unknown[] = []
  class AsyncEntry {
    readonly #account: string
    constructor(service: string, account: string, pinned: unknown) {
      this.#account = account
      opened.push([service, pinned])
    }
    async getPassword(): Promise<unknown> {
      return overrides['getPassword'] ? overrides['getPassword']() : (entries.get(this.#account) ?? null)
    }
    async setPassword(value: string): Promise<unknown> {
      return overrides['setPassword'] ? overrides['setPassword']() : entries.set(this.#account, value)
    }
    async deletePassword(): Promise<boolean> {
      return entries.delete(this.#account)
    }
  }
  const load = vi.fn(async (): Promise<unknown> => ({ default: { AsyncEntry } }))
  const env = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' }
  return { entries, opened, load, keychain: createKeychain({ load, env, platform: 'linux', ...options }) }
}

const locked = { getPassword: () => Promise.reject(new Error('it is locked')) }

async function inFolder(options: Omit<DataKeyOptions, 'directory'>) {
  const directory = join(await temporaryFolder(), 'credentials')
  const open = (more: Partial<DataKeyOptions> = {}) => createDataKey({ directory, ...options, ...more })
  return { directory, path: join(directory, 'data-key'), open, source: open() }
}

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')

describe('the keychain', () => {
  it('is pinned to the Secret Service on Linux, since the kernel forgets at reboot', async () => {
    const { keychain, opened } = keyring()
    await keychain.set('a', 'secret')
    expect(opened).toContainEqual(['latchkey', { linux: { store: 'secret-service' } }])
    expect(await keychain.get('a')).toBe('secret')
  })

  it('field L6: is not even loaded where there is no D-Bus session', async () => {
    const { keychain, load } = keyring({}, { env: {} })
    await expect(keychain.get('a')).rejects.toThrow('there is no D-Bus session')
    expect(load).not.toHaveBeenCalled()
  })

  it('field L6: says that its package is not installed', async () => {
    const absent = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
    const { keychain } = keyring({}, { load: () => Promise.reject(absent), platform: 'darwin', env: {} })
    await expect(keychain.get('a')).rejects.toThrow('@napi-rs/keyring is not installed')
  })

  it('field L4: gives up on one that does not answer, and asks no second question while the first is open', async () => {
    let answer: ((value: string) => void) | undefined
    const getPassword = vi.fn(() => new Promise<string>(resolve => (answer = resolve)))
    const { keychain } = keyring({ getPassword }, { timeoutMs: 10 })
    await expect(keychain.get('a')).rejects.toThrow('did not answer within 0.01 s')
    await expect(keychain.get('a')).rejects.toThrow('did not answer')
    expect(getPassword).toHaveBeenCalledOnce()
    const third = keychain.get('a')
    answer?.('unlocked at last')
    expect(await third).toBe('unlocked at last')
  })

  it('field L1: is not trusted before it gave back what it was given', async () => {
    const { keychain } = keyring({ getPassword: async () => 'cut o' })
    await expect(keychain.set('a', 'cut off')).rejects.toThrow('did not give back')
  })
})

describe('where the data key lies', () => {
  it('field L2: in the keychain where there is one, 44 characters of it, and nothing of it on the disk', async () => {
    const { entries, keychain } = keyring()
    const { path, open, source } = await inFolder({ prefer: 'keychain', keychain })
    const made = await source.readOrCreate()
    const [value] = [...entries.values()]
    expect(entries.size).toBe(1)
    expect(value).toHaveLength(44)
    expect(await readFile(path, 'utf8')).not.toContain(value)
    expect(hex((await open().read())?.bytes)).toBe(hex(made.bytes))
    expect(source.description).toBe('a key in the login keychain (Secret Service)')
  })

  it('field L3: in a file where no keychain can be used, and the store says why', async () => {
    const { keychain } = keyring({ setPassword: () => Promise.reject(new Error('it is\u001b[2J locked.')) })
    const { open, source } = await inFolder({ prefer: 'keychain', keychain })
    const made = await source.readOrCreate()
    expect(source.description).toBe('a key file, because no keychain could be used: it is [2J locked')
    // The keychain that works by now is not asked: a store keeps what it has.
    const later = open({ keychain: keyring().keychain })
    expect(hex((await later.readOrCreate()).bytes)).toBe(hex(made.bytes))
  })

  it('in the file it was in before there was a choice', async () => {
    const { entries, keychain } = keyring()
    const { directory, open } = await inFolder({ prefer: 'keychain', keychain })
    const made = await createKeyFile(directory).readOrCreate()
    expect(hex((await open().readOrCreate()).bytes)).toBe(hex(made.bytes))
    expect(open().description).toBe('a key file, as it was when the store was made')
    expect(entries.size).toBe(0)
  })

  it('is asked of the keychain once, and not again when the store is used', async () => {
    const { opened, keychain } = keyring()
    const { source } = await inFolder({ prefer: 'keychain', keychain })
    await source.readOrCreate()
    const before = opened.length
    for (let times = 0; times < 3; times++) await source.read()
    expect(opened.length).toBe(before)
  })

  it('is decided once by all that make the store at once, with and without a keychain, and nothing is left over', async () => {
    const { entries, keychain } = keyring()
    const { open, path } = await inFolder({ keychain })
    const sources = Array.from({ length: 12 }, (_, index) => open({ prefer: index % 3 === 0 ? 'file' : 'keychain' }))
    const keys = await Promise.all(sources.map(source => source.readOrCreate()))
    expect(new Set(keys.map(({ bytes }) => hex(bytes))).size).toBe(1)
    expect(entries.size).toBe((await readFile(path, 'utf8')).startsWith('{') ? 1 : 0)
  })
})

describe('field L4: unreadable is not absent', () => {
  it.each([
    ['is locked', locked, 'it is locked'],
    ['lost the key', { getPassword: async () => null }, 'is not in the login keychain'],
  ])('a keychain that %s is an error, no new key, no file', async (_, failing, words) => {
    const { directory, path, open, source } = await inFolder({ prefer: 'keychain', keychain: keyring().keychain })
    await createFileStore({ directory, dataKey: source }).compareAndSet(key, 0, emptyRecord(key))
    const before = await readFile(path, 'utf8')
    const store = createFileStore({ directory, dataKey: open({ keychain: keyring(failing).keychain }) })
    const unreadable = { name: 'StoreError', code: 'unreadable', message: expect.stringContaining(words) }
    await expect(store.get(key)).rejects.toMatchObject(unreadable)
    await expect(store.compareAndSet({ ...key, profile: 'b' }, 0, emptyRecord(key))).rejects.toMatchObject(unreadable)
    expect(await readFile(path, 'utf8')).toBe(before)
  })

  it('a keychain that answers with another key is an error', async () => {
    const { open, source } = await inFolder({ prefer: 'keychain', keychain: keyring().keychain })
    await source.readOrCreate()
    const other = keyring({ getPassword: async () => Buffer.alloc(32).toString('base64') }).keychain
    await expect(open({ keychain: other }).read()).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('a key that went missing beside its records is not replaced', async () => {
    const directory = join(await temporaryFolder(), 'credentials')
    const store = createFileStore({ directory })
    await store.compareAndSet(key, 0, emptyRecord(key))
    await rm(join(directory, 'data-key'))
    const other = { ...key, profile: 'other' }
    const missing = { code: 'unreadable', message: expect.stringContaining('is missing') }
    await expect(store.compareAndSet(other, 0, emptyRecord(other))).rejects.toMatchObject(missing)
  })

  it('a decision that a newer version wrote is left as it is', async () => {
    const { path, source, open } = await inFolder({ prefer: 'keychain', keychain: keyring().keychain })
    await source.readOrCreate()
    await writeFile(path, '{"format":2,"vault":"far away"}\n')
    await expect(open().readOrCreate()).rejects.toMatchObject({ code: 'newer_format' })
    await writeFile(path, '{"format":1}\n')
    await expect(open().readOrCreate()).rejects.toMatchObject({ code: 'corrupt' })
  })
})

describe('who insists', () => {
  it('on the keychain gets an error where there is none, and no file', async () => {
    const { keychain } = keyring({}, { env: {} })
    const { path, source } = await inFolder({ prefer: 'keychain', insist: true, keychain })
    await expect(source.readOrCreate()).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringContaining('no D-Bus session'),
    })
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it.each(['keychain', 'file'] as const)(
    'on another place than that of the store gets an error, not a move (%s)',
    async first => {
      const { open } = await inFolder({ keychain: keyring().keychain })
      await open({ prefer: first }).readOrCreate()
      const other = open({ prefer: first === 'file' ? 'keychain' : 'file', insist: true })
      await expect(other.read()).rejects.toMatchObject({ code: 'unreadable' })
      expect(await open({ prefer: first, insist: true }).read()).toBeDefined()
    },
  )
})
