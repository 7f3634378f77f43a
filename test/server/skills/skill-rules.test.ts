import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSkillIndex, type SkillIndex } from '../../../src/server/skills/skill-index.ts'
import { findPathProblem, toSkillUri } from '../../../src/server/skills/skill-path.ts'
import type { SkillSource } from '../../../src/server.ts'
import { createMemorySource, manifest } from './memory-source.ts'

const NEVER = new AbortController().signal
const GOOD = { 'good/SKILL.md': manifest('good') }
const read = (source: SkillSource): Promise<SkillIndex> => readSkillIndex(source, undefined, NEVER)
const index = (files: Readonly<Record<string, string | Uint8Array>>) => read(createMemorySource({ ...files, ...GOOD }))
const namesOf = ({ skills }: SkillIndex) => [...skills.values()].map(({ frontmatter }) => frontmatter.name)

describe('a skill is left out, and says what to fix, when', () => {
  it.each<[string, Record<string, string | Uint8Array>, RegExp]>([
    ['it has no frontmatter', { 'bad/SKILL.md': '# Bad\n' }, /begin with YAML between two lines/],
    ['its frontmatter has no end', { 'bad/SKILL.md': '---\nname: bad\n' }, /another such line/],
    ['its frontmatter is no YAML', { 'bad/SKILL.md': '---\na: [\n---\n' }, /cannot be read: .* at line 1/],
    ['its frontmatter says something twice', { 'bad/SKILL.md': manifest('bad', 'name: bad\n') }, /unique/],
    ['its frontmatter is a list', { 'bad/SKILL.md': '---\n- a\n---\n' }, /no mapping/],
    ['its frontmatter has aliases', { 'bad/SKILL.md': manifest('bad', 'a: &a [x]\nb: *a\n') }, /alias/i],
    [
      'its frontmatter is too long',
      { 'bad/SKILL.md': manifest('bad', `a: ${'x'.repeat(65_536)}\n`) },
      /longer than 65536/,
    ],
    [
      'its frontmatter is too deep',
      { 'bad/SKILL.md': manifest('bad', `a: ${'['.repeat(40)}${']'.repeat(40)}\n`) },
      /deep/,
    ],
    ['its frontmatter holds what JSON has not', { 'bad/SKILL.md': manifest('bad', 'a: .inf\n') }, /JSON cannot say/],
    ['its SKILL.md is not UTF-8', { 'bad/SKILL.md': Uint8Array.of(0x2d, 0xff) }, /not UTF-8/],
    ['it has no name', { 'bad/SKILL.md': '---\ndescription: x\n---\n' }, /name in SKILL.md is missing/],
    ['its name is no text', { 'bad/SKILL.md': '---\nname: 7\ndescription: x\n---\n' }, /name in SKILL.md is 7/],
    ['its name has capitals', { 'Bad/SKILL.md': manifest('Bad') }, /a-z, 0-9/],
    ['its name begins with a hyphen', { '-bad/SKILL.md': manifest('"-bad"') }, /a-z, 0-9/],
    ['its name has two hyphens in a row', { 'b--d/SKILL.md': manifest('b--d') }, /single hyphens/],
    ['its name is too long', { [`${'b'.repeat(65)}/SKILL.md`]: manifest('b'.repeat(65)) }, /1 to 64/],
    ['its name is not that of its directory', { 'bad/SKILL.md': manifest('other') }, /"other" and its directory "bad"/],
    ['it has no description', { 'bad/SKILL.md': '---\nname: bad\n---\n' }, /description of 1 to 1024/],
    ['its description is blank', { 'bad/SKILL.md': '---\nname: bad\ndescription: " "\n---\n' }, /description/],
    ['its description is too long', { 'bad/SKILL.md': manifest('bad').replace('About', 'x'.repeat(1024)) }, /1024/],
    [
      'its metadata has a reserved key',
      { 'bad/SKILL.md': manifest('bad', 'metadata:\n  io.modelcontextprotocol/x: 1\n') },
      /"io.modelcontextprotocol\/x"; .* is reserved/,
    ],
    [
      'it has 513 files',
      {
        'bad/SKILL.md': manifest('bad'),
        ...Object.fromEntries(Array.from({ length: 512 }, (_, i) => [`bad/${i}`, ''])),
      },
      /more than 512 files/,
    ],
    [
      'it has more than 16 MiB',
      { 'bad/SKILL.md': manifest('bad'), 'bad/a': new Uint8Array(8 << 20), 'bad/b': new Uint8Array(8 << 20) },
      /may have 16777216/,
    ],
    ['a file climbs out of it', { 'bad/SKILL.md': manifest('bad'), 'bad/../x': '' }, /is \. or \.\./],
    ['a file stays where it is', { 'bad/SKILL.md': manifest('bad'), 'bad/./x': '' }, /is \. or \.\./],
    ['a file would climb out on Windows', { 'bad/SKILL.md': manifest('bad'), 'bad/..\\x': '' }, /backslash/],
    ['a file has a NUL in its name', { 'bad/SKILL.md': manifest('bad'), 'bad/x\0': '' }, /control character/],
    ['a file has a line break in its name', { 'bad/SKILL.md': manifest('bad'), 'bad/x\ny': '' }, /control character/],
    [
      'a file has half a character in its name',
      { 'bad/SKILL.md': manifest('bad'), 'bad/\ud800': '' },
      /half a character/,
    ],
    ['a file has an empty segment', { 'bad/SKILL.md': manifest('bad'), 'bad//x': '' }, /two in a row/],
    [
      'a file has too long a path',
      { 'bad/SKILL.md': manifest('bad'), [`bad/${'x'.repeat(1024)}`]: '' },
      /longer than 1024/,
    ],
    ['it lies at the top', { 'SKILL.md': manifest('bad') }, /put it into a directory of its name/],
    ['its path is absolute', { '/bad/SKILL.md': manifest('bad') }, /begins or ends with a slash/],
    ['its directory climbs', { '../bad/SKILL.md': manifest('bad') }, /is \. or \.\./],
    [
      'another has its name',
      { 'bad/good/SKILL.md': manifest('good') },
      /^The skill in "good" .* bad\/good has the same name/,
    ],
  ])('%s; others are there', async (_why, files, problem) => {
    const found = await index(files)
    expect(found.problems).toEqual([expect.stringMatching(problem)])
    expect(namesOf(found)).toEqual(['good'])
    expect(found.files.size).toBe(1)
  })

  it('its source says that a file cannot be served, and so do files of no skill', async () => {
    const source = createMemorySource({ 'bad/SKILL.md': manifest('bad'), ...GOOD })
    const found = await read({
      ...source,
      list: async () => [
        ...(await source.list()),
        { path: 'bad/link', size: 0, problem: 'leads out' },
        { path: 'elsewhere', size: 0, problem: 'cannot be read' },
      ],
    })
    expect([...found.problems].sort()).toEqual([
      '"elsewhere" is left out: it cannot be read',
      'The skill in "bad" is left out: "bad/link" leads out',
    ])
    expect(namesOf(found)).toEqual(['good'])
  })

  it('its source lists a file twice', async () => {
    const source = createMemorySource({ 'bad/SKILL.md': manifest('bad'), 'bad/x': '', ...GOOD })
    const list = async () => [...(await source.list()), { path: 'bad/x', size: 0 }]
    const found = await read({ ...source, list })
    expect(found.problems).toEqual([expect.stringMatching(/lists a file twice/)])
    expect(namesOf(found)).toEqual(['good'])
  })

  it('its files are larger than they were said to be', async () => {
    const source = createMemorySource({ 'bad/SKILL.md': manifest('bad'), 'bad/x': new Uint8Array(17 << 20), ...GOOD })
    const list = async () => (await source.list()).map(file => ({ ...file, size: 1 }))
    const found = await read({ ...source, list })
    expect(found.problems).toEqual([expect.stringMatching(/bad\/x has 17825792 bytes/)])
    expect(namesOf(found)).toEqual(['good'])
  })

  it('its files are together larger than they were said to be', async () => {
    const half = new Uint8Array(9 << 20)
    const source = createMemorySource({ 'bad/SKILL.md': manifest('bad'), 'bad/x': half, 'bad/y': half, ...GOOD })
    const list = async () => (await source.list()).map(({ path }) => ({ path, size: 1 }))
    const found = await read({ ...source, list })
    expect(found.problems).toEqual([expect.stringMatching(/bad\/y has 9437184 bytes, and may have/)])
    expect(namesOf(found)).toEqual(['good'])
  })

  it('a file of it cannot be read, or is gone', async () => {
    const source = createMemorySource({
      'bad/SKILL.md': manifest('bad'),
      'bad/x': '',
      'worse/SKILL.md': manifest('worse'),
      ...GOOD,
    })
    const found = await read({
      ...source,
      read: async (path, options) => {
        if (path === 'bad/x') throw new Error('the disk is broken')
        return path === 'worse/SKILL.md' ? undefined : source.read(path, options)
      },
    })
    expect(found.problems).toEqual([
      expect.stringMatching(/disk is broken/),
      expect.stringMatching(/worse\/SKILL.md is gone/),
    ])
    expect(namesOf(found)).toEqual(['good'])
  })
})

