import { describe, expect, it } from 'vitest'
import { encodeHeaderValue } from '../../../src/protocol/header-value.ts'
import type { Server } from '../../../src/server/server.ts'
import { openSession, send, sendStateless, startWorld, stateless, STATELESS } from './http-world.ts'

const REGION_TOOL = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
    dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
    inner: { type: 'object', properties: { deep: { type: 'string', 'x-mcp-header': 'Deep' } } },
  },
}

function define(server: Server): void {
  server.prompt('région ☂', {}, () => 'named')
  server.tool('ask', { input: REGION_TOOL }, () => 'asked')
  server.resource('file:///a b', { name: 'a' }, () => 'contents')
}

const argument =
  (args: object, headers: Readonly<Record<string, string>>) => async (world: { readonly port: number }) => {
    const reply = await sendStateless(world, stateless('tools/call', { name: 'ask', arguments: args }), { headers })
    return [reply.status, (await reply.json()).error?.code]
  }

describe('R-HTTP-1: the revision of a request', () => {
  it.each([
    ['none in the header, one in the body', undefined, STATELESS, -32020],
    ['another in the header', '2025-11-25', STATELESS, -32020],
    ['an unknown one in the header', '2099-01-01', STATELESS, -32020],
    ['an unknown one in both', '2099-01-01', '2099-01-01', -32022],
    ['one in the header, none in the body', STATELESS, undefined, -32602],
    ['a number in the body', STATELESS, 5, -32020],
  ] as const)('%s: %#', async (_what, header, body, code) => {
    const world = await startWorld()
    const message = stateless('tools/list', {}, { 'io.modelcontextprotocol/protocolVersion': body })
    const headers = { 'mcp-method': 'tools/list', ...(header && { 'mcp-protocol-version': header }) }
    const reply = await send(world, { headers, body: message })
    expect(reply.status).toBe(400)
    const { id, error } = await reply.json()
    expect([id, error.code]).toEqual([message.id, code])
    if (code === -32022)
      expect(error.data).toMatchObject({
        requested: '2099-01-01',
        supported: expect.arrayContaining([STATELESS, '2025-03-26']),
      })
  })

  it('takes a header twice for what it is: another value', async () => {
    const world = await startWorld()
    const message = stateless('tools/list')
    const headers = { 'mcp-protocol-version': [STATELESS, STATELESS], 'mcp-method': 'tools/list' } as never
    expect((await send(world, { headers, body: message })).status).toBe(400)
  })

  it('refuses an unknown one in a session with 400, of every method', async () => {
    const world = await startWorld()
    const session = await openSession(world)
    const headers = { 'mcp-protocol-version': '2099-01-01' }
    for (const sent of [
      { body: { jsonrpc: '2.0', id: 4, method: 'ping' } },
      { body: { jsonrpc: '2.0', method: 'notifications/x' } },
      { body: [] },
      { method: 'GET' },
      { method: 'DELETE' },
    ]) {
      const reply = await session.send({ ...sent, headers })
      expect(reply.status).toBe(400)
      expect((await reply.json()).error.code).toBe(-32022)
    }
    expect((await session.call('echo', 5)).status).toBe(200)
  })

  it('a missing header means 2025-03-26, or the revision of the session', async () => {
    const world = await startWorld(undefined, { sessions: false })
    const batch = await send(world, { body: [{ jsonrpc: '2.0', id: 1, method: 'ping' }] })
    expect(batch.status).toBe(200)
    const withSessions = await startWorld()
    const { id } = await openSession(withSessions, '2025-06-18')
    const refused = await send(withSessions, {
      headers: { 'mcp-session-id': id },
      body: [{ jsonrpc: '2.0', id: 1, method: 'ping' }],
    })
    expect(refused.status).toBe(400)
  })
})

