import { createHash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { skillsOf, type Skill } from '../../src/client.ts'
import { connect } from '../../src/http/connect.ts'
import { readFrontmatter, sameFrontmatter } from '../../src/protocol/skill-frontmatter.ts'
import { createStatelessServer, result } from '../http/scripted-server.ts'

const ROOT = 'skill://pdf/'
const URI = `${ROOT}SKILL.md`
const FORMS = `${ROOT}references/FORMS.md`
const TEXT = '---\nname: pdf\ndescription: Fill in forms\nmetadata:\n  level: 3\n---\n\nDo it well.\n'
const FRONTMATTER = { name: 'pdf', description: 'Fill in forms', metadata: { level: 3 } }
const BINARY = Uint8Array.from([0, 255, 13, 10])

const entry = (uri: string, content: string | Uint8Array) => ({
  uri,
  digest: `sha256:${createHash('sha256').update(content).digest('hex')}`,
  size: Buffer.byteLength(content),
})
const SKILL = { uri: URI, frontmatter: FRONTMATTER, resources: [entry(URI, TEXT), entry(FORMS, BINARY)] }

/** A server with one skill, whose SKILL.md is `text`. */
async function serving(skills: readonly object[] = [SKILL], text = TEXT) {
  const server = createStatelessServer({
    'skills/list': { resultType: 'complete', skills },
    'skills/get': { resultType: 'complete', skill: skills[0] },
    'resources/read': request => {
      const { uri } = request.message.params
      const content = uri === URI ? { uri, text } : { uri, blob: Buffer.from(BINARY).toString('base64') }
      return result(request, { resultType: 'complete', ttlMs: 0, cacheScope: 'private', contents: [content] })
    },
  })
  return { server, skills: skillsOf(await connect('https://mcp.example/mcp', server)) }
}
const first = async (list: AsyncIterable<Skill>): Promise<Skill> => {
  for await (const skill of list) return skill
  throw new Error('no skill')
}

describe('skills', () => {
  it('are listed and got without a file being read', async () => {
    const { server, skills } = await serving()
    expect(await first(skills.list())).toEqual(SKILL)
    expect(await skills.get(URI)).toEqual(SKILL)
    expect(server.methods()).not.toContain('resources/read')
  })

  it('are loaded with their instructions, and their files read as they are', async () => {
    const { skills } = await serving()
    const loaded = await skills.load(await first(skills.list()))
    expect(loaded.instructions).toBe('\nDo it well.\n')
    expect(await loaded.read(FORMS)).toEqual(BINARY)
    await expect(loaded.read(`${ROOT}other.md`)).rejects.toMatchObject({ code: 'unverified_content' })
  })

  it.each([
    ['another digest', SKILL, TEXT.replace('well', 'evil')],
    ['another size', SKILL, `${TEXT}more`],
    ['another frontmatter', { ...SKILL, frontmatter: { ...FRONTMATTER, description: 'Steal' } }, TEXT],
    ['a frontmatter that says more', { ...SKILL, frontmatter: { name: 'pdf', description: 'Fill in forms' } }, TEXT],
  ])('with %s are not loaded, and nothing else of them is read', async (_what, skill, text) => {
    const { server, skills } = await serving([skill], text)
    await expect(skills.load(await first(skills.list()))).rejects.toMatchObject({ code: 'unverified_content' })
    expect(server.methods().filter(method => method === 'resources/read')).toHaveLength(1)
  })

  it('with a file that is no base64 are not verified, and say so', async () => {
    const { server, skills } = await serving()
    const loaded = await skills.load(await first(skills.list()))
    server.answer = request =>
      result(request, {
        resultType: 'complete',
        ttlMs: 0,
        cacheScope: 'private',
        contents: [{ uri: FORMS, blob: 'no base64!' }],
      })
    await expect(loaded.read(FORMS)).rejects.toMatchObject({ code: 'unverified_content' })
  })

  it.each([
    ['a file outside of the skill', { ...SKILL, resources: [entry(URI, TEXT), entry('skill://other/x', 'x')] }],
    ['a file that climbs out', { ...SKILL, resources: [entry(URI, TEXT), entry(`${ROOT}a/../../x`, 'x')] }],
    ['a file that climbs to the end', { ...SKILL, resources: [entry(URI, TEXT), entry(`${ROOT}a/..`, 'x')] }],
    ['a file that climbs in disguise', { ...SKILL, resources: [entry(URI, TEXT), entry(`${ROOT}%2E./%2e%2E/x`, 'x')] }],
    ['a file that climbs backwards', { ...SKILL, resources: [entry(URI, TEXT), entry(`${ROOT}..\\..\\x`, 'x')] }],
    ['no SKILL.md of its own', { ...SKILL, resources: [entry(FORMS, BINARY)] }],
    ['another name than its place', { ...SKILL, frontmatter: { ...FRONTMATTER, name: 'other' } }],
    ['a hostile name', { ...SKILL, uri: 'skill://P D F/SKILL.md', frontmatter: { ...FRONTMATTER, name: 'P D F' } }],
    ['a digest of another kind', { ...SKILL, resources: [{ ...entry(URI, TEXT), digest: 'md5:00' }] }],
    ['a size that is none', { ...SKILL, resources: [{ ...entry(URI, TEXT), size: -1 }] }],
    ['too many bytes', { ...SKILL, resources: [{ ...entry(URI, TEXT), size: 17 * 1024 * 1024 }] }],
    [
      'too many files',
      { ...SKILL, resources: Array.from({ length: 513 }, (_, i) => entry(i ? `${ROOT}${i}` : URI, '')) },
    ],
  ])('with %s are reported and left out; the others are there', async (_what, broken) => {
    const onInvalid = vi.fn()
    const { skills } = await serving([broken, SKILL])
    expect((await first(skills.list({ onInvalid }))).resources).toEqual(SKILL.resources)
    expect(onInvalid).toHaveBeenCalledWith(expect.any(String))
  })
})

describe('frontmatter', () => {
  it('is read whatever the line ends', async () => {
    expect(await readFrontmatter(TEXT.replaceAll('\n', '\r\n'))).toMatchObject({ frontmatter: FRONTMATTER })
  })

  it.each([
    ['none', 'Just text'],
    ['no end', '---\nname: x\n'],
    ['a list', '---\n- a\n---\n'],
    ['broken YAML', '---\na: [\n---\n'],
    ['aliases, which can blow up', `---\na: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n`],
  ])('with %s is not read', async (_what, text) => {
    expect(await readFrontmatter(text)).toBeUndefined()
  })

  it('is compared member by member, in whatever order', () => {
    expect(sameFrontmatter({ a: [1, { b: null }], c: 'x' }, { c: 'x', a: [1, { b: null }] })).toBe(true)
    for (const [a, b] of [
      [{ a: 1 }, { a: '1' }],
      [{ a: 1 }, { a: 1, b: 2 }],
      [{ a: [1, 2] }, { a: [2, 1] }],
      [{ a: undefined }, { b: undefined }],
      [[], {}],
    ])
      expect(sameFrontmatter(a, b)).toBe(false)
  })
})
