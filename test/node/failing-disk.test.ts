import type * as Files from 'node:fs/promises'
import { open, readdir, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { emptyRecord } from '../../src/oauth/credential-record.ts'
import { withFileLock } from '../../src/node/file-lock.ts'
import { createFileStore } from '../../src/node/file-store.ts'
import { createPrivateFolder } from '../../src/node/private-file.ts'
import { ownIdentity } from '../../src/node/process-identity.ts'
import { temporaryFolder } from './folder.ts'

vi.mock('node:fs/promises', async original => {
  const files = await original<typeof Files>()
  return { ...files, open: vi.fn(files.open), readdir: vi.fn(files.readdir), truncate: vi.fn(files.truncate) }
})
const really = await vi.importActual<typeof Files>('node:fs/promises')
const key = { server: 'https://mcp.example.com/mcp', profile: 'default' }
const systemError = (code: string): Error => Object.assign(new Error(code), { code })

beforeEach(() => {
  vi.mocked(open).mockReset().mockImplementation(really.open)
  vi.mocked(readdir).mockReset().mockImplementation(really.readdir)
  vi.mocked(truncate).mockReset().mockImplementation(really.truncate)
})

/** From here on nothing can be written, as on a full disk: names still fit, content does not. */
function fillDisk(code: string): void {
  vi.mocked(open).mockImplementation(async (path, flags, mode) => {
    const file = await really.open(path, flags, mode)
    if (flags === 'wx') file.writeFile = () => Promise.reject(systemError(code))
    return file
  })
}

describe('a disk that takes no more', () => {
  it.each([
    ['ENOSPC', 'disk is full'],
    ['EDQUOT', 'quota'],
  ])(
    'keeps the last version, leaves nothing half done, and works again when there is room (%s)',
    async (code, hint) => {
      const directory = join(await temporaryFolder(), 'credentials')
      const store = createFileStore({ directory })
      await store.compareAndSet(key, 0, emptyRecord(key))
      fillDisk(code)
      await expect(store.compareAndSet(key, 1, { ...emptyRecord(key), current: 'b' })).rejects.toMatchObject({
        name: 'StoreError',
        code: 'unwritable',
        detail: { hint: expect.stringContaining(hint) },
      })
      expect(await store.get(key)).toEqual({ version: 1, record: emptyRecord(key) })
      const left = await really.readdir(directory, { recursive: true })
      expect(left.filter(name => name.includes('.new-'))).toEqual([])
      vi.mocked(open).mockImplementation(really.open)
      expect(await store.compareAndSet(key, 1, { ...emptyRecord(key), current: 'b' })).toBe(2)
    },
  )

  it('makes no store, and no key, by halves', async () => {
    const directory = join(await temporaryFolder(), 'credentials')
    const store = createFileStore({ directory })
    fillDisk('ENOSPC')
    await expect(store.compareAndSet(key, 0, emptyRecord(key))).rejects.toMatchObject({ code: 'unwritable' })
    expect(await store.get(key)).toBeUndefined()
    vi.mocked(open).mockImplementation(really.open)
    expect(await store.compareAndSet(key, 0, emptyRecord(key))).toBe(1)
  })
})

describe('a lock in a process with too many open files', () => {
  const own = ownIdentity()
  async function folder(): Promise<string> {
    const made = join(await temporaryFolder(), 'lock')
    await createPrivateFolder(made)
    return made
  }

  it('is not left held by an attempt that failed just after it was taken', async () => {
    const lock = await folder()
    const identity = await own
    vi.mocked(readdir).mockImplementationOnce(really.readdir).mockRejectedValueOnce(systemError('EMFILE'))
    let ran = false
    const taking = withFileLock(lock, async () => void (ran = true), { own: identity })
    await expect(taking).rejects.toMatchObject({ code: 'unreadable' })
    expect(ran).toBe(false)
    expect(await withFileLock(lock, async () => 'taken', { own: identity, timeoutMs: 5_000 })).toBe('taken')
  })

  it('is given back as soon as that is possible, without keeping the result waiting', async () => {
    const lock = await folder()
    const identity = await own
    vi.mocked(truncate).mockRejectedValueOnce(systemError('EMFILE')).mockRejectedValueOnce(systemError('EMFILE'))
    expect(await withFileLock(lock, async () => 'first', { own: identity })).toBe('first')
    expect(await withFileLock(lock, async () => 'second', { own: identity, timeoutMs: 5_000 })).toBe('second')
  })
})
