import { describe, expect, it } from 'vitest'
import { createTestGuard, gate, openSession, send, startWorld, type Session, type World } from './http-world.ts'

const ping = (id: unknown = 1): object => ({ jsonrpc: '2.0', id, method: 'ping' })

describe('sessions', () => {
  it('answers requests without a session with 400, and of an unknown one with 404', async () => {
    const world = await startWorld()
    for (const sent of [{ body: ping() }, { method: 'GET' }, { method: 'DELETE' }]) {
      expect((await send(world, sent)).status).toBe(400)
      const headers = { 'mcp-session-id': 'b6b7a0e4-0000-4000-8000-000000000000', 'mcp-protocol-version': '2025-11-25' }
      const lost = await send(world, { ...sent, headers })
      expect(lost.status).toBe(404)
      const answer = await lost.json()
      expect(answer.error.code).toBe(-32001)
      expect(answer).not.toHaveProperty('id')
    }
  })

  it.each([
    ['2025-11-25', '2025-11-25'],
    ['2024-11-05', '2024-11-05'],
    ['2099-01-01', '2025-11-25'],
    ['', '2025-11-25'],
  ])('initialize for %s agrees on %s', async (asked, agreed) => {
    const world = await startWorld()
    const params = { protocolVersion: asked, capabilities: {}, clientInfo: { name: 'x', version: '1' } }
    const reply = await send(world, { body: { jsonrpc: '2.0', id: 'i', method: 'initialize', params } })
    expect(reply.headers['mcp-session-id']).toMatch(/^[\x21-\x7e]+$/)
    expect(await reply.json()).toMatchObject({ id: 'i', result: { protocolVersion: agreed } })
  })

  it('ends one with DELETE, and answers what it still runs', async () => {
    const { promise, open } = gate()
    const world = await startWorld(server => {
      server.tool('wait', {}, async (_args, ctx) => {
        open()
        await new Promise(resolve => ctx.signal.addEventListener('abort', resolve))
        return 'never seen'
      })
    })
    const session = await openSession(world)
    const call = session.call('wait', 1)
    await promise
    expect((await session.send({ method: 'DELETE' })).status).toBe(204)
    expect((await (await call).json()).error.message).toContain('ended by its client')
    expect((await session.send({ body: ping() })).status).toBe(404)
    expect((await session.send({ method: 'DELETE' })).status).toBe(404)
  })

  it('refuses a client when all sessions are in use', async () => {
    const world = await startWorld(undefined, { sessions: { maximum: 1 } })
    const first = await openSession(world)
    const stream = await first.send({ method: 'GET' })
    const params = { protocolVersion: '2025-11-25', capabilities: {} }
    const reply = await send(world, { body: { jsonrpc: '2.0', id: 1, method: 'initialize', params } })
    expect([reply.status, reply.headers['retry-after']]).toEqual([503, '30'])
    stream.drop()
    await expect
      .poll(async () => (await send(world, { body: { jsonrpc: '2.0', id: 1, method: 'initialize', params } })).status)
      .toBe(200)
    expect((await first.send({ body: ping() })).status).toBe(404)
  })

  it('field V11: authenticates every request, and a session is of use to its principal only', async () => {
    const world = await startWorld(undefined, { guard: createTestGuard() })
    const alice = await openSession(world, '2025-11-25', { authorization: 'Bearer alice' })
    const asBob = { ...alice.headers, authorization: 'Bearer bob' }
    const { authorization: _token, ...asNobody } = alice.headers as Record<string, string>
    for (const sent of [
      { body: ping() },
      { method: 'GET' },
      { method: 'DELETE' },
      { body: { jsonrpc: '2.0', method: 'notifications/x' } },
    ]) {
      expect((await send(world, { ...sent, headers: asBob })).status).toBe(404)
      const refused = await send(world, { ...sent, headers: asNobody })
      expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, expect.stringContaining('Bearer')])
    }
    expect((await alice.send({ body: ping() })).status).toBe(200)
  })

  it('asks the guard before a stream is opened or a session ended', async () => {
    let isAllowed = true
    const authorize = () => (isAllowed ? undefined : { status: 403, headers: {} })
    const world = await startWorld(undefined, { guard: createTestGuard({ authorize }) })
    const session = await openSession(world, '2025-11-25', { authorization: 'Bearer alice' })
    isAllowed = false
    for (const method of ['GET', 'DELETE']) expect((await session.send({ method })).status).toBe(403)
    expect((await session.send({ body: ping() })).status).toBe(403)
  })

  it('a request without a session runs where none are kept, and cannot be asked back', async () => {
    const world = await startWorld(undefined, { sessions: false })
    const reply = await send(world, { body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } } })
    expect(await reply.json()).toMatchObject({ id: 1, result: { content: [{ text: 'echo' }] } })
    const params = { protocolVersion: '2025-11-25', capabilities: {} }
    const begun = await send(world, { body: { jsonrpc: '2.0', id: 1, method: 'initialize', params } })
    expect([begun.status, begun.headers['mcp-session-id']]).toEqual([200, undefined])
    // Nor does it promise what needs one.
    expect((await begun.json()).result.capabilities).toEqual({ tools: {} })
  })
})

