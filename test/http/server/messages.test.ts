import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { elicit } from '../../../src/server/asks.ts'
import { gate, openSession, send, sendStateless, startWorld, stateless, STATELESS } from './http-world.ts'

const HANDSHAKE = ['2025-03-26', '2025-06-18', '2025-11-25'] as const
const omitsId = (revision: string): boolean => revision >= '2025-11-25'

describe('R-RPC-1: messages that are none', () => {
  const invalid: readonly (readonly [string, unknown, { id?: unknown; code: number }])[] = [
    ['no object', 5, { code: -32600 }],
    ['null', null, { code: -32600 }],
    ['an empty object', {}, { code: -32600 }],
    ['another version', { jsonrpc: '1.0', id: 7, method: 'ping' }, { id: 7, code: -32600 }],
    ['no version', { id: 'seven', method: 'ping' }, { id: 'seven', code: -32600 }],
    ['an id that is null', { jsonrpc: '2.0', id: null, method: 'ping' }, { code: -32600 }],
    ['an id that is an object', { jsonrpc: '2.0', id: {}, method: 'ping' }, { code: -32600 }],
    ['an id that is huge', { jsonrpc: '2.0', id: 'x'.repeat(1025), method: 'ping' }, { code: -32600 }],
    ['an id that is a fraction', { jsonrpc: '2.0', id: 1.5, method: 'ping' }, { code: -32600 }],
    ['no method', { jsonrpc: '2.0', id: 7 }, { id: 7, code: -32600 }],
    ['a method that is a number', { jsonrpc: '2.0', id: 7, method: 7 }, { id: 7, code: -32600 }],
    ['a method that is reserved', { jsonrpc: '2.0', id: 7, method: 'rpc.x' }, { id: 7, code: -32600 }],
    ['no id and no method', { jsonrpc: '2.0' }, { code: -32600 }],
    ['parameters that are a list', { jsonrpc: '2.0', id: 7, method: 'ping', params: [] }, { id: 7, code: -32602 }],
    ['a result that is no object', { jsonrpc: '2.0', id: 7, result: 5 }, { id: 7, code: -32600 }],
    ['an error without a code', { jsonrpc: '2.0', id: 7, error: {} }, { id: 7, code: -32600 }],
  ]
  const cases = invalid.flatMap(([what, body, expected]) =>
    [...HANDSHAKE, STATELESS].map(revision => [what, revision, body, expected] as const),
  )

  it.each(cases)('answers %s on %s with 400', async (_what, revision, body, { id, code }) => {
    const world = await startWorld()
    const headers = { 'mcp-protocol-version': revision }
    const reply =
      revision === STATELESS
        ? await send(world, { headers, body: JSON.stringify(body) })
        : await (await openSession(world, revision)).send({ body: JSON.stringify(body) })
    expect(reply.status).toBe(400)
    const answer = await reply.json()
    expect(answer.jsonrpc).toBe('2.0')
    expect(answer.error.code).toBe(code)
    if (id !== undefined) expect(answer.id).toBe(id)
    else if (omitsId(revision)) expect(answer).not.toHaveProperty('id')
    else expect(answer.id).toBeNull()
  })

  it('goes by the revision of the session where no header names one', async () => {
    const world = await startWorld()
    const { id } = await openSession(world, '2025-11-25')
    const reply = await send(world, { headers: { 'mcp-session-id': id }, body: { jsonrpc: '2.0' } })
    expect(await reply.json()).not.toHaveProperty('id')
  })
})

describe('messages that are not answered', () => {
  it.each(HANDSHAKE)('takes notifications and responses with 202 and no body on %s', async revision => {
    const world = await startWorld()
    const session = await openSession(world, revision)
    for (const body of [
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', method: 'notifications/unheard-of', params: {} },
      { jsonrpc: '2.0', id: 99, result: {} },
      { jsonrpc: '2.0', id: 99, error: { code: 1, message: 'x' } },
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: {} } },
    ]) {
      const reply = await session.send({ body })
      expect(reply.status).toBe(202)
      expect(await reply.text()).toBe('')
    }
  })

  it('takes notifications of the stateless revision with 202, and refuses responses', async () => {
    const world = await startWorld()
    const headers = { 'mcp-protocol-version': STATELESS }
    const notified = await send(world, {
      headers,
      body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
    })
    expect([notified.status, await notified.text()]).toEqual([202, ''])
    expect((await send(world, { headers, body: { jsonrpc: '2.0', id: 1, result: {} } })).status).toBe(400)
  })
})

