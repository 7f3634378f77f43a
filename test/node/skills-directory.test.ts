import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdir, realpath, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { createServer as createSocket } from 'node:net'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Client, skillsOf } from '../../src/client.ts'
import { connect } from '../../src/http/connect.ts'
import { serve, skillsDirectory } from '../../src/node.ts'
import { createServer, skills } from '../../src/server.ts'
import { manifest } from '../server/skills/memory-source.ts'
import { temporaryFolder } from './folder.ts'

const LATER = (): number => Date.now() + 60_000
const digest = (content: string) => `sha256:${createHash('sha256').update(content).digest('hex')}`

/** Writes files, and says where. Links begin with `->`. */
async function write(files: Readonly<Record<string, string>>, folder?: string): Promise<string> {
  const root = folder ?? (await temporaryFolder())
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    if (content.startsWith('->')) await symlink(content.slice(2), join(root, path))
    else await writeFile(join(root, path), content)
  }
  return root
}

async function serving(path: string, revision: '2026-07-28' | '2025-11-25' = '2026-07-28') {
  const onError = vi.fn()
  const extensions = [skills(skillsDirectory(path))]
  const server = createServer({ name: 'skilled', version: '1.0.0', extensions, onError })
  const running = await serve(server)
  onTestFinished(() => running.close())
  const client = await connect(running.url, { revision })
  onTestFinished(() => client.close())
  return { client, problems: () => onError.mock.calls.map(([error]) => String(error)) }
}
const namesOf = async (client: Client): Promise<string[]> => {
  const names: string[] = []
  for await (const { frontmatter } of skillsOf(client).list()) names.push(frontmatter.name)
  return names
}
const pathsOf = async (root: string): Promise<string[]> =>
  (await skillsDirectory(root).list()).map(({ path, problem }) => (problem ? `${path}: ${problem}` : path)).sort()

