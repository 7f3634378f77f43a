import { describe, expect, it } from 'vitest'
import { createServer, type ServerOptions } from '../../src/server.ts'
import { eachWay } from './matrix.ts'
import { authOf, makeCall } from './raw-connection.ts'

const icons = [{ src: 'https://example.com/icon.png', mimeType: 'image/png', sizes: ['48x48'] }]
const described = { title: 'Title', description: 'What it is', icons, _meta: { 'com.example/x': 1 } }

eachWay(
  'everything is listed as it was described, in the order in which it was registered',
  async ({ server, open }) => {
    const annotations = { readOnlyHint: true, title: 'Hint' }
    server.tool('zebra', { ...described, annotations }, () => 'x')
    server.tool('ant', {}, () => 'x')
    server.prompt(
      'ask',
      { ...described, arguments: { who: { required: true, description: 'Whom' }, how: { title: 'How' } } },
      () => 'x',
    )
    server.resource(
      'notes://z',
      { ...described, mimeType: 'text/plain', size: 5, annotations: { priority: 1 } },
      () => 'x',
    )
    server.resource('notes://a', { name: 'a' }, () => 'x')
    server.resourceTemplate(
      'people://{name}',
      { ...described, list: () => [{ uri: 'people://ada', name: 'ada' }] },
      () => 'x',
    )
    const client = await open()
    const { tools } = await client.listTools()
    expect(tools).toEqual([
      { name: 'zebra', ...described, annotations, inputSchema: { type: 'object' } },
      { name: 'ant', description: 'ant', inputSchema: { type: 'object' } },
    ])
    expect((await client.listTools({ fresh: true })).tools).toEqual(tools)
    expect((await client.listPrompts()).prompts).toEqual([
      {
        name: 'ask',
        ...described,
        arguments: [
          { name: 'who', required: true, description: 'Whom' },
          { name: 'how', required: false, title: 'How' },
        ],
      },
    ])
    expect((await client.listResources()).resources).toEqual([
      {
        uri: 'notes://z',
        name: 'notes://z',
        ...described,
        mimeType: 'text/plain',
        size: 5,
        annotations: { priority: 1 },
      },
      { uri: 'notes://a', name: 'a' },
      { uri: 'people://ada', name: 'ada' },
    ])
    expect((await client.listResourceTemplates()).resourceTemplates).toEqual([
      { uriTemplate: 'people://{name}', name: 'people://{name}', ...described },
    ])
  },
)

eachWay(
  'R-PAGE-1 every list comes in pages, and a cursor that is none is refused',
  async ({ server, open }) => {
    for (let n = 0; n < 5; n++) {
      server.tool(`tool${n}`, {}, () => 'x')
      server.prompt(`prompt${n}`, {}, () => 'x')
      server.resource(`notes://${n}`, {}, () => 'x')
      server.resourceTemplate(`people${n}://{name}`, {}, () => 'x')
    }
    const client = await open()
    const all = async (items: AsyncGenerator<object>): Promise<number> => {
      const seen = new Set<string>()
      for await (const item of items) seen.add(JSON.stringify(item))
      return seen.size
    }
    expect((await client.listTools()).tools).toHaveLength(2)
    expect(await all(client.tools())).toBe(5)
    expect(await all(client.prompts())).toBe(5)
    expect(await all(client.resources())).toBe(5)
    expect(await all(client.resourceTemplates())).toBe(5)
    for (const list of ['listTools', 'listPrompts', 'listResources', 'listResourceTemplates'] as const)
      await expect(client[list]({ cursor: 'elsewhere' })).rejects.toMatchObject({ code: -32602 })
  },
  { server: { pageSize: 2 } },
)

eachWay('what is disabled is neither listed nor found, until it is enabled again', async ({ server, open }) => {
  server.tool('always', {}, () => 'x')
  const tool = server.tool('tool', {}, () => 'x')
  const prompt = server.prompt('prompt', {}, () => 'x')
  const resource = server.resource('notes://1', {}, () => 'x')
  const client = await open()
  const names = async (): Promise<readonly string[]> =>
    (await client.listTools({ fresh: true })).tools.map(({ name }) => name)
  for (const registration of [tool, prompt, resource]) registration.disable()
  expect(await names()).toEqual(['always'])
  await expect(client.callTool('tool')).rejects.toMatchObject({ code: -32602 })
  await expect(client.getPrompt('prompt')).rejects.toMatchObject({ code: -32602 })
  await expect(client.readResource('notes://1')).rejects.toMatchObject({ data: { uri: 'notes://1' } })
  // The capability stays: what is not there now may come.
  expect((await client.listPrompts({ fresh: true })).prompts).toEqual([])
  tool.enable()
  expect(await names()).toEqual(['always', 'tool'])
  tool.remove()
  tool.enable()
  server.tool('tool', {}, () => 'another')
  expect((await client.callTool('tool')).content).toMatchObject([{ text: 'another' }])
})

