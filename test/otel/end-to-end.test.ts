import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Client, type ClientOptions, connect, type ConnectOptions } from '../../src/client.ts'
import { serve } from '../../src/node.ts'
import { traceClient, traceServer } from '../../src/otel.ts'
import { createApp, createServer, elicit, RpcError, type Server, tasks, ToolError } from '../../src/server.ts'
import { connectInMemory } from '../../src/testing.ts'
import { startTracing, type Tracing } from './tracing.ts'

const CANARY = 'canary-7f3a-secret'

let tracing: Tracing
const cleanups: (() => Promise<void>)[] = []

beforeEach(() => {
  tracing = startTracing()
})

afterEach(async () => {
  for (let cleanup = cleanups.pop(); cleanup; cleanup = cleanups.pop()) await cleanup()
  tracing.stop()
})

function makeServer(): Server {
  const server = createServer({
    name: 'sums',
    version: '1.0.0',
    middleware: [traceServer()],
    extensions: [tasks({ pollIntervalMs: 10 })],
  })
  server.tool('add', { input: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) => {
    const baggage = propagation.getActiveBaggage()?.getEntry('tenant')?.value
    trace.getTracer('handler').startSpan('database').end()
    return { sum: a + b, baggage: baggage ?? 'none' }
  })
  server.tool('fail', {}, () => {
    throw new ToolError(`no: ${CANARY}`)
  })
  server.tool(
    'delete',
    { asks: () => ({ confirm: elicit({ message: 'Delete?', schema: z.object({ yes: z.boolean() }) }) }) },
    (_args, { answers: { confirm } }) => (confirm.yes ? 'deleted' : 'kept'),
  )
  server.tool('later', {}, (_args, ctx) => ctx.task(async () => 'done'))
  server.resource(`notes://ada:${CANARY}@host/all`, { name: 'all' }, () => {
    const error = new Error(`postgres://user:${CANARY}@db refused`)
    error.name = 'DatabaseError'
    throw error
  })
  server.prompt('greet', { arguments: { name: {} } }, ({ name }) => `Greet ${name}`)
  return server
}

const carriers = {
  memory: async (server: Server, options: ClientOptions): Promise<Client> => connectInMemory(server, options),
  http: async (server: Server, options: ClientOptions): Promise<Client> => {
    const running = await serve(server)
    cleanups.push(() => running.close())
    return connect(running.url, options)
  },
}

const cases = (['memory', 'http'] as const).flatMap(carrier =>
  (['2026-07-28', '2025-11-25'] as const).map(revision => ({ carrier, revision })),
)