describe('a directory of skills', () => {
  it.each(['2026-07-28', '2025-11-25'] as const)('is served as it is on %s', async revision => {
    const root = await write({
      'pdf/SKILL.md': manifest('pdf'),
      'pdf/references/FORMS.md': 'Forms',
      'acme/billing/refunds/SKILL.md': manifest('refunds'),
      'README.md': 'no skill',
    })
    const { client, problems } = await serving(root, revision)
    expect(await namesOf(client)).toEqual(['refunds', 'pdf'])
    const loaded = await skillsOf(client).load(await skillsOf(client).get('skill://pdf/SKILL.md'))
    expect(Buffer.from(await loaded.read('skill://pdf/references/FORMS.md')).toString()).toBe('Forms')
    expect(await skillsOf(client).directory('skill://pdf')).toContainEqual({
      uri: 'skill://pdf/references',
      name: 'references',
      mimeType: 'inode/directory',
    })
    expect(problems()).toEqual([])
  })

  it('may be named by a file: URL, and be reached through a link', async () => {
    const folder = await write({ 'real/pdf/SKILL.md': manifest('pdf'), link: '->real' })
    const source = skillsDirectory(pathToFileURL(join(folder, 'link/')))
    expect((await source.list()).map(({ path }) => path)).toEqual(['pdf/SKILL.md'])
    expect(await source.read('pdf/SKILL.md', { maxBytes: 1000 })).toBeDefined()
  })

  it('that is not there says so, and is found once it is', async () => {
    const root = join(await temporaryFolder(), 'skills')
    const { client, problems } = await serving(root)
    await expect(namesOf(client)).rejects.toMatchObject({ code: -32603 })
    expect(problems()).toEqual([expect.stringMatching(/skills cannot be read \(ENOENT\); create it/)])
    await write({ 'pdf/SKILL.md': manifest('pdf') }, root)
    expect(await namesOf(client)).toEqual(['pdf'])
  })

  it('keeps what is hidden to itself', async () => {
    const root = await write({
      'pdf/SKILL.md': manifest('pdf'),
      'pdf/.env': 'TOKEN=canary',
      'pdf/.git/config': 'canary',
      '.hidden/SKILL.md': manifest('hidden'),
    })
    const { client } = await serving(root)
    expect(await namesOf(client)).toEqual(['pdf'])
    expect((await skillsOf(client).get('skill://pdf/SKILL.md')).resources).toHaveLength(1)
    await expect(client.readResource('skill://pdf/.env')).rejects.toMatchObject({ code: -32602 })
    const source = skillsDirectory(root)
    await expect(source.read('pdf/.env', { maxBytes: 100 })).rejects.toThrow(/hidden/)
    await expect(source.read('pdf/.git/config', { maxBytes: 100 })).rejects.toThrow(/hidden/)
  })

  it('follows links that stay inside', async () => {
    const root = await write({
      'pdf/SKILL.md': manifest('pdf'),
      'pdf/shared.md': '->../common/shared.md',
      'pdf/more': '->../common',
      'common/shared.md': 'shared',
    })
    const { client, problems } = await serving(root)
    const skill = await skillsOf(client).get('skill://pdf/SKILL.md')
    expect(skill.resources.map(({ uri }) => uri)).toEqual([
      'skill://pdf/SKILL.md',
      'skill://pdf/more/shared.md',
      'skill://pdf/shared.md',
    ])
    const loaded = await skillsOf(client).load(skill)
    expect(Buffer.from(await loaded.read('skill://pdf/more/shared.md')).toString()).toBe('shared')
    expect(problems()).toEqual([])
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['a link to a file outside', { 'bad/x': '->../../outside.txt' }, /"bad\/x" is a link out of the directory/],
    ['an absolute link', { 'bad/x': '->/etc/passwd' }, /is a link out/],
    ['a link to a directory outside', { 'bad/x': '->../..' }, /is a link out/],
    ['a link to a sibling whose name begins the same', { 'bad/x': '->../../skills-more' }, /is a link out/],
    ['a link to something hidden', { '.env': 'TOKEN', 'bad/x': '->../.env' }, /or to something hidden/],
    ['a link into something hidden', { '.git/config': 'x', 'bad/x': '->../.git/config' }, /or to something hidden/],
    ['a link to itself', { 'bad/x': '->x' }, /leads nowhere \(ELOOP\)/],
    ['a link to where it lies', { 'bad/x': '->.' }, /a directory that it lies in/],
    ['a link to further above', { 'bad/a/b/x': '->../..' }, /a directory that it lies in/],
    ['a link to the whole', { 'bad/x': '->..' }, /a directory that it lies in/],
    ['a link to nothing', { 'bad/x': '->nothing' }, /leads nowhere \(ENOENT\)/],
    ['no frontmatter', { 'bad/SKILL.md': 'nothing' }, /begin with YAML/],
    ['another name than its directory', { 'bad/SKILL.md': manifest('other') }, /rename one of them/],
    ['a name with a backslash', { 'bad/a\\x': '' }, /backslash/],
    [
      '513 files',
      Object.fromEntries(Array.from({ length: 512 }, (_, i) => [`bad/${i % 7}/${i}`, ''])),
      /more than 512 files/,
    ],
  ])('leaves a skill with %s out; others are there', async (_what, files, problem) => {
    const folder = await write({ 'outside.txt': 'canary', 'skills-more/SKILL.md': 'canary' })
    const root = await write(
      { 'good/SKILL.md': manifest('good'), 'bad/SKILL.md': manifest('bad'), ...files },
      join(folder, 'skills'),
    )
    const { client, problems } = await serving(root)
    expect(await namesOf(client)).toEqual(['good'])
    expect(problems()).toEqual([expect.stringMatching(problem)])
    await expect(client.readResource('skill://bad/x')).rejects.toMatchObject({ code: -32602 })
    expect(await namesOf(client)).toEqual(['good'])
    expect(problems()).toHaveLength(1)
  })

  it('two directories that link to each other are no circle without end', async () => {
    const root = await write({
      'a/SKILL.md': manifest('a'),
      'a/b': '->../b',
      'b/a': '->../a',
      'good/SKILL.md': manifest('good'),
    })
    const { client } = await serving(root)
    expect(await namesOf(client)).toEqual(['good'])
  })

  it('leaves a skill with a huge file out without reading it', async () => {
    const root = await write({ 'good/SKILL.md': manifest('good'), 'bad/SKILL.md': manifest('bad'), 'bad/huge': '' })
    await truncate(join(root, 'bad/huge'), 64 * 1024 ** 3)
    const { client, problems } = await serving(root)
    expect(await namesOf(client)).toEqual(['good'])
    expect(problems()).toEqual([expect.stringMatching(/may have 16777216/)])
    const reading = skillsDirectory(root).read('bad/huge', { maxBytes: 1000 })
    await expect(reading).rejects.toThrow(/68719476736 bytes, and may have 1000/)
  })

  it.runIf(process.platform !== 'win32')(
    'leaves a skill with a pipe or a socket out, and waits for neither',
    async () => {
      const root = await write({
        'a/SKILL.md': manifest('a'),
        'b/SKILL.md': manifest('b'),
        'good/SKILL.md': manifest('good'),
      })
      execFileSync('mkfifo', [join(root, 'a/pipe')])
      const socket = createSocket().listen(join(root, 'b/socket'))
      onTestFinished(() => void socket.close())
      const { client, problems } = await serving(root)
      expect(await namesOf(client)).toEqual(['good'])
      expect(problems()).toHaveLength(2)
      await expect(skillsDirectory(root).read('a/pipe', { maxBytes: 100 })).rejects.toThrow(/is no file/)
    },
  )

  it('reads no further once a skill has too many files', async () => {
    const files = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`bad/${i}/x`, '']))
    const root = await write({ 'bad/SKILL.md': manifest('bad'), ...files })
    expect(await pathsOf(root)).toHaveLength(513)
  })
})

