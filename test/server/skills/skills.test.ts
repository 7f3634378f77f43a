import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Client, type Skill, skillsOf } from '../../../src/client.ts'
import { connect } from '../../../src/http/connect.ts'
import { serve } from '../../../src/node/serve.ts'
import { createServer, skills, type SkillSource, type SkillsOptions } from '../../../src/server.ts'
import { connectInMemory } from '../../../src/testing/in-memory.ts'
import { createMemorySource, manifest } from './memory-source.ts'

const BINARY = Uint8Array.from([0, 255, 13, 10, 0xef, 0xbb, 0xbf])
const FILES = {
  'pdf/SKILL.md': manifest('pdf', 'license: MIT\nmetadata:\n  level: 3\n  since: 2026-01-01\n'),
  'pdf/references/FORMS.md': '\uFEFF# Forms\r\n',
  'pdf/assets/logo.png': BINARY,
  'pdf/LICENSE': 'Free.\n',
  'acme/refunds/SKILL.md': manifest('refunds'),
  'README.md': 'of no skill',
}
const digest = (content: string | Uint8Array) => `sha256:${createHash('sha256').update(content).digest('hex')}`

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

interface World {
  readonly client: Client
  readonly onError: ReturnType<typeof vi.fn>
}

async function serving(
  source: SkillSource,
  { revision = '2026-07-28', ...options }: SkillsOptions & { readonly revision?: '2026-07-28' | '2025-11-25' } = {},
): Promise<World> {
  const onError = vi.fn()
  const server = createServer({ name: 'skilled', version: '1.0.0', extensions: [skills(source, options)], onError })
  server.resource('notes://today', { name: 'today' }, () => 'sunny')
  const client = await connectInMemory(server, { revision })
  onTestFinished(async () => {
    await client.close()
    await server.close()
  })
  return { client, onError }
}

