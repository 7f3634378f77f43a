import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Client, ClientOptions } from '../../src/client.ts'
import { connectStdio, type StdioServer } from '../../src/stdio.ts'

const entryOf = (server: string): string => resolve(`node_modules/@modelcontextprotocol/${server}/dist/index.js`)
const OFFICIAL = resolve('test/interop/official-stdio-server.mjs')

let folder: string
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'latchkey-stdio-')))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const clients: Client[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})

async function open(
  args: readonly string[],
  server: Partial<StdioServer> = {},
  options: ClientOptions = {},
): Promise<Client> {
  const client = await connectStdio({ command: process.execPath, args, stderr: 'pipe', ...server }, options)
  clients.push(client)
  return client
}

const textOf = async (client: Client, name: string, args: Record<string, unknown> = {}): Promise<string> => {
  const [content] = (await client.callTool(name, args)).content
  return content?.type === 'text' ? content.text : ''
}

async function namesOf(client: Client): Promise<string[]> {
  const names: string[] = []
  for await (const tool of client.tools()) names.push(tool.name)
  return names
}

describe('server-everything over stdio', () => {
  const everything = (options?: ClientOptions): Promise<Client> =>
    open([entryOf('server-everything'), 'stdio'], {}, options)

  it('is found to be of the handshake family, and serves tools, resources and prompts', async () => {
    const client = await everything()
    expect(client.revision).toBe('2025-11-25')
    expect(client.serverInfo?.name).toBe('mcp-servers/everything')
    await client.ping()
    expect(await namesOf(client)).toEqual(expect.arrayContaining(['echo', 'get-sum']))
    expect(await textOf(client, 'echo', { message: 'otter 🦦\nline' })).toBe('Echo: otter 🦦\nline')
    const [resource] = (await client.listResources()).resources
    expect((await client.readResource(resource?.uri ?? '')).contents[0]).toMatchObject({ uri: resource?.uri })
    expect(JSON.stringify(await client.getPrompt('args-prompt', { city: 'Oslo' }))).toContain('Oslo')
    await expect(client.getPrompt('no-such-prompt')).rejects.toMatchObject({ name: 'RpcError', code: -32602 })
  })

  it('reports progress', async () => {
    const client = await everything()
    const seen: number[] = []
    const options = { onProgress: ({ progress }: { progress: number }) => seen.push(progress) }
    await client.callTool('trigger-long-running-operation', { duration: 0.4, steps: 4 }, options)
    expect(seen).toEqual([1, 2, 3, 4])
  })

  it('asks the client back, and gets its answers', async () => {
    const client = await everything({
      roots: [{ uri: pathToFileURL(folder).href, name: 'here' }],
      sampling: () => ({ role: 'assistant', content: { type: 'text', text: 'an otter' }, model: 'test' }),
    })
    await expect.poll(() => namesOf(client)).toContain('trigger-sampling-request')
    expect(await textOf(client, 'trigger-sampling-request', { prompt: 'x', maxTokens: 5 })).toContain('an otter')
    expect(await textOf(client, 'get-roots-list')).toContain(folder)
  })

  it('answers many calls at once', async () => {
    const client = await everything()
    const calls = Array.from({ length: 200 }, (_, index) => textOf(client, 'echo', { message: String(index) }))
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 200 }, (_, index) => `Echo: ${index}`))
  })
})

