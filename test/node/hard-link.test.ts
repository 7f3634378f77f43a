import type * as Files from 'node:fs/promises'
import { link, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createPrivateFolder, publishFile } from '../../src/node/private-file.ts'
import { temporaryFolder } from './folder.ts'

vi.mock('node:fs/promises', async original => ({
  ...(await original<typeof Files>()),
  link: vi.fn<typeof Files.link>(),
}))
const linked = vi.mocked(link)
const { link: really } = await vi.importActual<typeof Files>('node:fs/promises')

const systemError = (code: string): Error => Object.assign(new Error(code), { code })
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

beforeEach(() => {
  linked.mockReset().mockImplementation(really)
})

describe('publishing a file by a link', () => {
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
})