describe('a skill', () => {
  it('may have 512 files of 16 MiB together', async () => {
    const text = manifest('full')
    const rest = Array.from({ length: 510 }, (_, i) => [`full/${i}`, ''] as const)
    const large = new Uint8Array((16 << 20) - text.length)
    const found = await index({ 'full/SKILL.md': text, 'full/large': large, ...Object.fromEntries(rest) })
    expect(found.problems).toEqual([])
    expect(found.skills.get('skill://full/SKILL.md')?.resources).toHaveLength(512)
  })

  it('with too many files or bytes is not read', async () => {
    const source = createMemorySource({ 'bad/SKILL.md': manifest('bad'), 'bad/x': new Uint8Array(17 << 20) })
    await read(source)
    expect(source.reads).toEqual([])
  })

  it('within another is a skill of its own, and its files belong to both', async () => {
    const found = await index({
      'outer/SKILL.md': manifest('outer'),
      'outer/inner/SKILL.md': manifest('inner'),
      'outer/inner/x.md': 'x',
    })
    expect(namesOf(found)).toEqual(['good', 'outer', 'inner'])
    const uris = (uri: string) => found.skills.get(uri)?.resources.map(resource => resource.uri)
    expect(uris('skill://outer/SKILL.md')).toEqual([
      'skill://outer/SKILL.md',
      'skill://outer/inner/SKILL.md',
      'skill://outer/inner/x.md',
    ])
    expect(uris('skill://outer/inner/SKILL.md')).toHaveLength(2)
    expect(found.files.get('skill://outer/inner/SKILL.md')?.resource).toMatchObject({
      name: 'inner',
      description: 'About inner',
    })
    expect(found.directories.get('skill://outer/inner')).toHaveLength(2)
  })

  it('within an invalid one is served all the same', async () => {
    const found = await index({ 'outer/SKILL.md': 'nothing', 'outer/inner/SKILL.md': manifest('inner') })
    expect(namesOf(found)).toEqual(['good', 'inner'])
  })

  it('has URIs with every segment encoded, and types by name or by contents', async () => {
    const found = await index({
      'all/SKILL.md': manifest('all'),
      'all/a b%2e.md': 'x',
      'all/größe?.TXT': 'x',
      'all/Makefile': 'x',
      'all/data': Uint8Array.of(0xff),
      'all/zero': Uint8Array.of(0),
    })
    expect(
      [...found.files.values()]
        .filter(({ path }) => path.startsWith('all/'))
        .map(({ resource }) => [resource.uri, resource.mimeType]),
    ).toEqual([
      ['skill://all/Makefile', 'text/plain'],
      ['skill://all/SKILL.md', 'text/markdown'],
      ['skill://all/a%20b%252e.md', 'text/markdown'],
      ['skill://all/data', 'application/octet-stream'],
      ['skill://all/gr%C3%B6%C3%9Fe%3F.TXT', 'text/plain'],
      ['skill://all/zero', 'application/octet-stream'],
    ])
  })
})

