import { afterEach, describe, expect, it } from 'vitest'
import { protect } from '../../src/resource-server.ts'
import type { AuthInfo } from '../../src/server/auth-info.ts'
import { createMemoryTaskStore, createServer, type ServerApp, tasks, type TaskStore } from '../../src/server.ts'
import {
  challengeOf,
  createWorld,
  ISSUER,
  openSession,
  RESOURCE,
  sendHandshake,
  verifyPlain,
  type World as ProtectedWorld,
} from './protected-world.ts'

const WIDE = 'alice|admin+read'
const NARROW = 'alice|read'
const EXTENSION = 'io.modelcontextprotocol/tasks'

const apps: ServerApp[] = []
afterEach(async () => {
  await Promise.all(apps.splice(0).map(app => app.close()))
})

interface TaskWorld {
  send(method: string, params: Record<string, unknown>, token: string): Promise<Response>
  start(tool: string, token: string): Promise<string>
}

/** A protected server whose tools go on as tasks: `open` and `admin` (scope admin). The secret is in the result of `admin`. */
function createTaskWorld(store: TaskStore = createMemoryTaskStore()): TaskWorld {
  const server = createServer({ name: 'files', version: '1.0.0', extensions: [tasks({ store, pollIntervalMs: 10 })] })
  server.tool('open', {}, (_args, ctx) => ctx.task(() => 'public'))
  server.tool('admin', { scopes: ['admin'] }, (_args, ctx) => ctx.task(() => 'secret'))
  const app = protect(server, {
    resource: RESOURCE,
    authorizationServers: [ISSUER],
    verify: verifyPlain,
    selfCheck: false,
  })
  apps.push(app)
  const send: TaskWorld['send'] = (method, params, token) => {
    const name = params['taskId'] ?? params['name']
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': { extensions: { [EXTENSION]: {} } },
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    }
    return app.fetch(
      new Request(RESOURCE, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(typeof name === 'string' && { 'mcp-name': name }),
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }),
      }),
    )
  }
  return {
    send,
    start: async (tool, token) => {
      const response = await send('tools/call', { name: tool, arguments: {} }, token)
      const { result } = (await response.json()) as { result: { taskId: string } }
      expect(result.taskId).toMatch(/^[0-9a-f]{48}$/)
      return result.taskId
    },
  }
}

/** The ids that a subscription follows, as its acknowledgement says. */
async function followed(world: TaskWorld, taskIds: readonly string[], token: string): Promise<unknown> {
  const response = await world.send('subscriptions/listen', { notifications: { taskIds } }, token)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('acknowledged') || !text.endsWith('\n\n')) text += (await reader.read()).value ?? ''
  await reader.cancel()
  const data = text.split('\n').find(line => line.startsWith('data: ') && line.includes('acknowledged'))
  return (JSON.parse(data!.slice(6)) as { params: { notifications: { taskIds: unknown } } }).params.notifications
    .taskIds
}

describe('a task needs the scopes of the call that started it', () => {
  it.each(['tasks/get', 'tasks/update', 'tasks/cancel'])(
    '%s with a narrower token of the same principal is challenged, and tells nothing',
    async method => {
      const world = createTaskWorld()
      const taskId = await world.start('admin', WIDE)
      const refused = await world.send(method, { taskId, inputResponses: {} }, NARROW)
      expect(refused.status).toBe(403)
      expect(challengeOf(refused)).toMatchObject({ error: 'insufficient_scope' })
      expect(challengeOf(refused)?.['scope']?.split(' ')).toContain('admin')
      expect(await refused.text()).not.toMatch(/secret|completed|working/)
      expect((await world.send(method, { taskId, inputResponses: {} }, WIDE)).status).toBe(200)
    },
  )

  it('one that needed none is for every token of its principal', async () => {
    const world = createTaskWorld()
    const taskId = await world.start('open', WIDE)
    expect((await world.send('tasks/get', { taskId }, NARROW)).status).toBe(200)
  })

  it('to another principal it is like one that never was, whatever it needs', async () => {
    const world = createTaskWorld()
    const taskId = await world.start('admin', WIDE)
    for (const id of [taskId, '0'.repeat(48)]) {
      const response = await world.send('tasks/get', { taskId: id }, 'mallory|read')
      expect([response.status, ((await response.json()) as { error: { code: number } }).error.code]).toEqual([
        200, -32602,
      ])
    }
  })

  it('a subscription leaves out those whose scopes the token lacks', async () => {
    const world = createTaskWorld()
    const taskIds = [await world.start('admin', WIDE), await world.start('open', WIDE)]
    expect(await followed(world, taskIds, NARROW)).toEqual([taskIds[1]])
    expect(await followed(world, taskIds, WIDE)).toEqual(taskIds)
  })

  it('also when another process of the same store is asked', async () => {
    const store = createMemoryTaskStore()
    const taskId = await createTaskWorld(store).start('admin', WIDE)
    const other = createTaskWorld(store)
    expect((await other.send('tasks/get', { taskId }, NARROW)).status).toBe(403)
    expect((await other.send('tasks/get', { taskId }, WIDE)).status).toBe(200)
  })
})

