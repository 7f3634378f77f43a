import { link, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { assertPrivate, createPrivateFolder, publishFile } from '../../src/node/private-file.ts'
import { temporaryFolder } from './folder.ts'

const files = await vi.hoisted(async () => import('node:fs/promises'))
vi.mock('node:fs/promises', async original => ({
  ...(await original<typeof import('node:fs/promises')>()),
  link: vi.fn<typeof files.link>(),
}))
const linked = vi.mocked(link)
const { link: really } = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises')

const systemError = (code: string): Error => Object.assign(new Error(code), { code })
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

beforeEach(() => {
  linked.mockReset().mockImplementation(really)
})

describe('publishing a file', () => {
  it('is won by one of many, and leaves nothing else behind', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, '1')
    const won = await Promise.all(Array.from({ length: 10 }, (_, index) => publishFile(path, bytes(`writer ${index}`))))
    expect(won.filter(Boolean)).toHaveLength(1)
    expect(await readFile(path, 'utf8')).toBe(`writer ${won.indexOf(true)}`)
    expect(await readdir(folder)).toEqual(['1'])
  })

  it('is won when a network file system made the link and then said it was there already (link(2))', async () => {
    const path = join(await temporaryFolder(), '1')
    linked.mockImplementationOnce(async (from, to) => {
      await really(from, to)
      throw systemError('EEXIST')
    })
    expect(await publishFile(path, bytes('mine'))).toBe(true)
    expect(await publishFile(path, bytes('other'))).toBe(false)
    expect(await readFile(path, 'utf8')).toBe('mine')
  })

  it('is lost when the file aside was cleared up by somebody who went on', async () => {
    const path = join(await temporaryFolder(), '1')
    linked.mockImplementationOnce(async (from, to) => {
      await rm(from)
      await really(from, to)
    })
    expect(await publishFile(path, bytes('mine'))).toBe(false)
  })

  it.each(['EPERM', 'ENOTSUP', 'EMLINK'])('is refused in clear words without hard links (%s)', async code => {
    const folder = await temporaryFolder()
    linked.mockRejectedValueOnce(systemError(code))
    await expect(publishFile(join(folder, '1'), bytes('canary'))).rejects.toMatchObject({
      name: 'StoreError',
      code: 'unwritable',
      detail: { hint: expect.stringContaining('local disk') },
    })
    expect(await readdir(folder)).toEqual([])
  })
})

describe('private folders', () => {
  it('field L8: are 0700 with every parent that was made', async () => {
    const top = await temporaryFolder()
    await createPrivateFolder(join(top, 'a', 'b', 'c'))
    const modes = ['a', 'a/b', 'a/b/c'].map(async path => ((await stat(join(top, path))).mode & 0o777).toString(8))
    expect(await Promise.all(modes)).toEqual(['700', '700', '700'])
  })

  it('may be reached through a link of the owner’s; what counts is where it leads', async () => {
    const top = await temporaryFolder()
    await mkdir(join(top, 'open'))
    await mkdir(join(top, 'closed'), { mode: 0o700 })
    await symlink(join(top, 'open'), join(top, 'to-open'))
    await symlink(join(top, 'closed'), join(top, 'to-closed'))
    await createPrivateFolder(join(top, 'to-closed'))
    await expect(createPrivateFolder(join(top, 'to-open'))).rejects.toMatchObject({ code: 'insecure_permissions' })
  })

  it('are not files, and the error says which', async () => {
    const path = join(await temporaryFolder(), 'file')
    await writeFile(path, '')
    await expect(createPrivateFolder(path)).rejects.toMatchObject({ code: 'unwritable', detail: { path } })
    await expect(createPrivateFolder(join(path, 'below'))).rejects.toMatchObject({ code: 'unwritable' })
  })

  it('field L8: that belong to another user are refused, whatever their mode', async () => {
    const folder = await temporaryFolder()
    const user = vi.spyOn(process, 'getuid' as never).mockReturnValue(4711 as never)
    try {
      await expect(assertPrivate(folder)).rejects.toMatchObject({
        code: 'insecure_permissions',
        message: expect.stringContaining('another user'),
        detail: { hint: expect.stringContaining('LATCHKEY_HOME') },
      })
    } finally {
      user.mockRestore()
    }
  })
})