describe.each(cases)('over $carrier on $revision', ({ carrier, revision }) => {
  async function open(options: ClientOptions = {}): Promise<Client> {
    const server = makeServer()
    const client = await carriers[carrier](server, {
      revision,
      middleware: [traceClient()],
      elicitation: { form: () => ({ action: 'accept', content: { yes: true } }) },
      ...options,
    })
    cleanups.push(
      () => server.close(),
      () => client.close(),
    )
    return client
  }
  const spansNamed = (name: string, kind: SpanKind) =>
    tracing.spans().filter(span => span.name === name && span.kind === kind)

  it('R-TRACE-1 the span of the server is below that of the client, and that below the active one', async () => {
    const client = await open()
    await trace.getTracer('app').startActiveSpan('turn', async span => {
      await client.callTool('add', { a: 1, b: 2 })
      span.end()
    })
    const turn = tracing.named('turn')
    const [sent] = spansNamed('tools/call add', SpanKind.CLIENT)
    const [answered] = spansNamed('tools/call add', SpanKind.SERVER)
    expect(sent?.parentSpanContext?.spanId).toBe(turn.spanContext().spanId)
    expect(answered?.parentSpanContext?.spanId).toBe(sent?.spanContext().spanId)
    expect(answered?.parentSpanContext?.isRemote).toBe(true)
    expect(answered?.spanContext().traceId).toBe(turn.spanContext().traceId)
    expect(tracing.named('database').parentSpanContext?.spanId).toBe(answered?.spanContext().spanId)
  })

  it('describes calls by the conventions for MCP', async () => {
    const client = await open()
    await client.callTool('add', { a: 1, b: 2 })
    await client.getPrompt('greet', { name: 'Ada' })
    const [sent] = spansNamed('tools/call add', SpanKind.CLIENT)
    const [answered] = spansNamed('tools/call add', SpanKind.SERVER)
    const common = {
      'mcp.method.name': 'tools/call',
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'add',
      'mcp.protocol.version': revision,
    }
    expect(sent?.attributes).toEqual(common)
    expect(answered?.attributes).toEqual({ ...common, 'jsonrpc.request.id': expect.any(String) })
    expect(sent?.status.code).toBe(SpanStatusCode.UNSET)
    expect(answered?.status.code).toBe(SpanStatusCode.UNSET)
    const [prompt] = spansNamed('prompts/get greet', SpanKind.SERVER)
    expect(prompt?.attributes).toMatchObject({ 'gen_ai.prompt.name': 'greet', 'mcp.method.name': 'prompts/get' })
  })

  it('R-TRACE-1 baggage reaches the handler', async () => {
    const client = await open()
    const baggage = propagation.createBaggage({ tenant: { value: 'acme' } })
    const result = await context.with(propagation.setBaggage(context.active(), baggage), () =>
      client.callTool('add', { a: 1, b: 2 }),
    )
    expect(result.structuredContent ?? JSON.parse((result.content[0] as { text: string }).text)).toEqual({
      sum: 3,
      baggage: 'acme',
    })
  })

  it('R-TRACE-1 a trace parent that the caller gives is the parent, and its trace state goes on', async () => {
    const seen: unknown[] = []
    const client = await open({
      middleware: [
        traceClient(),
        (request, next) => {
          seen.push(request.options.meta)
          return next()
        },
      ],
    })
    const meta = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01',
      tracestate: 'vendor=1',
      'example.com/own': true,
    }
    await client.callTool('add', { a: 1, b: 2 }, { meta })
    const [sent] = spansNamed('tools/call add', SpanKind.CLIENT)
    expect(sent?.parentSpanContext).toMatchObject({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: '00f067aa0ba902b7',
    })
    expect(seen).toEqual([
      {
        traceparent: `00-0af7651916cd43dd8448eb211c80319c-${sent?.spanContext().spanId}-01`,
        tracestate: 'vendor=1',
        'example.com/own': true,
      },
    ])
    expect(spansNamed('tools/call add', SpanKind.SERVER)[0]?.spanContext().traceId).toBe(sent?.spanContext().traceId)
  })

  it('a tool that fails is an error of kind tool_error on both sides', async () => {
    const client = await open()
    expect(await client.callTool('fail')).toMatchObject({ isError: true })
    for (const kind of [SpanKind.CLIENT, SpanKind.SERVER]) {
      const [span] = spansNamed('tools/call fail', kind)
      expect(span?.attributes['error.type']).toBe('tool_error')
      expect(span?.status).toEqual({ code: SpanStatusCode.ERROR })
    }
  })

  it('an error of the server has its code on both sides, and names that nothing answers to name no span there', async () => {
    const client = await open()
    await expect(client.callTool('invented')).rejects.toThrow(RpcError)
    await expect(client.request('invented/method')).rejects.toThrow(RpcError)
    const [sent] = spansNamed('tools/call invented', SpanKind.CLIENT)
    const [answered] = spansNamed('tools/call', SpanKind.SERVER)
    for (const span of [sent, answered]) {
      expect(span?.attributes).toMatchObject({ 'error.type': '-32602', 'rpc.response.status_code': '-32602' })
      expect(span?.status).toEqual({ code: SpanStatusCode.ERROR })
    }
    expect(spansNamed('_OTHER', SpanKind.SERVER)[0]?.attributes).toMatchObject({
      'error.type': '-32601',
      'mcp.method.name': 'invented/method',
    })
  })

  it('neither arguments, results, messages nor what a URI hides are in a span', async () => {
    const client = await open({ middleware: [traceClient()] })
    await client.callTool('add', { a: 1, b: CANARY }).catch(() => undefined)
    await client.callTool('fail', { secret: CANARY })
    await client.getPrompt('greet', { name: CANARY })
    await expect(client.readResource(`notes://ada:${CANARY}@host/all`)).rejects.toThrow()
    await expect(client.readResource(`notes://host/none?token=${CANARY}`)).rejects.toThrow()
    await expect(client.readResource(`notes://host/none#${CANARY}`)).rejects.toThrow()
    await expect(client.complete({ type: 'ref/prompt', name: 'none' }, { name: 'a', value: CANARY })).rejects.toThrow()
    const told = tracing
      .spans()
      .map(({ name, attributes, events, status, links }) => JSON.stringify({ name, attributes, events, status, links }))
    expect(told.length).toBeGreaterThanOrEqual(13)
    expect(told.filter(each => each.includes(CANARY))).toEqual([])
    const [read] = spansNamed('resources/read', SpanKind.SERVER)
    expect(read?.attributes['mcp.resource.uri']).toBe('notes://host/all')
    expect(read?.attributes['error.type']).toBe('-32603')
    expect(read?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'Internal error' })
    expect(read?.events.map(({ name, attributes }) => ({ name, attributes }))).toEqual([
      { name: 'exception', attributes: { 'exception.type': 'DatabaseError' } },
    ])
  })

  it('all rounds of a call that asks back are below one span of the client', async () => {
    const client = await open()
    await client.callTool('delete')
    const sent = spansNamed('tools/call delete', SpanKind.CLIENT)
    const answered = spansNamed('tools/call delete', SpanKind.SERVER)
    expect(sent).toHaveLength(1)
    expect(answered.length).toBe(revision === '2026-07-28' ? 2 : 1)
    for (const span of answered) expect(span.parentSpanContext?.spanId).toBe(sent[0]?.spanContext().spanId)
  })

  it('a call that becomes a task lasts until its end, with the polls below', async () => {
    const client = await open()
    await client.callTool('later')
    const [sent] = spansNamed('tools/call later', SpanKind.CLIENT)
    const polls = spansNamed('tasks/get', SpanKind.CLIENT)
    expect(polls.length > 0).toBe(revision === '2026-07-28')
    for (const poll of polls) expect(poll.parentSpanContext?.spanId).toBe(sent?.spanContext().spanId)
    expect(tracing.spans().at(-1)).toBe(sent)
  })

  it('a subscription has no span, open or closed', async () => {
    const client = await open()
    const subscription = await client.subscribe({ tools: true }, () => undefined)
    await subscription.close()
    await client.ping()
    expect(tracing.spans().filter(({ name }) => name.includes('listen'))).toEqual([])
  })
})

