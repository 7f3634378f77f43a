import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { MAX_BATCH_LENGTH } from '../../src/jsonrpc/peer-options.ts'
import { createServer, elicit, type ErrorOrigin, type Server } from '../../src/server.ts'
import { connectInMemory } from '../../src/testing.ts'
import { connectRaw, initialize, type RawConnection, statelessMeta } from './raw-connection.ts'

interface World {
  readonly server: Server
  readonly raw: RawConnection
  readonly errors: { readonly error: any; readonly origin: ErrorOrigin }[]
  /** Lets the tool `wait` go on. */
  release(): void
  readonly signals: AbortSignal[]
}

async function world(): Promise<World> {
  const errors: World['errors'] = []
  const signals: AbortSignal[] = []
  const server = createServer({
    name: 'server',
    version: '1',
    onError: (error, origin) => errors.push({ error, origin }),
  })
  let release = (): void => undefined
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  server.tool('revision', {}, (_args, { client }) => client.revision)
  server.tool('wait', {}, async (_args, ctx) => {
    signals.push(ctx.signal)
    await released
    return 'done'
  })
  server.tool(
    'ask',
    { asks: () => ({ a: elicit({ message: 'A?', schema: z.object({ yes: z.boolean() }) }) }) },
    (_args, { answers }) => `${answers.a.yes}`,
  )
  server.method('com.example/bad', () => ({ n: 1n }))
  return { server, raw: await connectRaw(server), errors, signals, release }
}
const call = (id: unknown, name: string, meta?: object): object => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, ...(meta && { _meta: meta }) },
})
const textOf = ({ result }: any): unknown => result?.content?.[0]?.text