describe.each(['2026-07-28', '2025-11-25'] as const)('skills on %s', revision => {
  it('are declared with their methods inline, and with resources', async () => {
    const { client } = await serving(createMemorySource(FILES), { revision })
    expect(client.serverCapabilities).toMatchObject({
      resources: {},
      extensions: { 'io.modelcontextprotocol/skills': { directoryRead: true } },
    })
  })

  it('are listed with their frontmatter verbatim, and each file with its digest and size', async () => {
    const { client, onError } = await serving(createMemorySource(FILES), { revision })
    const [refunds, pdf, ...more] = await collect(skillsOf(client).list())
    expect(more).toEqual([])
    expect(refunds?.uri).toBe('skill://acme/refunds/SKILL.md')
    expect(pdf?.frontmatter).toEqual({
      name: 'pdf',
      description: 'About pdf',
      license: 'MIT',
      metadata: { level: 3, since: '2026-01-01' },
    })
    const entry = (path: keyof typeof FILES) => ({
      uri: `skill://${path}`,
      digest: digest(FILES[path]),
      size: Buffer.byteLength(FILES[path]),
    })
    expect(pdf?.resources).toEqual(
      (['pdf/LICENSE', 'pdf/SKILL.md', 'pdf/assets/logo.png', 'pdf/references/FORMS.md'] as const).map(entry),
    )
    expect(onError).not.toHaveBeenCalled()
  })

  it('are loaded, and every file of theirs is read as it is: text or not, with a byte order mark', async () => {
    const { client } = await serving(createMemorySource(FILES), { revision })
    const found = await skillsOf(client).get('skill://pdf/SKILL.md')
    const loaded = await skillsOf(client).load(found)
    expect(loaded.instructions).toBe('\nDo it well.\n')
    expect(await loaded.read('skill://pdf/references/FORMS.md')).toEqual(
      new Uint8Array(Buffer.from(FILES['pdf/references/FORMS.md'])),
    )
    expect(await loaded.read('skill://pdf/assets/logo.png')).toEqual(BINARY)
  })

  it('whose text could not be sent as it is are sent as bytes', async () => {
    const files = { ...FILES, 'pdf/bells.txt': '\u0007\u001B', 'pdf/latin.txt': Uint8Array.of(0x66, 0xfc, 0x72) }
    const { client } = await serving(createMemorySource(files), { revision })
    const loaded = await skillsOf(client).load(await skillsOf(client).get('skill://pdf/SKILL.md'))
    expect(await loaded.read('skill://pdf/bells.txt')).toEqual(Uint8Array.of(7, 27))
    expect(await loaded.read('skill://pdf/latin.txt')).toEqual(files['pdf/latin.txt'])
    const { contents } = await client.readResource('skill://pdf/bells.txt')
    expect(contents).toEqual([{ uri: 'skill://pdf/bells.txt', mimeType: 'text/plain', blob: 'Bxs=' }])
  })

  it('tell what their directories hold, also those that lead to a skill', async () => {
    const { client } = await serving(createMemorySource(FILES), { revision })
    const { directory } = skillsOf(client)
    expect(await directory('skill://pdf')).toEqual([
      { uri: 'skill://pdf/LICENSE', name: 'LICENSE', mimeType: 'text/plain', size: 6 },
      {
        uri: 'skill://pdf/SKILL.md',
        name: 'pdf',
        description: 'About pdf',
        mimeType: 'text/markdown',
        size: FILES['pdf/SKILL.md'].length,
      },
      { uri: 'skill://pdf/assets', name: 'assets', mimeType: 'inode/directory' },
      { uri: 'skill://pdf/references', name: 'references', mimeType: 'inode/directory' },
    ])
    expect(await directory('skill://pdf/assets/')).toMatchObject([{ name: 'logo.png', mimeType: 'image/png' }])
    expect(await directory('skill://acme')).toMatchObject([{ uri: 'skill://acme/refunds' }])
  })

  it.each([
    'skill://pdf/SKILL.md',
    'skill://pdf/nothing',
    'skill://',
    'skill:///pdf',
    'skill://pdf/..',
    'skill://pdf//',
    'notes://today',
    '',
  ])('answer −32602 for the directory %j, which is none', async uri => {
    const { client } = await serving(createMemorySource(FILES), { revision })
    await expect(skillsOf(client).directory(uri)).rejects.toMatchObject({ code: -32602 })
  })

  it.each(['skill://pdf/LICENSE', 'skill://none/SKILL.md', 'skill://pdf', 'skill://acme/../pdf/SKILL.md', ''])(
    'answer −32602 for the skill %j, which is none',
    async uri => {
      const { client } = await serving(createMemorySource(FILES), { revision })
      await expect(skillsOf(client).get(uri)).rejects.toMatchObject({ code: -32602 })
    },
  )

  it.each([undefined, null, 7, ['skill://pdf/SKILL.md']])('answer −32602 for the URI %j', async uri => {
    const { client } = await serving(createMemorySource(FILES), { revision })
    await expect(client.request('skills/get', { uri })).rejects.toMatchObject({ code: -32602 })
    await expect(client.request('resources/directory/read', { uri })).rejects.toMatchObject({ code: -32602 })
  })

  it('read no other file than those they list, however it is written', async () => {
    const source = createMemorySource({ ...FILES, 'secret.txt': 'x', 'acme/notes.txt': 'of no skill either' })
    const { client } = await serving(source, { revision })
    await client.readResource('skill://pdf/SKILL.md')
    source.reads.length = 0
    for (const uri of [
      'skill://secret.txt',
      'skill://acme/notes.txt',
      'skill://pdf/../secret.txt',
      'skill://pdf/%2e%2e/secret.txt',
      'skill://pdf/..%2fsecret.txt',
      'skill://pdf/..%5Csecret.txt',
      'skill://pdf/..\\secret.txt',
      'skill:///secret.txt',
      'skill:////etc/passwd',
      'skill://pdf/./LICENSE',
      'skill://pdf//LICENSE',
      'skill://pdf/LICENSE%00.md',
      'skill://pdf/LICENSE\0',
      'skill://pdf/LICENSE?x',
      'skill://pdf/LICENSE#x',
      'skill://pdf/LICENSE/',
      'skill://PDF/LICENSE',
      'SKILL://pdf/LICENSE',
      'skill://pdf/%4cICENSE',
      'skill://pdf',
      'skill://pdf/references',
    ])
      await expect(client.readResource(uri), uri).rejects.toMatchObject({ code: revision < '2026' ? -32002 : -32602 })
    expect(source.reads).toEqual([])
  })
})