describe('the stream for what the server sends unasked', () => {
  const listen = (session: Session, headers = {}) => session.send({ method: 'GET', headers })

  it('needs a client that reads streams', async () => {
    const world = await startWorld()
    const session = await openSession(world)
    expect((await listen(session, { accept: 'application/json' })).status).toBe(406)
  })

  it('is one at a time, and the newest has it', async () => {
    const world = await startWorld()
    const session = await openSession(world)
    const first = await listen(session)
    const second = await listen(session)
    expect(await first.messages()).toEqual([])
    const events = second.events()
    world.server.tool('new', {}, () => 'new')
    expect((await events.next()).value?.message).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/tools/list_changed',
      params: {},
    })
    second.drop()
  })

  it('goes on after the last event that arrived', async () => {
    const world = await startWorld(server => {
      server.resource('file:///a', { name: 'a' }, () => 'a')
    })
    const session = await openSession(world)
    await session.send({ body: { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: 'file:///a' } } })
    const first = await listen(session)
    const events = first.events()
    world.server.resourceUpdated('file:///a')
    const { value: seen } = await events.next()
    first.drop()
    for (let count = 0; count < 3; count += 1) world.server.resourceUpdated('file:///a')
    const second = await listen(session, { 'last-event-id': seen?.id ?? '' })
    const later = second.events()
    const ids = [(await later.next()).value?.id, (await later.next()).value?.id, (await later.next()).value?.id]
    expect(ids).toEqual(['unasked_2', 'unasked_3', 'unasked_4'])
    second.drop()
  })

  it('takes an event id that is none for none, and says of one that is not kept that it is gone', async () => {
    const world = await startWorld()
    const session = await openSession(world)
    for (const id of ['garbage', '%', '9'.repeat(3000), 'unasked_999999']) {
      const stream = await listen(session, { 'last-event-id': id })
      expect(stream.status).toBe(200)
      stream.drop()
    }
    expect((await listen(session, { 'last-event-id': 'post77_1' })).status).toBe(400)
  })

  it('ends when the token expires that it was opened with', async () => {
    const authenticate = async () => ({
      auth: { principal: 'alice', scopes: [], claims: {}, token: 'x', expiresAt: Date.now() + 50 },
    })
    const world = await startWorld(undefined, { guard: createTestGuard({ authenticate }) })
    const session = await openSession(world)
    expect(await (await listen(session)).messages()).toEqual([])
  })

  it('is kept open with comments', async () => {
    const world = await startWorld(undefined, { keepAliveMs: 10 })
    const session = await openSession(world)
    const stream = await listen(session)
    expect((await stream.events().next()).value).toEqual({ comment: '' })
    stream.drop()
  })
})

describe('a question to the client', () => {
  const startAsking = (options = {}) =>
    startWorld(server => {
      server.tool('ask', {}, async (_args, ctx) => JSON.stringify(await ctx.roots()))
      server.resource('file:///a', { name: 'a' }, () => 'a')
    }, options)
  const params = { protocolVersion: '2025-11-25', capabilities: { roots: {} } }
  const initialize = { jsonrpc: '2.0', id: 0, method: 'initialize', params }
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask' } }
  const shake = async (world: World): Promise<Record<string, string>> => {
    const reply = await send(world, { body: initialize })
    return { 'mcp-session-id': String(reply.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' }
  }

  it('travels on the stream of the call, and its answer by another POST of the same session', async () => {
    const world = await startAsking()
    const [headers, foreign] = [await shake(world), await shake(world)]
    const reply = await send(world, { headers, body: call })
    const events = reply.events()
    let asked: any
    while (asked === undefined) asked = (await events.next()).value?.message
    expect(asked.method).toBe('roots/list')
    const answer = (uri: string) => ({ jsonrpc: '2.0', id: asked.id, result: { roots: [{ uri }] } })
    await send(world, { headers: foreign, body: answer('file:///forged') })
    expect((await send(world, { headers, body: answer('file:///mine') })).status).toBe(202)
    for await (const { message } of events)
      if (message) expect(message.result.content[0].text).toContain('file:///mine')
  })

  it('fails at once where it could not arrive, or its answer not come back', async () => {
    const world = await startAsking()
    const unread = await send(world, { headers: { ...(await shake(world)), accept: 'application/json' }, body: call })
    const bare = await startAsking({ sessions: false })
    const passing = await send(bare, { body: call })
    for (const reply of [unread, passing]) {
      const { id, error, result } = await reply.json()
      expect([id, error !== undefined || result.isError]).toEqual([1, true])
    }
  })

  it('nothing can be subscribed to where nothing is remembered', async () => {
    const bare = await startAsking({ sessions: false })
    const body = { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: 'file:///a' } }
    expect((await (await send(bare, { body })).json()).error.message).toContain('needs a session')
  })
})
