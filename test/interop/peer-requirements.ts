import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Peer } from './official-peers.ts'

/**
 * What every official client must find at the rich server, whatever lies between. Call it within `describe`. `cancels`: what lies between passes a
 * cancellation on.
 */
export function requireOfPeer(
  family: 'handshake' | 'stateless',
  open: () => Promise<Peer>,
  { cancels = true }: { readonly cancels?: boolean } = {},
): void {
  let peer: Peer
  beforeEach(async () => {
    peer = await open()
  })
  afterEach(async () => {
    await peer.close()
  })
  const textOf = async (tool: string, args?: Record<string, unknown>): Promise<string> => {
    const { content } = (await peer.call(tool, args)) as { content: [{ text: string }] }
    return content[0].text
  }
  const codeOf = async (failing: Promise<unknown>): Promise<unknown> =>
    failing.then(
      () => 'no error',
      (error: { code?: unknown }) => error.code,
    )

  it('agrees on a revision, and says who it is and what it can do', async () => {
    const { client } = peer
    expect(peer.revision).toBe(family === 'stateless' ? '2026-07-28' : '2025-11-25')
    expect(client.getServerVersion()).toMatchObject({ name: 'rich', version: '3.2.1', title: 'Rich' })
    expect(client.getInstructions()).toBe('Be kind.')
    expect(client.getServerCapabilities()).toMatchObject({
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      completions: {},
    })
  })

  it('lists tools, and answers with structure and every kind of content', async () => {
    const { tools } = await peer.client.listTools()
    expect(tools.map(tool => tool.name)).toEqual(expect.arrayContaining(['add', 'everything', 'plan', 'wait']))
    expect(tools.find(tool => tool.name === 'add')).toMatchObject({
      title: 'Add',
      inputSchema: { type: 'object', required: ['a', 'b'] },
      outputSchema: { type: 'object', required: ['sum'] },
    })
    // Both official clients check this against the schema that they were given.
    expect(await peer.call('add', { a: 2, b: 3 })).toMatchObject({ structuredContent: { sum: 5 } })
    const { content } = (await peer.call('everything')) as { content: { type: string }[] }
    expect(content.map(({ type }) => type)).toEqual(['text', 'image', 'audio', 'resource', 'resource_link'])
  })

  it('tells mistakes of the model, of the tool, and of the program apart', async () => {
    expect(await peer.call('add', { a: 2, b: 'three' })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('b:') as string }],
    })
    expect(await peer.call('fail')).toMatchObject({ isError: true, content: [{ text: 'The disk is full' }] })
    const crashed = await peer.call('crash')
    expect(crashed).toMatchObject({ isError: true })
    expect(JSON.stringify(crashed)).not.toContain('hunter2')
    expect(await codeOf(peer.call('no-such-tool'))).toBe(-32602)
  })

  it('tells progress in order, and log messages of the level that was asked for', async () => {
    const seen: unknown[] = []
    // The official clients drop progress that comes in one piece with the answer.
    const goneOn: Promise<unknown>[] = []
    const onProgress = (progress: unknown): void => {
      seen.push(progress)
      goneOn.push(peer.call('go_on'))
    }
    const result = await peer.call('work', {}, { onProgress, logLevel: 'info' })
    await Promise.all(goneOn)
    expect(result).toMatchObject({ content: [{ text: 'worked' }] })
    expect(seen).toEqual([1, 2, 3].map(progress => ({ progress, total: 3, message: `step ${progress}` })))
    await expect.poll(() => peer.logs).toEqual([1, 2, 3].map(step => ({ level: 'warning', data: { step } })))
  })

  it('asks the user, the model and the client in one round, before a handler runs', async () => {
    expect(await textOf('plan')).toBe('Ada, to the river, file:///work')
    expect(await textOf('pay')).toBe('paid: true')
  })

  it('asks midway, and goes on with its state', async () => {
    expect(await textOf('confirm')).toBe('{"step":1} true')
  })

  it.runIf(family === 'handshake')('asks while a handler runs', async () => {
    expect(await textOf('ask_live')).toBe('Ada, to the river, file:///work')
  })

  it('lists resources and templates, and reads text, bytes and members of a family', async () => {
    const { client } = peer
    const { resources } = await client.listResources()
    expect(resources.map(({ uri }) => uri)).toEqual(['notes:///otters', 'notes:///pixel', 'notes:///by-name/rivers'])
    expect(resources[0]).toMatchObject({ title: 'Otters', size: 18, mimeType: 'text/plain' })
    const { resourceTemplates } = await client.listResourceTemplates()
    expect(resourceTemplates).toMatchObject([{ uriTemplate: 'notes:///by-name/{name}', name: 'by-name' }])
    const read = async (uri: string): Promise<unknown> => (await client.readResource({ uri })).contents
    expect(await read('notes:///otters')).toMatchObject([{ text: 'Otters hold hands.', mimeType: 'text/plain' }])
    expect(await read('notes:///by-name/rivers')).toMatchObject([{ text: 'Rivers are patient.' }])
    expect(await read('notes:///pixel')).toMatchObject([{ blob: expect.stringMatching(/^iVBOR/) as string }])
    // The official v2 client makes the newer code of the older one.
    expect([-32602, -32002]).toContain(await codeOf(read('notes:///by-name/nobody')))
  })

  it('writes prompts, and completes their arguments and those of templates', async () => {
    const { client } = peer
    const { prompts } = await client.listPrompts()
    expect(prompts).toMatchObject([
      { name: 'greet', arguments: [{ name: 'name', required: true }, { name: 'language' }] },
      { name: 'look' },
    ])
    const greet = { name: 'greet', arguments: { name: 'Jürgen', language: 'German' } }
    expect((await client.getPrompt(greet)).messages).toMatchObject([{ content: { text: 'Greet Jürgen in German.' } }])
    expect((await client.getPrompt({ name: 'look' })).messages.map(({ content }) => content.type)).toEqual([
      'text',
      'image',
      'text',
    ])
    expect(await codeOf(client.getPrompt({ name: 'greet', arguments: {} }))).toBe(-32602)
    const language = await client.complete({
      ref: { type: 'ref/prompt', name: 'greet' },
      argument: { name: 'language', value: '' },
      context: { arguments: { name: 'Ada' } },
    })
    expect(language.completion.values).toEqual(['English', 'French'])
    const note = await client.complete({
      ref: { type: 'ref/resource', uri: 'notes:///by-name/{name}' },
      argument: { name: 'name', value: 'ri' },
    })
    expect(note.completion.values).toEqual(['rivers'])
  })

  it('tells of changes to whoever listens', async () => {
    await peer.listen('notes:///otters')
    await peer.call('write')
    await expect.poll(() => peer.changes).toEqual(['notes:///otters'])
    await peer.call('grow')
    await expect.poll(() => peer.changes).toEqual(['notes:///otters', 'tools'])
    const { tools } = await peer.client.listTools()
    expect(tools.map(tool => tool.name)).toContain('grown')
  })

  it.runIf(cancels)('gives a call up when the client does, and the handler hears of it', async () => {
    const controller = new AbortController()
    const { signal } = controller
    await expect(peer.call('wait', {}, { signal, onProgress: () => controller.abort() })).rejects.toThrow()
    await expect.poll(() => textOf('given_up')).toBe('1')
  })
}
