import { afterEach, describe, expect, it } from 'vitest'
import { createWorld, sendHandshake, type World } from './protected-world.ts'
import type { ProtectOptions } from '../../src/resource-server.ts'
import { createApp, createServer } from '../../src/server.ts'

const worlds: World[] = []
afterEach(async () => {
  await Promise.all(worlds.splice(0).map(({ app }) => app.close()))
})

/** A world with families of resources whose handlers would give anything away. */
function open(options: Partial<ProtectOptions> = {}): World {
  const world = createWorld(options)
  worlds.push(world)
  const { server, ran } = world
  server.resource('docs://admin', { name: 'admin', scopes: ['admin'] }, () => 'of the administrator')
  server.resourceTemplate('docs://{name}', { name: 'docs' }, ({ name }) => {
    ran.push(`docs ${name}`)
    return 'x'
  })
  server.resourceTemplate(
    'vault://{folder}/{id}',
    {
      name: 'vault',
      scopes: uri => (uri.startsWith('vault://private/') ? ['private'] : []),
      list: () => ['private', 'public'].map(folder => ({ uri: `vault://${folder}/1`, name: `${folder} 1` })),
    },
    ({ folder }) => {
      ran.push(`vault ${folder}`)
      return 'x'
    },
  )
  server.resourceTemplate(
    'tree://{+path}',
    { name: 'tree', scopes: uri => (uri.startsWith('tree://private/') ? ['private'] : []) },
    ({ path }) => {
      ran.push(`tree ${path}`)
      return 'x'
    },
  )
  server.resourceTemplate(
    'mail://{id}',
    {
      name: 'mail',
      scopes: ['mail'],
      list: () => {
        ran.push('list of mail')
        return [{ uri: 'mail://merger', name: 'about the merger' }]
      },
    },
    () => 'x',
  )
  return world
}

const read = (world: World, uri: string, token: string): Promise<Response> =>
  world.call('resources/read', { uri }, token)

async function listed(world: World, token?: string): Promise<string[]> {
  const response = await world.call('resources/list', {}, token)
  const { result } = (await response.json()) as { result: { resources: { uri: string }[] } }
  return result.resources.map(({ uri }) => uri)
}

describe('however a URI is spelled, its scopes are the same', () => {
  it.each(['vault://private/1', 'vault://%70rivate/1', 'vault://privat%65/%31'])('of a family: %s', async uri => {
    const world = open()
    expect((await read(world, uri, 'eve|public')).status).toBe(403)
    expect(world.ran).toEqual([])
    expect((await read(world, uri, 'ada|private')).status).toBe(200)
    expect(world.ran).toEqual(['vault private'])
  })

  it.each(['tree://private/a', 'tree://private%2Fa', 'tree://%70rivate%2fa'])('of a path: %s', async uri => {
    const world = open()
    expect((await read(world, uri, 'eve|public')).status).toBe(403)
    expect(world.ran).toEqual([])
  })

  it.each(['docs://admin', 'docs://%61dmin', 'docs://admi%6e'])(
    'of a resource beside a family that would take it: %s',
    async uri => {
      const world = open()
      expect((await read(world, uri, 'eve|docs')).status).toBe(403)
      expect(await (await read(world, uri, 'ada|admin')).text()).toContain('of the administrator')
      expect(world.ran).toEqual([])
      expect((await read(world, 'docs://%6fther', 'eve|docs')).status).toBe(200)
      expect(world.ran).toEqual(['docs other'])
    },
  )

  it('a subscription is no way around', async () => {
    const notifications = { resourceSubscriptions: ['vault://%70rivate/1'] }
    expect((await open().call('subscriptions/listen', { notifications }, 'eve|public')).status).toBe(403)
  })
})

describe('what a family lists', () => {
  it('is told only to those who may read it, and others do not make it run', async () => {
    const world = open()
    expect(await listed(world, 'eve|read')).not.toContain('mail://merger')
    expect(world.ran).toEqual([])
    expect(await listed(world, 'ada|mail')).toContain('mail://merger')
  })

  it('is told to nobody who has not logged in, where that is optional', async () => {
    const world = open({ optional: true })
    expect(await listed(world)).toEqual(['notes://all', 'docs://admin', 'vault://public/1'])
    expect(world.ran).toEqual([])
  })

  it('is told one by one where scopes depend on the URI', async () => {
    expect(await listed(open(), 'eve|read')).toEqual(['notes://all', 'docs://admin', 'vault://public/1'])
    expect(await listed(open(), 'ada|private')).toContain('vault://private/1')
  })

  it('is not told where the server is served without protect', async () => {
    const server = createServer({ name: 'bare', version: '1' })
    server.resourceTemplate(
      'mail://{id}',
      { scopes: ['mail'], list: () => [{ uri: 'mail://1', name: '1' }] },
      () => 'x',
    )
    server.resourceTemplate('open://{id}', { list: () => [{ uri: 'open://1', name: '1' }] }, () => 'x')
    const app = createApp(server)
    const headers = {
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'resources/list',
    }
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/list', params: { _meta } })
    const answer = await app.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body }))
    expect(await answer.json()).toMatchObject({ result: { resources: [{ uri: 'open://1' }] } })
    await app.close()
  })
})

describe('changes of resources', () => {
  it('are told only to those who may read them, whether or not lists are filtered', async () => {
    const world = open({ optional: true })
    const notifications = { resourceSubscriptions: ['vault:/', 'mail:/'] }
    const response = await world.call('subscriptions/listen', { notifications })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    for (const uri of ['mail://merger', 'vault://private/1', 'vault://public/1']) world.server.resourceUpdated(uri)
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value)).toContain('vault://public/1')
    await reader.cancel()
  })

  it('are told only to those who may read them, in a session as well', async () => {
    const world = open({ optional: true })
    world.server.resource('mail:/', { name: 'mailbox' }, () => 'x')
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
    const hello = await sendHandshake(world, { jsonrpc: '2.0', id: 1, method: 'initialize', params })
    const session = hello.headers.get('mcp-session-id') ?? ''
    const message = { jsonrpc: '2.0', id: 2, method: 'resources/subscribe', params: { uri: 'mail:/' } }
    expect((await sendHandshake(world, message, { session, version: '2025-06-18' })).status).toBe(200)
    const headers = { accept: 'text/event-stream', 'mcp-session-id': session }
    const stream = await world.send({ method: 'GET', headers })
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader()
    world.server.resourceUpdated('mail://merger')
    world.server.resourceUpdated('mail:/')
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value)).not.toContain('merger')
    await reader.cancel()
  })
})
