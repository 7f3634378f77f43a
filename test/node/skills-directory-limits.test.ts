import type { Dirent } from 'node:fs'
import type * as files from 'node:fs/promises'
import { beforeEach, expect, it, vi } from 'vitest'
import { skillsDirectory } from '../../src/node.ts'

/** A tree that would take long to write: what a directory holds, directories with a slash at their end; or the code of an error. */
let tree: (path: string) => readonly string[] | string
const opened: string[] = []
vi.mock('node:fs/promises', async original => {
  const real = await original<typeof files>()
  const entry = (name: string) =>
    ({ name: name.replace('/', ''), isSymbolicLink: () => false, isDir: name.endsWith('/') }) as unknown as Dirent
  const directories = new Set<string>()
  return {
    ...real,
    realpath: async (path: string) => path,
    lstat: async (path: string) => ({
      isFile: () => !directories.has(path),
      isDirectory: () => directories.has(path),
      size: 1n,
      mtimeNs: 0n,
      ctimeNs: 0n,
    }),
    opendir: async (path: string) => {
      opened.push(path)
      const names = tree(path)
      if (typeof names === 'string') throw Object.assign(new Error(names), { code: names })
      for (const name of names) if (name.endsWith('/')) directories.add(`${path}/${name.slice(0, -1)}`)
      return names.map(entry)
    },
  }
})

const many = (count: number, ending = ''): string[] => Array.from({ length: count }, (_, i) => `${i}${ending}`)
const list = async () => (await skillsDirectory('/skills').list()).map(({ path, problem }) => [path, problem])

beforeEach(() => {
  opened.length = 0
})

it('a directory of 10 000 files is read; one of more is left out, with the skill that it belongs to', async () => {
  tree = path =>
    ({
      '/skills': ['good/', 'bad/'],
      '/skills/good': ['SKILL.md'],
      '/skills/bad': ['SKILL.md', 'fine/', 'large/'],
      '/skills/bad/fine': many(10_000),
      '/skills/bad/large': many(10_001),
    })[path] ?? []
  const found = await list()
  expect(found).toContainEqual(['good/SKILL.md', undefined])
  expect(found).toContainEqual(['bad/large', 'holds more than 10000 files; take away what no skill needs'])
  // Of a skill with too many files, one too many is enough.
  expect(found.filter(([path]) => path?.startsWith('bad/'))).toHaveLength(514)
})

it('more than 100 000 files altogether are refused: somebody named the wrong directory', async () => {
  tree = path => (path === '/skills' ? many(11, '/') : many(9500))
  await expect(list()).rejects.toThrow('/skills holds more than 100000 files; give the skills a directory of their own')
})

it('a skill of more than 10 000 directories is left out; others are there', async () => {
  const children = many(5000, '/')
  tree = path => {
    if (path === '/skills') return ['good/', 'bad/']
    if (path === '/skills/good') return ['SKILL.md']
    if (path === '/skills/bad') return ['SKILL.md', 'a/', 'b/', 'c/']
    return /bad\/[abc]$/.test(path) ? children : []
  }
  const found = await list()
  expect(found).toContainEqual(['good/SKILL.md', undefined])
  expect(found.filter(([, problem]) => problem === 'is one directory too many')).toHaveLength(1)
  expect(opened.length).toBeLessThan(6000)
})

it.each([
  ['EACCES', [['bad/x', 'cannot be read (EACCES)']]],
  ['ENOENT', []],
])('a directory within that cannot be read (%s) hides no other skill', async (code, problems) => {
  tree = path =>
    ({ '/skills': ['good/', 'bad/'], '/skills/bad': ['SKILL.md', 'x/'], '/skills/bad/x': code })[path] ?? ['SKILL.md']
  const found = await list()
  expect(found).toContainEqual(['good/SKILL.md', undefined])
  expect(found.filter(([, problem]) => problem)).toEqual(problems)
})

it('the topmost directory must be readable', async () => {
  tree = () => 'EACCES'
  await expect(list()).rejects.toThrow('EACCES')
})