describe('a server with skills', () => {
  it('lists each SKILL.md among its resources, named and described by its frontmatter', async () => {
    const { client } = await serving(createMemorySource(FILES))
    const { resources } = await client.listResources()
    expect(resources).toEqual([
      { uri: 'notes://today', name: 'today' },
      expect.objectContaining({
        uri: 'skill://acme/refunds/SKILL.md',
        name: 'refunds',
        description: 'About refunds',
        mimeType: 'text/markdown',
      }),
      expect.objectContaining({ uri: 'skill://pdf/SKILL.md', name: 'pdf', mimeType: 'text/markdown' }),
    ])
  })

  it('says how long and for whom lists may be kept since 2026-07-28, and not before', async () => {
    const cache = { ttlMs: 60_000, cacheScope: 'public' } as const
    const now = await serving(createMemorySource(FILES), { cache })
    expect(await now.client.request('skills/list', {})).toMatchObject(cache)
    expect(await now.client.request('skills/get', { uri: 'skill://pdf/SKILL.md' })).toMatchObject(cache)
    const unsaid = await serving(createMemorySource(FILES))
    expect(await unsaid.client.request('skills/list', {})).toMatchObject({ ttlMs: 0, cacheScope: 'private' })
    const before = await serving(createMemorySource(FILES), { cache, revision: '2025-11-25' })
    expect(Object.keys(await before.client.request('skills/list', {}))).toEqual(['skills'])
  })

  it('cuts lists into pages, each skill whole and once', async () => {
    const names = Array.from({ length: 7 }, (_, index) => `skill-${index}`)
    const source = createMemorySource(Object.fromEntries(names.map(name => [`all/${name}/SKILL.md`, manifest(name)])))
    const { client } = await serving(source, { pageSize: 3 })
    const first = (await client.request('skills/list', {})) as unknown as { skills: Skill[]; nextCursor: string }
    expect(first.skills).toHaveLength(3)
    const listed = await collect(skillsOf(client).list())
    expect(listed.map(({ frontmatter }) => frontmatter.name)).toEqual(names)
    const pages: unknown[] = []
    let cursor: string | undefined
    do {
      const page = (await client.request('resources/directory/read', {
        uri: 'skill://all',
        ...(cursor !== undefined && { cursor }),
      })) as unknown as { resources: { name: string }[]; nextCursor?: string }
      pages.push(page.resources.map(({ name }) => name))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    expect(pages).toEqual([names.slice(0, 3), names.slice(3, 6), names.slice(6)])
  })

  it.each(['skills/list', 'resources/directory/read'])(
    'answers −32602 to a cursor of %s that it did not give',
    async method => {
      const { client } = await serving(createMemorySource(FILES))
      const asked = client.request(method, { uri: 'skill://pdf', cursor: 'x' })
      await expect(asked).rejects.toMatchObject({ code: -32602 })
    },
  )

  it.each(['2026-07-28', '2025-11-25'] as const)('serves files of many megabytes over HTTP on %s', async revision => {
    const large = new Uint8Array(12 * 1024 * 1024).fill(255)
    const source = createMemorySource({ ...FILES, 'pdf/large.bin': large }, { versions: false })
    const server = createServer({ name: 'skilled', version: '1.0.0', extensions: [skills(source)] })
    const running = await serve(server)
    onTestFinished(() => running.close())
    const client = await connect(running.url, { revision })
    onTestFinished(() => client.close())
    const loaded = await skillsOf(client).load(await skillsOf(client).get('skill://pdf/SKILL.md'))
    expect((await loaded.read('skill://pdf/large.bin')).byteLength).toBe(large.byteLength)
  })

  it.each([{ pageSize: 0 }, { pageSize: 1.5 }, { timeoutMs: -1 }, { timeoutMs: Number.NaN }])(
    'refuses the options %j',
    options => {
      expect(() => skills(createMemorySource({}), options)).toThrow(RangeError)
    },
  )
})

describe('a source', () => {
  it('that changed is seen at the next list, and its bytes have the digest that was listed', async () => {
    const source = createMemorySource(FILES)
    const { client } = await serving(source)
    const before = await skillsOf(client).get('skill://pdf/SKILL.md')
    const loaded = await skillsOf(client).load(before)
    source.files.set('pdf/LICENSE', 'Not free.\n')
    await expect(loaded.read('skill://pdf/LICENSE')).rejects.toMatchObject({ code: 'unverified_content' })
    const after = await skillsOf(client).get('skill://pdf/SKILL.md')
    expect(after.resources.find(({ uri }) => uri.endsWith('LICENSE'))?.digest).toBe(digest('Not free.\n'))
    const again = await skillsOf(client).load(after)
    expect(Buffer.from(await again.read('skill://pdf/LICENSE')).toString()).toBe('Not free.\n')
  })

  it('gains files and loses them: what is new is found by its URI, what is gone is not', async () => {
    const source = createMemorySource(FILES)
    const { client } = await serving(source)
    await client.readResource('skill://pdf/LICENSE')
    source.files.set('new/SKILL.md', manifest('new'))
    source.files.delete('pdf/LICENSE')
    expect(await client.readResource('skill://new/SKILL.md')).toBeDefined()
    await expect(client.readResource('skill://pdf/LICENSE')).rejects.toMatchObject({ code: -32602 })
  })

  it('is read once as long as the versions of its files stay', async () => {
    const source = createMemorySource(FILES)
    const { client } = await serving(source)
    await collect(skillsOf(client).list())
    expect([...source.reads].sort()).toEqual(
      Object.keys(FILES)
        .filter(path => path !== 'README.md')
        .sort(),
    )
    source.reads.length = 0
    await collect(skillsOf(client).list())
    expect(source.reads).toEqual([])
    source.files.set('pdf/SKILL.md', manifest('pdf', '', 'Do it better.'))
    expect((await skillsOf(client).load(await skillsOf(client).get('skill://pdf/SKILL.md'))).instructions).toBe(
      'Do it better.',
    )
    expect(source.reads).toEqual(['pdf/SKILL.md', 'pdf/SKILL.md'])
  })

  it('whose files have no version is read for every list', async () => {
    const source = createMemorySource({ 'pdf/SKILL.md': manifest('pdf'), 'pdf/x': '1' }, { versions: false })
    const { client } = await serving(source)
    await skillsOf(client).get('skill://pdf/SKILL.md')
    source.files.set('pdf/x', '2')
    const { resources } = await skillsOf(client).get('skill://pdf/SKILL.md')
    expect(resources.find(({ uri }) => uri.endsWith('/x'))?.digest).toBe(digest('2'))
  })

  it('whose file was another between list and reading is not remembered under the wrong version', async () => {
    const source = createMemorySource({ 'pdf/SKILL.md': manifest('pdf'), 'pdf/x': 'old' })
    const { client } = await serving({
      ...source,
      list: async () => {
        const listed = await source.list()
        if (source.lists === 1) source.files.set('pdf/x', 'new')
        return listed
      },
    })
    const first = await skillsOf(client).get('skill://pdf/SKILL.md')
    expect(first.resources.find(({ uri }) => uri.endsWith('/x'))?.digest).toBe(digest('new'))
    source.files.set('pdf/x', 'old')
    const second = await skillsOf(client).get('skill://pdf/SKILL.md')
    expect(second.resources.find(({ uri }) => uri.endsWith('/x'))?.digest).toBe(digest('old'))
  })

  it('that fails fails lists of skills, in general words, and hides no other resource', async () => {
    const failure = new Error('password of the database is wrong: hunter2')
    const { client, onError } = await serving({ ...createMemorySource({}), list: () => Promise.reject(failure) })
    await expect(collect(skillsOf(client).list())).rejects.toMatchObject({ code: -32603 })
    await expect(collect(skillsOf(client).list())).rejects.not.toThrow(/hunter2/)
    expect((await client.listResources()).resources).toEqual([{ uri: 'notes://today', name: 'today' }])
    expect(onError).toHaveBeenCalledWith(failure, expect.anything())
  })

  it('that never answers is given up, and asked again the next time', async () => {
    const source = createMemorySource(FILES)
    const signals: AbortSignal[] = []
    let isSilent = true
    const { client, onError } = await serving(
      {
        ...source,
        list: ({ signal } = {}) => {
          if (signal) signals.push(signal)
          return isSilent ? new Promise(() => undefined) : source.list()
        },
      },
      // The second look has to be in time on a busy machine.
      { timeoutMs: 250 },
    )
    await expect(skillsOf(client).get('skill://pdf/SKILL.md')).rejects.toMatchObject({ code: -32603 })
    expect(signals[0]?.aborted).toBe(true)
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ name: 'TimeoutError' }), expect.anything())
    isSilent = false
    expect(await skillsOf(client).get('skill://pdf/SKILL.md')).toBeDefined()
  })

  it('that never answers is let go when the server closes', async () => {
    let hear: (signal: AbortSignal | undefined) => void = () => undefined
    const asked = new Promise<AbortSignal | undefined>(resolve => {
      hear = resolve
    })
    const extension = skills({
      ...createMemorySource({}),
      list: ({ signal } = {}) => {
        hear(signal)
        return new Promise(() => undefined)
      },
    })
    const server = createServer({ name: 'skilled', version: '1.0.0', extensions: [extension] })
    const client = await connectInMemory(server)
    const answer = client.request('skills/list', {}).catch((error: unknown) => error)
    const signal = await asked
    await server.close()
    expect(signal?.aborted).toBe(true)
    expect(await answer).toBeInstanceOf(Error)
    await client.close()
  })
})