describe('one connection', () => {
  it('speaks both families side by side, each message for itself', async () => {
    const { raw } = await world()
    await initialize(raw, '2025-06-18')
    expect(textOf(await raw.request(call(1, 'revision') as never))).toBe('2025-06-18')
    expect(textOf(await raw.request(call(2, 'revision', statelessMeta()) as never))).toBe('2026-07-28')
    expect(textOf(await raw.request(call(3, 'revision') as never))).toBe('2025-06-18')
  })

  it('answers the newest revision with a handshake to one that it does not know', async () => {
    const { raw } = await world()
    const params = { protocolVersion: '1999-01-01', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
    expect(await raw.request({ id: 1, method: 'initialize', params })).toMatchObject({
      result: { protocolVersion: '2025-11-25' },
    })
  })

  it('answers ping before initialize, and nothing else', async () => {
    const { raw } = await world()
    expect(await raw.request({ id: 1, method: 'ping' })).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
    expect(await raw.request({ id: 2, method: 'tools/list' })).toMatchObject({
      error: { code: -32600, message: expect.stringContaining('initialize') },
    })
  })

  it('begins anew when a client does, and gives up what was under way', async () => {
    const { raw, signals } = await world()
    await initialize(raw, '2025-06-18')
    raw.send(call(1, 'wait'))
    await raw.settle()
    await raw.request({
      id: 'again',
      method: 'initialize',
      params: { protocolVersion: '2025-03-26', capabilities: {} },
    })
    expect(signals[0]?.aborted).toBe(true)
    expect(textOf(await raw.request(call(2, 'revision') as never))).toBe('2025-03-26')
  })

  it.each([
    [{ 'io.modelcontextprotocol/protocolVersion': '2099-01-01' }, -32022],
    [{ 'io.modelcontextprotocol/protocolVersion': '2025-06-18' }, -32022],
    [{ 'io.modelcontextprotocol/protocolVersion': 5 }, -32602],
    [{ 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }, -32602],
  ])('refuses a stateless request whose _meta is %j', async (meta, code) => {
    const { raw } = await world()
    const { error } = await raw.request(call(1, 'revision', meta) as never)
    expect(error.code).toBe(code)
    if (code === -32022)
      expect(error.data).toMatchObject({ supported: expect.arrayContaining(['2026-07-28', '2025-11-25']) })
  })

  it.each(['initialize', 'ping', 'logging/setLevel', 'resources/subscribe'])(
    'has no %s in the stateless family',
    async method => {
      const { raw } = await world()
      expect(await raw.request({ id: 1, method, params: { _meta: statelessMeta() } })).toMatchObject({
        error: { code: -32601 },
      })
    },
  )

  it.each([['server/discover'], ['subscriptions/listen']])('has no %s in a session', async method => {
    const { raw } = await world()
    await initialize(raw, '2025-11-25')
    expect(await raw.request({ id: 1, method, params: { notifications: {} } })).toMatchObject({
      error: { code: -32601 },
    })
  })

  it.each([undefined, statelessMeta()])(
    'refuses an id that is in use, and takes it again afterwards (%#)',
    async meta => {
      const { raw, release } = await world()
      await initialize(raw, '2025-11-25')
      raw.send(call(1, 'wait', meta))
      raw.send(call(1, 'revision', meta))
      await raw.settle()
      expect(raw.received.at(-1)).toMatchObject({
        id: 1,
        error: { code: -32600, message: expect.stringContaining('in use') },
      })
      release()
      await raw.waitFor(message => textOf(message) === 'done')
      raw.send(call(1, 'revision', meta))
      await raw.waitFor(message => String(textOf(message)).startsWith('20'))
    },
  )

  it.each([undefined, statelessMeta()])('answers no request that the client cancelled (%#)', async meta => {
    const { raw, signals, release } = await world()
    await initialize(raw, '2025-11-25')
    raw.received.length = 0
    raw.send(call(1, 'wait', meta))
    await raw.settle()
    for (const params of [{ requestId: 99 }, { requestId: {} }, undefined, { requestId: 1 }])
      raw.send({ jsonrpc: '2.0', method: 'notifications/cancelled', ...(params && { params }) })
    release()
    await raw.settle()
    expect(signals[0]?.aborted).toBe(true)
    expect(raw.received).toEqual([])
  })

  it.each([undefined, statelessMeta()])('tells a handler why its client cancelled, for logs (%#)', async meta => {
    const { raw, signals } = await world()
    await initialize(raw, '2025-11-25')
    const reasons = ['not needed', 'x'.repeat(1000), 5, undefined]
    for (const [id, reason] of reasons.entries()) {
      raw.send(call(id, 'wait', meta))
      raw.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason } })
    }
    await raw.settle()
    const CANCELLED = 'The client cancelled the request'
    expect(signals.map(({ reason }) => reason.message)).toEqual([
      `${CANCELLED}: not needed`,
      `${CANCELLED}: ${'x'.repeat(200)}`,
      CANCELLED,
      CANCELLED,
    ])
  })

  it('bounds what is under way', async () => {
    const { raw, release } = await world()
    await initialize(raw, '2025-11-25')
    for (let id = 0; id < 1001; id++) raw.send(call(id, 'wait', statelessMeta()))
    for (let id = 0; id < 201; id++) raw.send(call(`s${id}`, 'wait'))
    await raw.settle()
    const refused = raw.received.filter(({ error }) => error?.code === -32600).map(({ id }) => id)
    expect(refused).toEqual([1000, 's200'])
    release()
  })

  it('takes batches where the revision has them, and refuses them elsewhere', async () => {
    const { raw } = await world()
    const batch = [call(1, 'revision'), { jsonrpc: '2.0', method: 'notifications/x' }, call(2, 'revision'), 5]
    await initialize(raw, '2025-03-26')
    raw.received.length = 0
    raw.send(batch)
    await raw.waitFor(({ id }) => id === 2)
    expect(new Set(raw.received.map(({ id }) => id))).toEqual(new Set([1, 2, null]))
    raw.received.length = 0
    for (const wrong of [[], Array.from({ length: MAX_BATCH_LENGTH + 1 }, () => call(5, 'revision'))]) raw.send(wrong)
    await initialize(raw, '2025-06-18')
    raw.send(batch)
    await raw.settle()
    expect(raw.received.filter(({ error }) => error)).toMatchObject([
      { id: null, error: { code: -32600, message: expect.stringContaining('empty') } },
      { id: null, error: { code: -32600, message: expect.stringContaining(`at most ${MAX_BATCH_LENGTH}`) } },
      { id: null, error: { code: -32600, message: expect.stringContaining('no batches') } },
    ])
  })

  it.each([
    ['2025-03-26', true],
    ['2025-06-18', true],
    ['2025-11-25', false],
    [undefined, false],
  ] as const)('R-RPC-1 an answer to what has no id carries the id that %s allows', async (revision, isNull) => {
    const { raw } = await world()
    if (revision) await initialize(raw, revision)
    raw.received.length = 0
    const invalid = [
      5,
      null,
      'x',
      { jsonrpc: '1.0', id: 1, method: 'ping' },
      { jsonrpc: '2.0', id: null, method: 'ping' },
      { jsonrpc: '2.0', id: 1, method: 'rpc.x' },
      { jsonrpc: '2.0', id: 2, method: 5 },
      { jsonrpc: '2.0', method: 5 },
      { jsonrpc: '2.0', id: 3, method: 'ping', params: [] },
    ]
    for (const each of invalid) raw.send(each)
    await raw.settle()
    const none = isNull ? null : undefined
    expect(raw.received.map(({ id }) => id)).toEqual([none, none, none, 1, none, 1, 2, none, 3])
    expect(raw.received.map(({ error }) => error.code)).toEqual([...Array<number>(8).fill(-32600), -32602])
    expect(raw.received.some(message => 'id' in message && message['id'] === undefined)).toBe(false)
  })

  it('ignores answers to nothing, and reports answers that are none', async () => {
    const { raw, errors } = await world()
    await initialize(raw, '2025-11-25')
    raw.received.length = 0
    for (const answer of [
      { id: 99, result: {} },
      { id: 'x', error: { code: 1, message: 'x' } },
      { error: { code: 1, message: 'x' } },
      { id: 1, result: 5 },
    ])
      raw.send({ jsonrpc: '2.0', ...answer })
    await raw.settle()
    expect(raw.received).toEqual([])
    expect(errors.map(({ error }) => error.code)).toEqual(['unexpected_message'])
  })

  it('takes the answer to a question under the id as text, once, and refuses one that fits nothing', async () => {
    const { raw } = await world()
    await initialize(raw, '2025-11-25', { elicitation: {} })
    raw.send(call('ask', 'ask'))
    const question = await raw.waitFor(({ method }) => method === 'elicitation/create')
    for (const yes of [true, false])
      raw.send({ jsonrpc: '2.0', id: String(question['id']), result: { action: 'accept', content: { yes } } })
    expect(textOf(await raw.waitFor(({ id }) => id === 'ask'))).toBe('true')
  })

  it('takes questions back when the call is cancelled, and gives them up when the client goes', async () => {
    const { raw, errors } = await world()
    await initialize(raw, '2025-11-25', { elicitation: {} })
    raw.send(call(1, 'ask'))
    const question = await raw.waitFor(({ method }) => method === 'elicitation/create')
    raw.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    const cancelled = await raw.waitFor(({ method }) => method === 'notifications/cancelled')
    expect(cancelled['params'].requestId).toBe(question['id'])
    raw.send(call(2, 'ask'))
    await raw.settle()
    await raw.close()
    await raw.connection.closed
    await raw.settle()
    expect(errors.filter(({ error }) => error.code === 'unhandled')).toEqual([])
  })

  it('answers a result that JSON cannot carry with an error, and reports it', async () => {
    const { raw, errors } = await world()
    await initialize(raw, '2025-11-25')
    for (const _meta of [{}, statelessMeta()])
      expect(
        await raw.request({ id: `bad${Object.keys(_meta).length}`, method: 'com.example/bad', params: { _meta } }),
      ).toMatchObject({ error: { code: -32603, message: 'Internal error' } })
    expect(errors).toHaveLength(2)
  })
})

