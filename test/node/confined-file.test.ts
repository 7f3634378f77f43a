import * as files from 'node:fs/promises'
import { appendFile, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { readConfinedFile } from '../../src/node/confined-file.ts'
import { temporaryFolder } from './folder.ts'

/** What happens right before and right after a file is opened. */
const meanwhile: { before?: (() => Promise<void>) | undefined; after?: (() => Promise<void>) | undefined } = {}
vi.mock('node:fs/promises', async original => {
  const real = await original<typeof files>()
  return {
    ...real,
    open: async (...args: Parameters<typeof real.open>) => {
      await meanwhile.before?.()
      const handle = await real.open(...args)
      await meanwhile.after?.()
      return handle
    },
  }
})

let folder: string
let root: string
beforeEach(async () => {
  folder = await files.realpath(await temporaryFolder())
  root = join(folder, 'root')
  await mkdir(join(root, 'inner'), { recursive: true })
  await mkdir(join(folder, 'outer'))
  await writeFile(join(root, 'inner/file'), 'harmless')
  await writeFile(join(folder, 'outer/file'), 'canary')
  await writeFile(join(folder, 'secret'), 'canary')
  delete meanwhile.before
  delete meanwhile.after
})
const read = (path: string, maxBytes = 1000) => readConfinedFile(root, path, maxBytes)
const toText = (content: Awaited<ReturnType<typeof read>>) => content && Buffer.from(content.bytes).toString()
/** Puts a link to the outer directory where the inner one is. */
const exchange = async () => {
  await rename(join(root, 'inner'), join(root, 'kept'))
  await symlink('../outer', join(root, 'inner'))
}
const restore = async () => {
  await rm(join(root, 'inner'))
  await rename(join(root, 'kept'), join(root, 'inner'))
}

describe('a file within a directory', () => {
  it('is read, whole', async () => {
    expect(toText(await read('inner/file'))).toBe('harmless')
    expect(toText(await read('inner/file', 8))).toBe('harmless')
    await writeFile(join(root, 'empty'), '')
    expect(toText(await read('empty', 0))).toBe('')
  })

  it('is undefined when there is none', async () => {
    expect(await read('nothing')).toBeUndefined()
    expect(await read('inner/file/further')).toBeUndefined()
  })

  it('larger than it may be is refused', async () => {
    await expect(read('inner/file', 7)).rejects.toThrow(/"inner\/file" has 8 bytes, and may have 7/)
    await expect(read('inner/file', -1)).rejects.toThrow(/may have -1/)
  })

  it('is no directory', async () => {
    await expect(read('inner')).rejects.toThrow(/is no file/)
  })

  it.each([
    '../secret',
    'inner/../../secret',
    'inner/../inner/file',
    './inner/file',
    'inner/./file',
    '/etc/passwd',
    'inner//file',
    'inner/file/',
    '..\\secret',
    'inner\\file',
    'inner/file\0',
    'inner/file\0.md',
    '',
    '.',
    '..',
    '\ud800',
    `inner/${'x'.repeat(1024)}`,
  ])('is not found under the path %j, which is refused before anything is looked at', async path => {
    meanwhile.before = () => Promise.reject(new Error('opened'))
    await expect(read(path)).rejects.toThrow(/^"/)
    await expect(read(path)).rejects.not.toThrow(/opened|leads out/)
  })

  it.each(['%2e%2e/secret', '..%2fsecret', '%2e%2e%2fsecret', 'inner%2ffile'])(
    'is not found under the path %j: nothing is decoded',
    async path => {
      expect(await read(path)).toBeUndefined()
    },
  )

  it('is refused when a link leads out, at the end of the path or on it', async () => {
    await symlink('../secret', join(root, 'link'))
    await symlink('../outer', join(root, 'way'))
    await symlink('..', join(root, 'up'))
    for (const path of ['link', 'way/file', 'up/secret', 'up'])
      await expect(read(path), path).rejects.toThrow(/leads out of its directory/)
  })

  it('is refused when a link leads to a neighbour whose name begins with that of the directory', async () => {
    await mkdir(join(folder, 'root-more'))
    await writeFile(join(folder, 'root-more/file'), 'canary')
    await symlink('../root-more', join(root, 'way'))
    await expect(read('way/file')).rejects.toThrow(/leads out/)
  })

  it.runIf(process.platform === 'linux')('is refused when it holds more than its size says', async () => {
    await expect(readConfinedFile('/proc', 'version', 10_000)).rejects.toThrow(/changes while it is read/)
  })

  it('may be named with two dots before other letters', async () => {
    await writeFile(join(root, 'inner/a..b'), 'fine')
    expect(toText(await read('inner/a..b'))).toBe('fine')
  })
})

describe('a file that is exchanged between the look and the opening', () => {
  it('by a link: the link is not followed', async () => {
    meanwhile.before = async () => {
      await rm(join(root, 'inner/file'))
      await symlink('../../secret', join(root, 'inner/file'))
    }
    await expect(read('inner/file')).rejects.toMatchObject({ code: 'ELOOP' })
  })

  it('by a link in the place of its directory: what was opened is thrown away', async () => {
    meanwhile.before = exchange
    await expect(read('inner/file')).rejects.toThrow(/leads out of its directory/)
  })

  it('by a link that is taken away again: what was opened is another file than what lies there', async () => {
    meanwhile.before = exchange
    meanwhile.after = restore
    await expect(read('inner/file')).rejects.toThrow(/was exchanged while it was opened/)
  })
})

describe('a file that changes while it is read', () => {
  const handlePrototype = async () => {
    const handle = await files.open(join(folder, 'secret'))
    await handle.close()
    return Object.getPrototypeOf(handle) as { read(...args: unknown[]): Promise<unknown> }
  }

  it('is read again: bytes, size and version belong together', async () => {
    const prototype = await handlePrototype()
    const real = prototype.read
    const spy = vi.spyOn(prototype, 'read').mockImplementationOnce(async function (this: unknown, ...args: unknown[]) {
      const answer = await real.apply(this, args)
      await appendFile(join(root, 'inner/file'), ', and more')
      return answer
    })
    const content = await read('inner/file')
    spy.mockRestore()
    expect(toText(content)).toBe('harmless, and more')
    expect(content?.stats.size).toBe(18n)
  })

  it('all the time is given up', async () => {
    const prototype = await handlePrototype()
    const real = prototype.read
    const spy = vi.spyOn(prototype, 'read').mockImplementation(async function (this: unknown, ...args: unknown[]) {
      const answer = await real.apply(this, args)
      await appendFile(join(root, 'inner/file'), '.')
      return answer
    })
    await expect(read('inner/file')).rejects.toThrow(/changes while it is read/)
    spy.mockRestore()
  })
})
