import { expect, it } from 'vitest'
import { createServer } from '../../src/server.ts'
import { eachWay } from './matrix.ts'
import { connectRaw, initialize, makeCall, statelessMeta } from './raw-connection.ts'

const TRACE = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01',
  tracestate: 'vendor=1',
  baggage: 'user=ada',
}

// R-META-1 speaks of a context that an application hands in and that `_meta` is merged into. Our context is the library's own plain object, made
// anew for every call: `_meta` has a member of its own, `ctx.meta`, which is empty when the request has none, and nothing else is touched.
eachWay('R-META-1 the _meta of a request reaches every kind of handler, as it came', async ({ server, open }) => {
  const seen: unknown[] = []
  const see = (_input: unknown, ctx: { meta: object }): string => {
    seen.push(ctx.meta)
    return 'x'
  }
  server.tool('tool', {}, see)
  server.prompt('prompt', { arguments: { a: { complete: (_value, ctx) => [see(_value, ctx)] } } }, see)
  server.resource('notes://1', {}, see)
  server.resourceTemplate('people://{name}', { list: ctx => (see(undefined, ctx), []) }, see)
  server.method('com.example/echo', call => {
    seen.push(call.meta)
    return {}
  })
  const client = await open()
  const meta = { 'com.example/tenant': { id: 7 } }
  const before = JSON.stringify(meta)
  await client.callTool('tool', {}, { meta })
  await client.getPrompt('prompt', {}, { meta })
  await client.complete({ type: 'ref/prompt', name: 'prompt' }, { name: 'a', value: '' }, { meta })
  await client.readResource('notes://1', { meta })
  await client.readResource('people://ada', { meta })
  await client.listResources({ meta })
  await client.request('com.example/echo', {}, { meta })
  expect(seen).toHaveLength(7)
  for (const each of seen) expect(each).toMatchObject(meta)
  expect(JSON.stringify(meta)).toBe(before)
})

it('R-META-1 a request without _meta gives an empty one', async () => {
  const server = createServer({ name: 'meta', version: '1' })
  const seen: unknown[] = []
  server.tool('tool', {}, (_args, ctx) => {
    seen.push({ ...ctx.meta }, ctx.traceContext)
  })
  const raw = await connectRaw(server)
  await initialize(raw, '2025-11-25')
  await raw.request({ id: 1, method: 'tools/call', params: { name: 'tool' } })
  await raw.request({ id: 2, method: 'tools/call', params: { name: 'tool', _meta: null } })
  expect(seen).toEqual([{}, {}, {}, {}])
})

eachWay('R-TRACE-1 the trace context passes untouched', async ({ server, open }) => {
  const seen: unknown[] = []
  server.tool('trace', {}, (_args, ctx) => {
    seen.push(ctx.traceContext)
  })
  const client = await open()
  await client.callTool('trace', {}, { meta: TRACE })
  await client.callTool('trace', {}, { meta: { traceparent: 5, tracestate: 'a=1' } })
  expect(seen).toEqual([TRACE, { tracestate: 'a=1' }])
})

eachWay('progress grows, and is told only to who asked for it', async ({ server, open, wire }) => {
  server.tool('slow', {}, async (_args, ctx) => {
    await ctx.progress(1, 10)
    await ctx.progress(1, 10, 'again')
    await ctx.progress(0.5)
    await ctx.progress(Number.NaN)
    await ctx.progress(2.5, 10, 'further')
    await ctx.progress(Number.POSITIVE_INFINITY)
    await ctx.progress(3, Number.POSITIVE_INFINITY)
    return 'done'
  })
  const client = await open()
  const told: unknown[] = []
  await client.callTool('slow', {}, { onProgress: progress => void told.push(progress) })
  expect(told).toEqual([{ progress: 1, total: 10 }, { progress: 2.5, total: 10, message: 'further' }, { progress: 3 }])
  const before = wire().length
  await client.callTool('slow')
  expect(
    wire()
      .slice(before)
      .filter(({ method }) => method !== undefined),
  ).toEqual([])
})

it('a huge progress token is not sent back with every notification', async () => {
  const server = createServer({ name: 'progress', version: '1' })
  server.tool('slow', {}, (_args, ctx) => ctx.progress(1).then(() => 'done'))
  const toldFor = async (progressToken: string): Promise<number> => {
    const { answer, told } = makeCall(server, 'tools/call', { name: 'slow' }, { meta: { progressToken } })
    expect(await answer).toMatchObject({ result: { content: [{ text: 'done' }] } })
    return told.length
  }
  expect(await toldFor('x'.repeat(1024))).toBe(1)
  expect(await toldFor('x'.repeat(1025))).toBe(0)
})

