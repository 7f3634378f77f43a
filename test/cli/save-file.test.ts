import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { saveBeside, saveFile } from '../../cli/src/save-file.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-save-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('a file that was asked for', () => {
  it('is never overwritten without --force, and replaced whole with it', async () => {
    const path = join(folder, 'a.txt')
    await saveFile(path, 'one', false)
    await expect(saveFile(path, 'two', false)).rejects.toMatchObject({
      name: 'OutputError',
      hint: '--force overwrites it',
    })
    expect(await readFile(path, 'utf8')).toBe('one')
    await saveFile(path, Buffer.from([0, 255]), true)
    expect(await readFile(path)).toEqual(Buffer.from([0, 255]))
    expect(await readdir(folder)).toEqual(['a.txt'])
  })

  it('is not written through a link that lies in wait', async () => {
    await writeFile(join(folder, 'target'), 'mine')
    await symlink(join(folder, 'target'), join(folder, 'a.png'))
    await symlink(join(folder, 'nowhere'), join(folder, 'b.png'))
    await expect(saveFile(join(folder, 'a.png'), 'x', false)).rejects.toMatchObject({ name: 'OutputError' })
    await expect(saveFile(join(folder, 'b.png'), 'x', false)).rejects.toMatchObject({ name: 'OutputError' })
    expect(await saveBeside(folder, 'a.png', Buffer.from('x'))).toBe(join(folder, 'a-2.png'))
    await saveFile(join(folder, 'a.png'), 'x', true)
    expect(await readFile(join(folder, 'target'), 'utf8')).toBe('mine')
  })

  it('says what is wrong when it cannot be written', async () => {
    await expect(saveFile(join(folder, 'no', 'a.txt'), 'x', false)).rejects.toThrow(/cannot be written: ENOENT/)
    await writeFile(join(folder, 'file'), '')
    await expect(saveBeside(join(folder, 'file'), 'a.png', Buffer.from('x'))).rejects.toMatchObject({
      name: 'OutputError',
    })
  })
})

it('files saved at once get a name each', async () => {
  const paths = await Promise.all(
    Array.from({ length: 8 }, (_, index) => saveBeside(join(folder, 'new'), 'a.png', Buffer.from([index]))),
  )
  expect(new Set(paths).size).toBe(8)
  const contents = await Promise.all(paths.map(async path => (await readFile(path))[0]))
  expect(contents).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})