describe('a change of the directory', () => {
  it('is seen by the next list, also one of the same size within the grain of the clock', async () => {
    const root = await write({ 'pdf/SKILL.md': manifest('pdf'), 'pdf/x': 'one' })
    const time = new Date(Date.now() - 1000)
    const { client } = await serving(root)
    for (const content of ['two', 'six', 'ten']) {
      await writeFile(join(root, 'pdf/x'), content)
      await utimes(join(root, 'pdf/x'), time, time)
      const skill = await skillsOf(client).get('skill://pdf/SKILL.md')
      expect(skill.resources.at(-1)?.digest).toBe(digest(content))
      const loaded = await skillsOf(client).load(skill)
      expect(Buffer.from(await loaded.read('skill://pdf/x')).toString()).toBe(content)
    }
  })

  it('gives a file another version; one that just changed has none', async () => {
    const root = await write({ 'pdf/x': 'one' })
    const settled = skillsDirectory(root, { now: LATER })
    const versionOf = async () => (await settled.list())[0]?.version
    const first = await versionOf()
    expect(first).toBeTypeOf('string')
    expect(await versionOf()).toBe(first)
    expect((await settled.read('pdf/x', { maxBytes: 10 }))?.version).toBe(first)
    await write({ 'pdf/y': 'two' }, root)
    await rename(join(root, 'pdf/y'), join(root, 'pdf/x'))
    expect(await versionOf()).not.toBe(first)
    expect((await skillsDirectory(root).list())[0]?.version).toBeUndefined()
    expect((await skillsDirectory(root, { now: () => 0 }).list())[0]?.version).toBeUndefined()
  })

  it('that puts a link in the place of a listed file gives nothing away', async () => {
    const folder = await write({ 'secret.txt': 'canary' })
    const root = await write({ 'pdf/SKILL.md': manifest('pdf'), 'pdf/x/y': 'harmless' }, join(folder, 'skills'))
    const { client, problems } = await serving(root)
    const loaded = await skillsOf(client).load(await skillsOf(client).get('skill://pdf/SKILL.md'))
    await rm(join(root, 'pdf/x/y'))
    await symlink(join(folder, 'secret.txt'), join(root, 'pdf/x/y'))
    await expect(loaded.read('skill://pdf/x/y')).rejects.toMatchObject({ code: -32603 })
    expect(problems().at(-1)).toMatch(/leads out of its directory/)
    await rm(join(root, 'pdf/x'), { recursive: true })
    await write({ y: 'canary' }, join(folder, 'elsewhere'))
    await symlink(join(folder, 'elsewhere'), join(root, 'pdf/x'))
    await expect(loaded.read('skill://pdf/x/y')).rejects.toMatchObject({ code: -32603 })
    expect(await namesOf(client)).toEqual([])
  })

  it('that takes a file away is no error of ours', async () => {
    const root = await write({ 'pdf/SKILL.md': manifest('pdf'), 'pdf/x/y': '' })
    const { client } = await serving(root)
    await client.readResource('skill://pdf/x/y')
    await rm(join(root, 'pdf/x'), { recursive: true })
    await expect(client.readResource('skill://pdf/x/y')).rejects.toMatchObject({ code: -32602 })
    expect(await namesOf(client)).toEqual(['pdf'])
  })
})

it('lists nothing any more once its signal fires', async () => {
  const root = await write({ 'pdf/SKILL.md': manifest('pdf') })
  const source = skillsDirectory(await realpath(root))
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(source.list({ signal })).rejects.toThrow('enough')
  await expect(source.read('pdf/SKILL.md', { maxBytes: 100, signal })).rejects.toThrow('enough')
})