it.each([{}, [], null, true])('a progress token such as %j, which is none, is not sent back', async progressToken => {
  const server = createServer({ name: 'progress', version: '1' })
  server.tool('slow', {}, async (_args, ctx) => ctx.progress(1))
  const { answer, told } = makeCall(server, 'tools/call', { name: 'slow' }, { meta: { progressToken } })
  await answer
  expect(told).toEqual([])
})

eachWay(
  'R-LOG-1 log messages are told from the level that was asked for, and none before',
  async ({ server, open, features }) => {
    server.tool('log', {}, (_args, ctx) => {
      ctx.log('debug', 'too much')
      ctx.log('warning', { disk: 'full' }, 'disk')
      ctx.log('emergency', undefined)
      ctx.log('loud' as never, 'no level')
    })
    const heard: unknown[] = []
    const client = await open({ onNotification: ({ method, params }) => void heard.push([method, params]) })
    await client.callTool('log')
    expect(heard).toEqual([])
    if (features.family === 'stateless') await client.callTool('log', {}, { logLevel: 'warning' })
    else {
      await client.setLogLevel('warning')
      await client.callTool('log')
    }
    expect(heard).toEqual([
      ['notifications/message', { level: 'warning', data: { disk: 'full' }, logger: 'disk' }],
      ['notifications/message', { level: 'emergency', data: null }],
    ])
  },
)

eachWay(
  'R-LOG-1 an unknown log level is refused',
  async ({ server, open, features }) => {
    server.tool('log', {}, () => 'x')
    const client = await open()
    const refused = { code: -32602, message: expect.stringMatching(/debug, info/) }
    if (features.family === 'stateless')
      await expect(client.callTool('log', {}, { logLevel: 'loud' as never })).rejects.toMatchObject(refused)
    else await expect(client.request('logging/setLevel', { level: 'loud' })).rejects.toMatchObject(refused)
  },
  { transports: ['memory', 'http'] },
)

eachWay('the client is known as it describes itself', async ({ server, open, revision }) => {
  server.tool('who', {}, (_args, { client: { info, capabilities, revision: theirs }, auth }) => ({
    name: info?.name,
    roots: capabilities.roots !== undefined,
    theirs,
    auth: auth ?? null,
  }))
  const client = await open({ clientInfo: { name: 'otter', version: '2' }, roots: [] })
  const { content } = await client.callTool('who')
  expect(JSON.parse((content[0] as { text: string }).text)).toEqual({
    name: 'otter',
    roots: true,
    theirs: revision,
    auth: null,
  })
})

eachWay('the signal fires when the client cancels, and nothing is told after that', async ({ server, open, wire }) => {
  let aborted: Promise<unknown> | undefined
  let started: (() => void) | undefined
  const begun = new Promise<void>(resolve => {
    started = resolve
  })
  let late: (() => void) | undefined
  server.tool('wait', {}, async (_args, ctx) => {
    const gone = new Promise(resolve => ctx.signal.addEventListener('abort', () => resolve(ctx.signal.reason)))
    aborted = gone
    late = () => {
      ctx.notify('notifications/com.example/late')
      void ctx.progress(5)
    }
    started?.()
    await gone
  })
  const client = await open()
  const controller = new AbortController()
  const call = client.callTool('wait', {}, { signal: controller.signal, onProgress: () => undefined })
  await begun
  controller.abort()
  await expect(call).rejects.toMatchObject({ code: 'aborted' })
  expect(await aborted).toBeDefined()
  late?.()
  await client.ping()
  expect(
    wire().filter(({ method }) => method === 'notifications/com.example/late' || method === 'notifications/progress'),
  ).toEqual([])
})

eachWay('a notification comes before the answer it belongs to, and none after', async ({ server, open }) => {
  let late: (() => void) | undefined
  server.tool('tell', {}, (_args, { notify }) => {
    notify('notifications/com.example/told', { n: 1 })
    late = () => notify('notifications/com.example/told', { n: 2 })
    return 'x'
  })
  const heard: unknown[] = []
  const client = await open({ onNotification: ({ params }) => void heard.push(params) })
  await client.callTool('tell')
  expect(heard).toEqual([{ n: 1 }])
  late?.()
  await client.ping()
  expect(heard).toEqual([{ n: 1 }])
})

it('the signal of a call that was never looked at costs nothing, and one that is late is already aborted', async () => {
  const server = createServer({ name: 'signal', version: '1' })
  let look: (() => AbortSignal) | undefined
  server.tool('late', {}, (_args, ctx) => {
    look = () => ctx.signal
    return new Promise(() => undefined)
  })
  const raw = await connectRaw(server)
  raw.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'late', _meta: statelessMeta() } })
  await raw.settle()
  raw.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
  await raw.settle()
  expect(look?.().aborted).toBe(true)
  expect(raw.received).toEqual([])
})