describe('a stream that is taken up again needs the scopes of its requests', () => {
  it('and is challenged, and tells nothing, with a narrower token of the same principal', async () => {
    const world = createWorld()
    apps.push(world.app)
    const session = await openSession(world, 'alice|write')
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'slow', _meta: { progressToken: 1 } } }
    const streamed = await (await sendHandshake(world, call, { token: 'alice|write', session })).text()
    const id = /^id: (\S+)$/m.exec(streamed)?.[1]
    expect(id).toBeDefined()
    const resume = (token: string): Promise<Response> =>
      world.send({
        method: 'GET',
        token,
        headers: {
          accept: 'text/event-stream',
          'mcp-protocol-version': '2025-03-26',
          'mcp-session-id': session,
          'last-event-id': id!,
        },
      })
    const refused = await resume('alice|read')
    expect(refused.status).toBe(403)
    expect(challengeOf(refused)?.['scope']?.split(' ')).toContain('write')
    expect(await refused.text()).not.toContain('slow')
    const again = await resume('alice|write')
    expect([again.status, (await again.text()).includes('slow')]).toEqual([200, true])
  })

  it('also when they came as a batch', async () => {
    const world = createWorld()
    apps.push(world.app)
    const session = await openSession(world, 'alice|write')
    const batch = [
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'open' } },
      { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'slow', _meta: { progressToken: 1 } } },
    ]
    const streamed = await (await sendHandshake(world, batch, { token: 'alice|write', session })).text()
    const id = /^id: (\S+)$/m.exec(streamed)?.[1]
    const headers = { accept: 'text/event-stream', 'mcp-session-id': session, 'last-event-id': id! }
    expect((await world.send({ method: 'GET', token: 'alice|read', headers })).status).toBe(403)
  })
})

describe('changes of resources that a session subscribed to are told by what the listening token may read', () => {
  const subscribe = async (): Promise<{
    readonly world: ProtectedWorld
    readonly listen: (token: string, lastEventId?: string) => Promise<Response>
  }> => {
    const world = createWorld()
    apps.push(world.app)
    // What an author's function makes of the token that listens.
    const scopes = (_uri: string, auth: AuthInfo | undefined) => (auth?.subject === 'alice' ? [] : ['admin'])
    world.server.resource('notes://all/open', { name: 'open', scopes }, () => 'x')
    const session = await openSession(world, 'alice|read+write')
    for (const uri of ['notes://all', 'notes://one', 'notes://all/open']) {
      const message = { jsonrpc: '2.0', id: uri, method: 'resources/subscribe', params: { uri } }
      expect((await sendHandshake(world, message, { token: 'alice|read+write', session })).status).toBe(200)
    }
    const listen = (token: string, lastEventId?: string): Promise<Response> =>
      world.send({
        method: 'GET',
        token,
        headers: {
          accept: 'text/event-stream',
          'mcp-protocol-version': '2025-03-26',
          'mcp-session-id': session,
          ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
        },
      })
    return { world, listen }
  }
  const change = (world: ProtectedWorld): void => {
    for (const uri of ['notes://all', 'notes://one', 'notes://all/open']) world.server.resourceUpdated(uri)
  }
  /** The URIs that a stream tells of, up to the one that everybody may hear of. */
  const told = async (response: Response): Promise<string[]> => {
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('notes://all/open"')) {
      const { value, done } = await reader.read()
      if (done) break
      text += value
    }
    await reader.cancel()
    return [...text.matchAll(/"uri":"([^"]+)"/g)].map(([, uri = '']) => uri)
  }

  it.each([
    ['alice|read+write', ['notes://all', 'notes://one', 'notes://all/open']],
    ['alice|write', ['notes://one', 'notes://all/open']],
    ['alice|', ['notes://all/open']],
  ])('%s', async (token, uris) => {
    const { world, listen } = await subscribe()
    const response = await listen(token)
    expect(response.status).toBe(200)
    change(world)
    expect(await told(response)).toEqual(uris)
  })

  it('also when they were kept while nobody listened, or another token has heard of them', async () => {
    const { world, listen } = await subscribe()
    change(world)
    expect(await told(await listen('alice|'))).toEqual(['notes://all/open'])
    expect(await told(await listen('alice|read', 'unasked_0'))).toEqual(['notes://all', 'notes://all/open'])
    expect(await told(await listen('alice|read+write', 'unasked_0'))).toHaveLength(3)
    expect(await told(await listen('alice|write', 'unasked_0'))).toEqual(['notes://one', 'notes://all/open'])
  })
})

it.each(['2026-07-28', '2025-06-18'])('a call knows the scopes that it was let in for (%s)', async version => {
  const seen: unknown[] = []
  const server = createServer({
    name: 'files',
    version: '1.0.0',
    middleware: [(call, next) => (seen.push([call.method, call.neededScopes]), next())],
  })
  server.tool('admin', { scopes: ['admin'] }, () => 'secret')
  const app = protect(server, {
    resource: RESOURCE,
    authorizationServers: [ISSUER],
    verify: verifyPlain,
    selfCheck: false,
  })
  apps.push(app)
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const send = (method: string, params: object, session?: string): Promise<Response> =>
    app.fetch(
      new Request(RESOURCE, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${WIDE}`,
          'content-type': 'application/json',
          'mcp-protocol-version': version,
          'mcp-method': method,
          'mcp-name': 'admin',
          ...(session !== undefined && { 'mcp-session-id': session }),
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      }),
    )
  const isStateless = version === '2026-07-28'
  const opened = isStateless ? undefined : await send('initialize', { protocolVersion: version, capabilities: {} })
  const params = { name: 'admin', arguments: {}, ...(isStateless && { _meta }) }
  expect((await send('tools/call', params, opened?.headers.get('mcp-session-id') ?? undefined)).status).toBe(200)
  expect(seen).toEqual([['tools/call', ['admin']]])
})