describe('the end of a connection', () => {
  it('aborts what is under way when the client goes', async () => {
    const { raw, signals } = await world()
    await initialize(raw, '2025-11-25')
    raw.send(call(1, 'wait'))
    raw.send(call(2, 'wait', statelessMeta()))
    await raw.settle()
    await raw.close()
    await raw.connection.closed
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  })

  it('answers everything before it closes with the server', async () => {
    const { server, raw } = await world()
    await initialize(raw, '2025-11-25')
    raw.send(call(1, 'wait'))
    raw.send(call(2, 'wait', statelessMeta()))
    await raw.settle()
    await server.close()
    await raw.connection.closed
    await raw.settle()
    for (const id of [1, 2])
      expect(raw.received.find(message => message['id'] === id)).toMatchObject({
        error: { code: -32603, message: 'The server is closing' },
      })
    expect(raw.isClosed).toBe(true)
  })

  it('comes at once for a server that is closed already', async () => {
    const { server } = await world()
    await server.close()
    const late = await connectRaw(server)
    await late.connection.closed
    await late.settle()
    expect(late.isClosed).toBe(true)
  })

  it('leaves no listener behind', async () => {
    const { server, raw } = await world()
    await initialize(raw, '2025-11-25')
    await raw.connection.close()
    await raw.connection.close()
    raw.received.length = 0
    server.tool('more', {}, () => 'x')
    await raw.settle()
    expect(raw.received).toEqual([])
  })
})

describe('connectInMemory', () => {
  it('connects, and ends with the client; the server goes on', async () => {
    const { server } = await world()
    const first = await connectInMemory(server)
    expect(first.revision).toBe('2026-07-28')
    await first.close()
    await first.close()
    await expect(first.callTool('revision')).rejects.toMatchObject({ code: 'closed' })
    const second = await connectInMemory(server, { revision: '2025-06-18' })
    expect((await second.callTool('revision')).content).toMatchObject([{ text: '2025-06-18' }])
    await second.close()
  })

  it('tells the client that the server is gone', async () => {
    const { server } = await world()
    const client = await connectInMemory(server, { revision: '2025-06-18' })
    const waiting = client.callTool('wait')
    await new Promise(resolve => setImmediate(resolve))
    await server.close()
    await expect(waiting).rejects.toMatchObject({ message: 'The server is closing' })
    await expect(client.callTool('revision')).rejects.toMatchObject({ code: 'closed' })
  })
})