it('a source of more than 100 000 files is refused', async () => {
  const list = async () => Array.from({ length: 100_001 }, (_, index) => ({ path: `${index}`, size: 0 }))
  await expect(read({ ...createMemorySource({}), list })).rejects.toThrow(/may have 100000/)
})

it('what ends a look ends all of it, and is no problem of a skill', async () => {
  const controller = new AbortController()
  const source = createMemorySource(GOOD)
  const looking = readSkillIndex(
    {
      ...source,
      read: () => {
        controller.abort(new Error('enough'))
        return Promise.reject(new Error('stopped'))
      },
    },
    undefined,
    controller.signal,
  )
  await expect(looking).rejects.toThrow('enough')
})

describe('paths (property)', () => {
  it('that are accepted never lead out, and two never have one URI', () => {
    const segment = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', '%2e%2e', '\\', '\0', 'é'),
      fc.string({ unit: 'grapheme' }),
    )
    const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map(segments => segments.join('/'))
    fc.assert(
      fc.property(path, path, (one, other) => {
        fc.pre(findPathProblem(one) === undefined && findPathProblem(other) === undefined)
        expect(new URL(one.split('/').map(encodeURIComponent).join('/'), 'x://h/root/').pathname).toMatch(/^\/root\/./)
        expect(toSkillUri(one) === toSkillUri(other)).toBe(one === other)
        expect(`/${toSkillUri(one).slice('skill://'.length)}`).not.toMatch(/[\\\0]|\/\.{0,2}(?:\/|$)/)
      }),
    )
  })
})