describe('batches', () => {
  const ping = (id: unknown): object => ({ jsonrpc: '2.0', id, method: 'ping' })

  it('answers every request of a batch of 2025-03-26, and nothing else', async () => {
    const world = await startWorld()
    const session = await openSession(world, '2025-03-26')
    const body = [
      ping(1),
      { jsonrpc: '2.0', method: 'notifications/x' },
      ping('two'),
      5,
      { jsonrpc: '2.0', id: 3 },
      { jsonrpc: '2.0', id: 9, result: {} },
    ]
    const reply = await session.send({ body })
    expect(reply.status).toBe(200)
    expect(reply.headers['content-type']).toBe('application/json')
    const answers = await reply.json()
    expect(codesOf(answers)).toEqual(['1', '3 -32600', 'null -32600', 'two'])
  })

  it('takes a batch without requests with 202', async () => {
    const world = await startWorld()
    const session = await openSession(world, '2025-03-26')
    const reply = await session.send({
      body: [
        { jsonrpc: '2.0', method: 'notifications/x' },
        { jsonrpc: '2.0', id: 1, result: {} },
      ],
    })
    expect([reply.status, await reply.text()]).toEqual([202, ''])
  })

  it('refuses one that is empty, or too long', async () => {
    const world = await startWorld()
    const session = await openSession(world, '2025-03-26')
    for (const body of [[], Array.from({ length: 201 }, (_, id) => ping(id))]) {
      const reply = await session.send({ body })
      expect(reply.status).toBe(400)
      expect(await reply.json()).toMatchObject({ id: null, error: { code: -32600 } })
    }
    const most = await session.send({ body: Array.from({ length: 200 }, (_, id) => ping(id)) })
    const answers = await most.json()
    expect(answers.filter((answer: any) => answer.result)).toHaveLength(200)
  })

  it('runs neither initialize nor a stateless request within one', async () => {
    const world = await startWorld()
    const session = await openSession(world, '2025-03-26')
    const initialize = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-03-26', capabilities: {} },
    }
    const reply = await session.send({ body: [initialize, { ...stateless('tools/list'), id: 2 }, ping(3)] })
    const answers = await reply.json()
    expect(answers.map(({ id, error }: any) => [id, error?.code])).toEqual([
      [1, -32600],
      [2, -32600],
      [3, undefined],
    ])
    expect((await send(world, { body: [initialize] })).status).toBe(400)
  })

  it('answers two requests with the same id each, the second with an error', async () => {
    const { promise, open } = gate()
    const world = await startWorld(server => {
      server.tool('wait', {}, async () => {
        await promise
        return 'done'
      })
    })
    const session = await openSession(world, '2025-03-26')
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait' } }
    const reply = session.send({ body: [call, call, ping(2)] })
    open()
    const answers = await (await reply).json()
    expect(codesOf(answers)).toEqual(['1', '1 -32600', '2'])
  })

  it('becomes a stream when a handler has something to tell', async () => {
    const world = await startWorld(server => {
      server.tool('tell', {}, async (_args, ctx) => {
        await ctx.progress(1)
        return 'told'
      })
    })
    const session = await openSession(world, '2025-03-26')
    const call = {
      jsonrpc: '2.0',
      id: 2,
      method: 'tools/call',
      params: { name: 'tell', _meta: { progressToken: 't' } },
    }
    const reply = await session.send({ body: [ping(1), call, { jsonrpc: '2.0', id: 4 }] })
    expect(reply.headers['content-type']).toBe('text/event-stream')
    const messages = await reply.messages()
    expect(messages.find(({ method }) => method === 'notifications/progress')).toBeDefined()
    expect(codesOf(messages.filter(({ id }) => id !== undefined))).toEqual(['1', '2', '4 -32600'])
  })

  it.each(['2025-06-18', '2025-11-25'])('are refused on %s', async revision => {
    const world = await startWorld()
    const session = await openSession(world, revision)
    const reply = await session.send({ body: [ping(1)] })
    expect(reply.status).toBe(400)
    expect((await reply.json()).error.message).toContain('no batches')
  })

  it('are refused on 2026-07-28, with or without a session', async () => {
    const world = await startWorld()
    const session = await openSession(world, '2025-03-26')
    for (const headers of [{}, { 'mcp-session-id': session.id }]) {
      const reply = await send(world, {
        headers: { ...headers, 'mcp-protocol-version': STATELESS },
        body: [stateless('tools/list')],
      })
      expect(reply.status).toBe(400)
      const answer = await reply.json()
      expect(answer.error).toMatchObject({ code: -32600, message: expect.stringContaining('no batches') })
      expect(answer).not.toHaveProperty('id')
    }
  })
})

describe('errors of methods', () => {
  it('says of an unknown method 404 on 2026-07-28, and 200 before', async () => {
    const world = await startWorld()
    const reply = await sendStateless(world, stateless('no/such'))
    expect(reply.status).toBe(404)
    expect((await reply.json()).error.code).toBe(-32601)
    const session = await openSession(world)
    const old = await session.send({ body: { jsonrpc: '2.0', id: 1, method: 'no/such' } })
    expect(old.status).toBe(200)
    expect((await old.json()).error.code).toBe(-32601)
  })

  it('says of a missing capability 400 on 2026-07-28', async () => {
    const world = await startWorld(server => {
      server.tool(
        'ask',
        { asks: () => ({ sure: elicit({ message: 'Sure?', schema: z.object({ yes: z.boolean() }) }) }) },
        () => 'asked',
      )
    })
    const reply = await sendStateless(world, stateless('tools/call', { name: 'ask', arguments: {} }))
    const answer = await reply.json()
    expect([reply.status, answer]).toMatchObject([400, { error: { code: -32021 } }])
  })
})

/** The answers of a batch come in any order. */
function codesOf(answers: readonly any[]): string[] {
  const texts = answers.map(({ id, error }) => (error ? `${id} ${error.code}` : `${id}`))
  return texts.sort((a, b) => a.localeCompare(b))
}