describe('cache hints', () => {
  const list = async (options: Partial<ServerOptions>, method: string, params: object, carrier = {}): Promise<any> => {
    const server = createServer({ name: 'cached', version: '1', ...options })
    server.tool('free', {}, () => 'x')
    server.tool('guarded', { scopes: ['s'] }, () => 'x')
    server.prompt('free', {}, () => 'x')
    server.resource('notes://free', {}, () => 'x')
    server.resource('notes://own', { cache: { ttlMs: 5, cacheScope: 'public' }, scopes: ['s'] }, () => 'x')
    server.resource('notes://guarded', { scopes: ['s'] }, () => 'x')
    server.resource('notes://brief', { cache: { ttlMs: 5 }, scopes: ['s'] }, () => 'x')
    const odd = { contents: [{ uri: 'notes://odd', text: 'x' }], ttlMs: -1, cacheScope: 'everybody' }
    server.resource('notes://odd', {}, () => odd as never)
    return (await makeCall(server, method, params, carrier).answer)?.['result']
  }
  const PUBLIC = { cache: { ttlMs: 60_000, cacheScope: 'public' } } as const

  it('are there by default, and keep nothing', async () => {
    for (const method of [
      'tools/list',
      'prompts/list',
      'resources/list',
      'resources/templates/list',
      'server/discover',
    ])
      expect(await list({}, method, {})).toMatchObject({ ttlMs: 0, cacheScope: 'private' })
    expect(await list({}, 'resources/read', { uri: 'notes://free' })).toMatchObject({ ttlMs: 0, cacheScope: 'private' })
    expect(await list(PUBLIC, 'tools/call', { name: 'free' })).not.toHaveProperty('ttlMs')
  })

  it('are those of the server, or of the resource', async () => {
    expect(await list(PUBLIC, 'tools/list', {})).toMatchObject(PUBLIC.cache)
    expect(await list(PUBLIC, 'resources/read', { uri: 'notes://free' })).toMatchObject(PUBLIC.cache)
    expect(await list({}, 'resources/read', { uri: 'notes://own' })).toMatchObject({ ttlMs: 5, cacheScope: 'public' })
  })

  it('are ones that clients can read, whatever a handler says', async () => {
    expect(await list(PUBLIC, 'resources/read', { uri: 'notes://odd' })).toMatchObject(PUBLIC.cache)
  })

  it('never let what one caller may see be shown to others', async () => {
    const holds = (): boolean => true
    const filtered = { holds, filtersLists: true }
    expect(await list(PUBLIC, 'tools/list', {}, filtered)).toMatchObject({ ttlMs: 60_000, cacheScope: 'private' })
    expect(await list(PUBLIC, 'resources/list', {}, filtered)).toMatchObject({ cacheScope: 'private' })
    expect(await list(PUBLIC, 'resources/read', { uri: 'notes://brief' }, { holds })).toMatchObject({
      ttlMs: 5,
      cacheScope: 'private',
    })
    expect(await list(PUBLIC, 'resources/read', { uri: 'notes://guarded' }, { holds })).toMatchObject({
      cacheScope: 'private',
    })
    expect(await list(PUBLIC, 'prompts/list', {}, filtered)).toMatchObject({ cacheScope: 'public' })
  })

  it('of a family that lists by who asks are private', async () => {
    const server = createServer({ name: 'cached', version: '1', ...PUBLIC })
    server.resourceTemplate(
      'mine://{id}',
      { list: ({ auth }) => [{ uri: `mine://${auth?.principal ?? ''}`, name: 'x' }] },
      () => 'x',
    )
    const { answer } = makeCall(server, 'resources/list', {}, { auth: authOf('ada') })
    expect(await answer).toMatchObject({ result: { resources: [{ uri: 'mine://ada' }], cacheScope: 'private' } })
  })
})

describe('lists show', () => {
  const server = createServer({ name: 'filtered', version: '1' })
  server.tool('free', {}, () => 'x')
  server.tool('read', { scopes: ['read'] }, () => 'x')
  server.tool('both', { scopes: ['read', 'write'] }, () => 'x')
  server.tool('depends', { scopes: () => ['admin'] }, () => 'x')
  server.prompt('write', { scopes: ['write'] }, () => 'x')
  server.resource('notes://write', { scopes: ['write'] }, () => 'x')
  server.resourceTemplate(
    'write://{id}',
    { scopes: ['write'], list: () => [{ uri: 'write://1', name: '1' }] },
    () => 'x',
  )
  const list = async (method: string, member: string, held?: readonly string[]): Promise<unknown> => {
    const holds = held && ((needed: readonly string[]) => needed.every(scope => held.includes(scope)))
    const answer = await makeCall(server, method, {}, { holds, filtersLists: held !== undefined }).answer
    return answer?.['result'][member].map((item: any) => item.name)
  }

  it('only what the caller may use, where they are filtered', async () => {
    expect(await list('tools/list', 'tools', ['read'])).toEqual(['free', 'read', 'depends'])
    expect(await list('tools/list', 'tools', [])).toEqual(['free', 'depends'])
    expect(await list('prompts/list', 'prompts', ['read'])).toEqual([])
    expect(await list('resources/list', 'resources', ['read'])).toEqual([])
    expect(await list('resources/templates/list', 'resourceTemplates', ['read'])).toEqual([])
    expect(await list('resources/list', 'resources', ['write'])).toEqual(['notes://write', '1'])
  })

  it('everything, where they are not', async () => {
    expect(await list('tools/list', 'tools')).toEqual(['free', 'read', 'both', 'depends'])
    expect(await list('resources/templates/list', 'resourceTemplates')).toEqual(['write://{id}'])
  })
})