describe('server-filesystem over stdio', () => {
  it('writes and reads files below the folder it was given, and nowhere else', async () => {
    const client = await open([entryOf('server-filesystem'), folder])
    const path = join(folder, 'note.txt')
    await client.callTool('write_file', { path, content: 'otters' })
    expect(readFileSync(path, 'utf8')).toBe('otters')
    expect(await textOf(client, 'read_text_file', { path })).toBe('otters')
    expect(await textOf(client, 'list_directory', { path: folder })).toContain('[FILE] note.txt')
    expect((await client.callTool('read_text_file', { path: '/etc/hosts' })).isError).toBe(true)
  })

  it('takes its folders from the roots of the client, also when they change', async () => {
    const other = realpathSync(mkdtempSync(join(tmpdir(), 'latchkey-root-')))
    writeFileSync(join(other, 'b.txt'), 'b')
    let roots = [{ uri: pathToFileURL(folder).href }]
    const client = await open([entryOf('server-filesystem')], {}, { roots: () => roots })
    await expect.poll(() => textOf(client, 'list_allowed_directories')).toContain(folder)
    roots = [{ uri: pathToFileURL(other).href }]
    await client.rootsChanged()
    await expect.poll(() => textOf(client, 'list_allowed_directories')).toContain(other)
    expect(await textOf(client, 'read_text_file', { path: join(other, 'b.txt') })).toBe('b')
    rmSync(other, { recursive: true })
  })

  it('says why it does not start', async () => {
    await expect(open([entryOf('server-filesystem'), join(folder, 'missing')])).rejects.toMatchObject({
      code: 'closed',
      message: expect.stringMatching(/ended with exit code 1 before initialize was answered: .*accessible/),
    })
  })
})

describe('server-memory over stdio', () => {
  it('gets its variables, and remembers over a restart', async () => {
    const env = { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') }
    const args = [entryOf('server-memory')]
    const entities = [{ name: 'Otto', entityType: 'otter', observations: ['swims'] }]
    await (await open(args, { env })).callTool('create_entities', { entities })
    const { structuredContent } = await (await open(args, { env })).callTool('read_graph')
    expect(structuredContent).toMatchObject({ entities })
  })
})

describe.each([
  ['handshake', '2025-11-25'],
  ['stateless', '2026-07-28'],
  ['both', '2026-07-28'],
] as const)('a server of the official SDK over stdio (%s)', (mode, revision) => {
  it('is spoken to in the newest revision it knows', async () => {
    const client = await open([OFFICIAL, mode])
    expect(client.revision).toBe(revision)
    expect(client.serverInfo?.name).toBe(`official ${mode}`)
    expect(client.instructions).toBe('Be kind.')
    expect(await textOf(client, 'add', { a: 2, b: 3 })).toBe('5')
    await client.ping()
  })

  it('reports progress, and is told when a call is given up', async () => {
    const stderr: string[] = []
    const client = await open([OFFICIAL, mode], { onStderr: line => stderr.push(line) })
    const seen: number[] = []
    await client.callTool('steps', {}, { onProgress: ({ progress }) => seen.push(progress) })
    expect(seen).toEqual([1, 2])
    const controller = new AbortController()
    const call = client.callTool('hang', {}, { signal: controller.signal })
    await expect.poll(() => stderr).toContain('started')
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
    await expect.poll(() => stderr).toContain('aborted')
    expect(await textOf(client, 'add', { a: 1, b: 1 })).toBe('2')
  })

  it('is started anew after kill -9, and tells of changes again', async () => {
    const client = await open([OFFICIAL, mode], { restart: { maxRestarts: 2 } })
    let changes = 0
    const subscription = await client.subscribe({ tools: true }, () => (changes += 1))
    const pid = Number(await textOf(client, 'pid'))
    const call = client.callTool('hang')
    process.kill(pid, 'SIGKILL')
    await expect(call).rejects.toMatchObject({ code: 'closed', detail: { mayHaveRun: true } })
    expect(Number(await textOf(client, 'pid'))).not.toBe(pid)
    // After an interruption everything that is wanted is told once, since it may have changed.
    await expect.poll(() => changes, { timeout: 10_000 }).toBe(1)
    await client.callTool('change')
    await expect.poll(() => changes).toBe(2)
    await subscription.close()
  })

  it('is refused, or speaks it, when another revision is named', async () => {
    const named = revision === '2026-07-28' ? '2025-06-18' : '2026-07-28'
    const opening = open([OFFICIAL, mode], {}, { revision: named })
    if (mode === 'both') expect((await opening).revision).toBe(named)
    if (mode === 'handshake') await expect(opening).rejects.toMatchObject({ name: 'RpcError', code: -32601 })
    if (mode === 'stateless') await expect(opening).rejects.toMatchObject({ code: 'unsupported_revision' })
  })
})
