import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { assertPrivate, createPrivateFolder, publishFile, withRetries } from '../../src/node/private-file.ts'
import { temporaryFolder } from './folder.ts'

const busy = (code: string): Error => Object.assign(new Error(code), { code })
const text = new TextEncoder()

afterEach(() => {
  vi.useRealTimers()
})

describe('a file that a scanner holds', () => {
  it.each(['EPERM', 'EACCES', 'EBUSY'])('field L7: %s on Windows is tried again, later each time', async code => {
    vi.useFakeTimers()
    const waited: number[] = []
    let last = Date.now()
    const done = withRetries(async () => {
      waited.push(Date.now() - last)
      last = Date.now()
      if (waited.length < 5) throw busy(code)
      return 'published'
    }, 8)
    await vi.runAllTimersAsync()
    expect(await done).toBe('published')
    expect(waited).toEqual([0, 10, 20, 40, 80])
  })

  it('field L7: not for ever, and no other error at all', async () => {
    vi.useFakeTimers()
    let tries = 0
    const refused = withRetries(async () => {
      tries++
      throw busy('EPERM')
    }, 3)
    const outcome = expect(refused).rejects.toMatchObject({ code: 'EPERM' })
    await vi.runAllTimersAsync()
    await outcome
    expect(tries).toBe(4)
    await expect(withRetries(() => Promise.reject(busy('ENOSPC')), 3)).rejects.toMatchObject({ code: 'ENOSPC' })
  })
})

describe('publishing a file', () => {
  it('lets exactly one of many win, and leaves nothing aside', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'it')
    const won = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        publishFile(path, text.encode(String(index)), { durable: index % 2 === 0 }),
      ),
    )
    expect(won.filter(Boolean)).toHaveLength(1)
    expect(await readFile(path, 'utf8')).toBe(String(won.indexOf(true)))
    expect(await readdir(folder)).toEqual(['it'])
    expect((await stat(path)).nlink).toBe(1)
  })

  it('never replaces what is there', async () => {
    const path = join(await temporaryFolder(), 'it')
    await writeFile(path, 'first')
    expect(await publishFile(path, text.encode('second'))).toBe(false)
    expect(await readFile(path, 'utf8')).toBe('first')
  })

  it('says where and why it could not write, and leaves nothing aside', async () => {
    const folder = await temporaryFolder()
    await expect(publishFile(join(folder, 'none', 'it'), text.encode('x'))).rejects.toMatchObject({
      name: 'StoreError',
      code: 'unwritable',
      message: expect.stringContaining('ENOENT'),
      detail: { path: join(folder, 'none', 'it'), hint: expect.stringContaining('LATCHKEY_HOME') },
    })
    expect(await readdir(folder)).toEqual([])
  })
})

describe('a private folder', () => {
  it('field L8: is made with its parents, all of them private', async () => {
    const folder = await temporaryFolder()
    await createPrivateFolder(join(folder, 'a', 'b', 'c'))
    const modes = await Promise.all(
      ['a', 'a/b', 'a/b/c'].map(async each => (await stat(join(folder, each))).mode & 0o777),
    )
    expect(modes).toEqual([0o700, 0o700, 0o700])
  })

  it('field L8: is refused, not repaired, when others could have been in it', async () => {
    const folder = join(await temporaryFolder(), 'open')
    await mkdir(folder)
    await chmod(folder, 0o711)
    await expect(createPrivateFolder(folder)).rejects.toMatchObject({
      code: 'insecure_permissions',
      detail: { hint: expect.stringContaining(`chmod go-rwx '${folder}'`) },
    })
    expect((await stat(folder)).mode & 0o777).toBe(0o711)
  })

  it('field L8: what belongs to somebody else is refused', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(4711)
    const folder = await temporaryFolder()
    await expect(assertPrivate(folder)).rejects.toMatchObject({ code: 'insecure_permissions' })
    vi.restoreAllMocks()
    await assertPrivate(folder)
  })
})