describe('the headers of a stateless request say what its body says', () => {
  it.each([
    ['no Mcp-Method', { 'mcp-method': undefined }],
    ['another Mcp-Method', { 'mcp-method': 'tools/list' }],
    ['an Mcp-Method in other letters', { 'mcp-method': 'Tools/Call' }],
    ['no Mcp-Name', { 'mcp-name': undefined }],
    ['another Mcp-Name', { 'mcp-name': 'other' }],
    ['Base64 of another name', { 'mcp-name': '=?base64?b3RoZXI=?=' }],
    ['broken Base64', { 'mcp-name': '=?base64?%?=' }],
  ])('refuses %s with −32020', async (_what, headers) => {
    const world = await startWorld()
    const message = stateless('tools/call', { name: 'echo', arguments: {} })
    const all = { 'mcp-protocol-version': STATELESS, 'mcp-method': 'tools/call', 'mcp-name': 'echo', ...headers }
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >
    const reply = await send(world, { headers: given, body: message })
    expect(reply.status).toBe(400)
    expect(await reply.json()).toMatchObject({
      id: message.id,
      error: { code: -32020, message: expect.stringMatching(/mcp-(method|name)/) },
    })
  })

  it.each([undefined, 5])('refuses an Mcp-Name for a name that is %j', async name => {
    const world = await startWorld()
    const message = stateless('tools/call', { name })
    const reply = await sendStateless(world, message, { headers: { 'mcp-name': 'echo' } })
    expect([reply.status, (await reply.json()).error.code]).toEqual([400, -32020])
  })

  it('misses the parameter, not the header, where there is neither', async () => {
    const reply = await sendStateless(await startWorld(), stateless('tools/call', {}))
    expect((await reply.json()).error.code).toBe(-32602)
  })

  it('takes names as Base64 of UTF-8, needed or not', async () => {
    const world = await startWorld(define)
    const prompt = stateless('prompts/get', { name: 'région ☂' })
    const named = await sendStateless(world, prompt, { headers: { 'mcp-name': encodeHeaderValue('région ☂') } })
    expect((await named.json()).result.messages).toHaveLength(1)
    const tool = stateless('tools/call', { name: 'echo', arguments: {} })
    expect((await sendStateless(world, tool, { headers: { 'mcp-name': '=?base64?ZWNobw==?=' } })).status).toBe(200)
    const read = await sendStateless(world, stateless('resources/read', { uri: 'file:///a b' }))
    expect(read.status).toBe(200)
  })

  it('refuses letters that no header may hold, even where they match', async () => {
    const world = await startWorld(server => {
      server.prompt('é', {}, () => 'named')
    })
    const reply = await sendStateless(world, stateless('prompts/get', { name: 'é' }))
    expect([reply.status, (await reply.json()).error.code]).toEqual([400, -32020])
  })

  it.each([
    ['the value', { region: 'eu' }, { 'mcp-param-region': 'eu' }, 200],
    ['another value', { region: 'eu' }, { 'mcp-param-region': 'us' }, 400],
    ['no header for a value', { region: 'eu' }, {}, 400],
    ['a header for no value', {}, { 'mcp-param-region': 'eu' }, 400],
    ['a header for null', { region: null }, { 'mcp-param-region': 'null' }, 400],
    ['a value as Base64', { region: ' eu ☂' }, { 'mcp-param-region': encodeHeaderValue(' eu ☂') }, 200],
    [
      'a value that looks encoded',
      { region: '=?base64?eA==?=' },
      { 'mcp-param-region': encodeHeaderValue('=?base64?eA==?=') },
      200,
    ],
    ['an empty value', { region: '' }, { 'mcp-param-region': '' }, 200],
    ['a number', { count: 42 }, { 'mcp-param-count': '42' }, 200],
    ['a number in another decimal form', { count: 42 }, { 'mcp-param-count': '42.0' }, 200],
    ['a negative number', { count: -7 }, { 'mcp-param-count': '-7' }, 200],
    ['the largest number', { count: 9007199254740991 }, { 'mcp-param-count': '9007199254740991' }, 200],
    [
      'a number too large to be told apart',
      { count: 9007199254740992 },
      { 'mcp-param-count': '9007199254740993' },
      400,
    ],
    ['a number in a notation that others may not know', { count: 42 }, { 'mcp-param-count': '0x2A' }, 400],
    ['a number that is none', { count: 0 }, { 'mcp-param-count': ' ' }, 400],
    ['a truth', { dry: true }, { 'mcp-param-dry': 'true' }, 200],
    ['a truth in other letters', { dry: true }, { 'mcp-param-dry': 'True' }, 400],
    ['a value within an object', { inner: { deep: 'x' } }, { 'mcp-param-deep': 'x' }, 200],
    ['another value within an object', { inner: { deep: 'x' } }, { 'mcp-param-deep': 'y' }, 400],
    ['a header that no parameter asks for', {}, { 'mcp-param-other': 'x' }, 200],
  ] as const)('Mcp-Param-*: %s', async (_what, args, headers, status) => {
    const world = await startWorld(define)
    const [got, code] = await argument(args, headers)(world)
    expect([got, status === 200 ? code === -32020 : code]).toEqual([status, status === 200 ? false : -32020])
  })

  it('leaves to the schema what no header can say', async () => {
    const world = await startWorld(define)
    const [status, code] = await argument({ region: { not: 'a string' } }, {})(world)
    expect(status).toBe(200)
    expect(code).not.toBe(-32020)
  })

  it('asks for none of them before 2026-07-28', async () => {
    const world = await startWorld(define)
    expect((await (await openSession(world)).call('ask', 1)).status).toBe(200)
  })
})

it('field V17: GET and DELETE are 405 on 2026-07-28, and everywhere without sessions', async () => {
  const world = await startWorld()
  const bare = await startWorld(undefined, { sessions: false })
  for (const method of ['GET', 'DELETE']) {
    const reply = await send(world, { method, headers: { 'mcp-protocol-version': STATELESS, 'mcp-session-id': 'x' } })
    expect([reply.status, reply.headers.allow]).toEqual([405, 'POST'])
    // A cache would give it to clients of other revisions, too.
    expect(reply.headers['cache-control']).toBe('no-store')
    expect((await send(bare, { method })).status).toBe(405)
  }
  const put = await send(world, { method: 'PUT' })
  expect([put.status, put.headers.allow]).toEqual([405, 'POST, GET, DELETE'])
})

it('ignores a session id and an event id on 2026-07-28, and gives none', async () => {
  const world = await startWorld()
  const reply = await sendStateless(world, stateless('tools/call', { name: 'echo', arguments: {} }), {
    headers: { 'mcp-session-id': 'x', 'last-event-id': 'post1_1' },
  })
  expect(reply.status).toBe(200)
  expect(reply.headers['mcp-session-id']).toBeUndefined()
})

it('answers a subscription that could not be streamed with 406', async () => {
  const world = await startWorld()
  const reply = await sendStateless(world, stateless('subscriptions/listen', { notifications: {} }), {
    headers: { accept: 'application/json' },
  })
  expect(reply.status).toBe(406)
  expect(await reply.json()).toMatchObject({ id: expect.anything(), error: { code: -32600 } })
})

it('is found at its path only', async () => {
  const world = await startWorld()
  expect((await sendStateless(world, stateless('tools/list'), { path: '/mcp?x=1' })).status).toBe(200)
  const reply = await sendStateless(world, stateless('tools/list'), { path: '/' })
  expect(reply.status).toBe(404)
  expect((await reply.json()).error.message).toContain('/mcp')
})