it.each(['2026-07-28', '2025-11-25'] as const)(
  'the span of the HTTP request that carried a call is linked, and the parent of one without a trace, on %s',
  async revision => {
    const server = makeServer()
    const app = createApp(server)
    const fetch: typeof globalThis.fetch = (input, init) =>
      // As the instrumentation of an HTTP server does it.
      context.with(ROOT_CONTEXT, () =>
        trace.getTracer('http').startActiveSpan('POST /mcp', async span => {
          const response = await app.fetch(new Request(input, init))
          span.end()
          return response
        }),
      )
    const open = (options: ConnectOptions): Promise<Client> =>
      connect('http://localhost/mcp', { revision, fetch, ...options })
    const traced = await open({ middleware: [traceClient()] })
    await traced.callTool('add', { a: 1, b: 2 })
    const silent = await open({})
    await silent.getPrompt('greet', { name: 'Ada' })
    const requests = new Map(
      tracing
        .spans()
        .filter(({ name }) => name === 'POST /mcp')
        .map(span => [span.spanContext().spanId, span]),
    )
    const call = tracing.spans().find(({ name, kind }) => name === 'tools/call add' && kind === SpanKind.SERVER)
    expect(call?.links).toHaveLength(1)
    expect(requests.has(call?.links[0]?.context.spanId ?? '')).toBe(true)
    expect(requests.has(tracing.named('prompts/get greet').parentSpanContext?.spanId ?? '')).toBe(true)
    await traced.close()
    await silent.close()
    await server.close()
  },
)
