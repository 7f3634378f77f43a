import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Change, type Client, connect, type ConnectOptions, type JsonRpcNotification } from '../../src/client.ts'
import { type EverythingProcess, startEverything } from './everything-process.ts'

const textsOf = (result: { readonly content: readonly unknown[] }): string => JSON.stringify(result.content)

describe.each(['streamableHttp', 'sse'] as const)('the features of server-everything over %s', mode => {
  let server: EverythingProcess
  beforeAll(async () => {
    server = await startEverything(mode)
  })
  afterAll(() => server.stop())

  const clients: Client[] = []
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close()
  })
  const open = async (options?: ConnectOptions): Promise<Client> => {
    const client = await connect(server.url, options)
    clients.push(client)
    return client
  }

  it('is found by its transport', async () => {
    const client = await open()
    expect(client.revision).toBe(mode === 'sse' ? '2024-11-05' : '2025-11-25')
    expect(client.serverInfo?.name).toBe('mcp-servers/everything')
    expect(textsOf(await client.callTool('echo', { message: 'otter 🦦' }))).toContain('otter 🦦')
  })

  it('a form with every kind of field is filled with its defaults', async () => {
    const asked = vi.fn()
    const client = await open({
      elicitation: {
        form: ask => {
          asked(Object.keys(ask.requestedSchema.properties))
          return { action: 'accept', content: { name: 'Ada', titledMultipleSelectEnum: ['fish-2', 'fish-3'] } }
        },
      },
    })
    const answer = textsOf(await client.callTool('trigger-elicitation-request'))
    expect(asked).toHaveBeenCalledWith(
      expect.arrayContaining(['check', 'legacyTitledEnum', 'untitledSingleSelectEnum']),
    )
    for (const expected of ['Ada', 'dark and stormy', '42', '3.14', 'Monica', 'Guitar', 'hero-1', 'fish-3', 'pet-1'])
      expect(answer).toContain(expected)
  })

  it.each(['decline', 'cancel'] as const)('a form may be answered with %s', async action => {
    const client = await open({ elicitation: { form: () => ({ action }) } })
    const answer = textsOf(await client.callTool('trigger-elicitation-request'))
    expect(answer).toContain(action)
    expect(answer).not.toContain('stormy')
  })

  // HTTP+SSE is revision 2024-11-05 here, which knows no URLs.
  it.runIf(mode === 'streamableHttp')('URLs are opened: asked for, and required by an error', async () => {
    const opened: string[] = []
    const client = await open({
      elicitation: {
        url: ({ url }) => {
          opened.push(url)
          return { action: 'accept' }
        },
      },
    })
    const args = { url: 'https://pay.example/1' }
    expect(textsOf(await client.callTool('trigger-url-elicitation', args))).toContain('completed')
    expect(opened).toEqual(['https://pay.example/1'])
    opened.length = 0
    expect(textsOf(await client.callTool('trigger-url-elicitation', { ...args, errorPath: true }))).toContain(
      'completed',
    )
    expect(opened).toEqual(['https://modelcontextprotocol.io', 'https://pay.example/1'])
  })

  it('what has no handler is not declared, and its tools are not there', async () => {
    const names = async (client: Client): Promise<string[]> => (await client.listTools()).tools.map(({ name }) => name)
    const asking = ['trigger-elicitation-request', 'trigger-sampling-request', 'get-roots-list']
    const bare = await names(await open())
    for (const name of asking) expect(bare).not.toContain(name)
    const able = await open({
      elicitation: { form: () => ({ action: 'cancel' }) },
      sampling: () => ({ role: 'assistant', content: { type: 'text', text: '' }, model: 'm' }),
      roots: [],
    })
    expect(await names(able)).toEqual(expect.arrayContaining(asking))
  })

  it('a model is asked, and roots are told, again after they changed', async () => {
    let roots = [{ uri: 'file:///one', name: 'one' }]
    const notifications: JsonRpcNotification[] = []
    const client = await open({
      sampling: ask => ({
        role: 'assistant',
        content: { type: 'text', text: `answer to ${JSON.stringify(ask.messages)}` },
        model: 'small',
      }),
      roots: () => roots,
      onNotification: notification => notifications.push(notification),
    })
    const sampled = textsOf(await client.callTool('trigger-sampling-request', { prompt: 'why is the sky blue' }))
    expect(sampled).toContain('small')
    expect(sampled).toContain('why is the sky blue')
    expect(textsOf(await client.callTool('get-roots-list'))).toContain('file:///one')
    roots = [{ uri: 'file:///two', name: 'two' }]
    await client.rootsChanged()
    await expect.poll(async () => textsOf(await client.callTool('get-roots-list'))).toContain('file:///two')
  })

  it('completes arguments of prompts, with what is known already', async () => {
    const client = await open()
    const prompt = { type: 'ref/prompt', name: 'completable-prompt' } as const
    const departments = await client.complete(prompt, { name: 'department', value: 'S' })
    expect(departments.completion.values).toEqual(['Sales', 'Support'])
    const context = { department: 'Sales' }
    const names = await client.complete(prompt, { name: 'name', value: '' }, { context })
    expect(names.completion.values).toEqual(['David', 'Eve', 'Frank'])
  })

  it('lists resource templates and reads what they name', async () => {
    const client = await open()
    const templates: string[] = []
    for await (const { uriTemplate } of client.resourceTemplates()) templates.push(uriTemplate)
    const template = templates.find(each => each.includes('{resourceId}')) ?? ''
    const { contents } = await client.readResource(template.replace('{resourceId}', '3'))
    expect(JSON.stringify(contents)).toContain('Resource 3')
  })

  it('log messages come from the level that was set', async () => {
    const levels: unknown[] = []
    const client = await open({
      onNotification: ({ method, params }) => {
        if (method === 'notifications/message') levels.push(params?.['level'])
      },
    })
    await client.subscribe({ uris: ['demo://resource/dynamic/text/1'] }, () => {})
    await expect.poll(() => levels).toContain('info')
    await client.setLogLevel('emergency')
    levels.length = 0
    await client.subscribe({ uris: ['demo://resource/dynamic/text/2'] }, () => {})
    await client.ping()
    expect(levels).not.toContain('info')
  })

  it('tells of changes to the resource that was subscribed to', async () => {
    const client = await open()
    const changes: Change[] = []
    const uri = 'demo://resource/dynamic/text/7'
    const subscription = await client.subscribe({ uris: [uri], tools: true }, change => changes.push(change))
    expect(subscription.granted.uris).toEqual([uri])
    await client.callTool('toggle-subscriber-updates')
    await expect.poll(() => changes, { timeout: 10_000 }).toContainEqual({ kind: 'resource', uri })
    await client.callTool('toggle-subscriber-updates')
    await subscription.close()
  })

  it('reports progress', async () => {
    const client = await open()
    const seen: number[] = []
    const options = { onProgress: ({ progress }: { progress: number }) => seen.push(progress) }
    await client.callTool('trigger-long-running-operation', { duration: 0.3, steps: 3 }, options)
    expect(seen).toEqual([1, 2, 3])
  })

  it('field X1: is used on after a restart, subscriptions included', async () => {
    const client = await open()
    const changes: Change[] = []
    const uri = 'demo://resource/dynamic/text/9'
    await client.subscribe({ uris: [uri] }, change => changes.push(change))
    await server.restart()
    // The loss is noticed with the next request at the latest.
    await expect.poll(async () => textsOf(await client.callTool('echo', { message: 'again' }))).toContain('again')
    await expect.poll(() => changes).toContainEqual({ kind: 'resource', uri })
    changes.length = 0
    await client.callTool('toggle-subscriber-updates')
    await expect.poll(() => changes, { timeout: 10_000 }).toContainEqual({ kind: 'resource', uri })
    await client.callTool('toggle-subscriber-updates')
  })
})
