import { context, diag, DiagLogLevel, propagation, ROOT_CONTEXT, SpanKind, trace, TraceFlags } from '@opentelemetry/api'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClientRequestCall } from '../../src/client.ts'
import { traceClient, traceServer, type TraceServerOptions } from '../../src/otel.ts'
import { REVISION_FEATURES } from '../../src/protocol/revisions.ts'
import { RpcError, type ServerCall } from '../../src/server.ts'
import { TransportError } from '../../src/client.ts'
import { startTracing, type Tracing } from './tracing.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = '00f067aa0ba902b7'
const TRACEPARENT = `00-${TRACE_ID}-${SPAN_ID}-01`
const ambient = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: TraceFlags.SAMPLED }
const inAmbient = <T>(work: () => T): T => context.with(trace.setSpanContext(ROOT_CONTEXT, ambient), work)

const requestOf = (options: ClientRequestCall['options'] = {}): ClientRequestCall => ({
  method: 'tools/call',
  params: { name: 'add' },
  options,
})

function callOf(call: Partial<ServerCall> = {}): ServerCall {
  const { method = 'tools/call', params = { name: 'add' }, id = 1 } = call
  return {
    id,
    method,
    params,
    meta: {},
    client: { revision: '2026-07-28', features: REVISION_FEATURES['2026-07-28'], capabilities: {} },
    signal: new AbortController().signal,
    request: { jsonrpc: '2.0', id, method, params },
    notify: () => undefined,
    ...call,
  }
}

const answer = (call: Partial<ServerCall> = {}, options: TraceServerOptions = {}, next = async () => ({})) =>
  traceServer(options)(callOf(call), next)

describe('with an SDK', () => {
  let tracing: Tracing
  beforeEach(() => {
    tracing = startTracing()
  })
  afterEach(() => tracing.stop())
  const only = () => {
    expect(tracing.spans()).toHaveLength(1)
    return tracing.spans()[0]!
  }

  it('R-TRACE-1 links the active span when the client names its own', async () => {
    await inAmbient(() => answer({ meta: { traceparent: TRACEPARENT } }))
    expect(only().parentSpanContext?.spanId).toBe(SPAN_ID)
    expect(only().links.map(link => link.context)).toEqual([ambient])
  })

  it('R-TRACE-1 is below the active span when the client names none', async () => {
    await inAmbient(() => answer())
    expect(only().parentSpanContext).toEqual(ambient)
    expect(only().links).toEqual([])
  })

  it('does not link a span with itself where client and server share a process', async () => {
    const own = { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: TraceFlags.SAMPLED }
    await context.with(trace.setSpanContext(ROOT_CONTEXT, own), () => answer({ meta: { traceparent: TRACEPARENT } }))
    expect(only().links).toEqual([])
  })

  it('R-TRACE-1 what is malformed in _meta begins a new trace', async () => {
    const anything = fc.oneof(fc.string(), fc.anything(), fc.constant('00-0-0-01'), fc.constant(`${TRACEPARENT}x`))
    await fc.assert(
      fc.asyncProperty(anything, anything, anything, async (traceparent, tracestate, baggage) => {
        expect(await answer({ meta: { traceparent, tracestate, baggage } }, {}, async () => ({ ok: true }))).toEqual({
          ok: true,
        })
      }),
    )
    expect(tracing.spans().filter(span => span.parentSpanContext)).toEqual([])
  })

  it('ignores values longer than baggage may be, and keys that are inherited', async () => {
    let seen: unknown
    const look = async () => {
      seen = propagation.getActiveBaggage()
      return {}
    }
    await answer({ meta: { baggage: `a=b,${'c'.repeat(8192)}=d` } }, {}, look)
    expect(seen).toBeUndefined()
    await answer({ meta: Object.create({ baggage: 'a=b' }) as object as ServerCall['meta'] }, {}, look)
    expect(seen).toBeUndefined()
    await answer({ meta: { baggage: 'a=b' } }, {}, look)
    expect(seen).toBeDefined()
  })

  it.each([
    [[TRACEPARENT], ['a=b']],
    [{ length: 55 }, { length: 3 }],
    [7, true],
  ])('R-TRACE-1 takes only text for a trace context: not %j and %j', async (traceparent, baggage) => {
    let seen: unknown
    await answer({ meta: { traceparent, baggage } }, {}, async () => {
      seen = propagation.getActiveBaggage()
      return {}
    })
    expect(only().parentSpanContext).toBeUndefined()
    expect(seen).toBeUndefined()
  })

  it('a public endpoint begins the trace itself, links the client and drops its baggage', async () => {
    let seen: unknown
    const meta = { traceparent: TRACEPARENT, baggage: 'tenant=forged' }
    await inAmbient(() =>
      answer({ meta }, { publicEndpoint: true }, async () => {
        seen = propagation.getActiveBaggage()
        return {}
      }),
    )
    expect(only().parentSpanContext).toEqual(ambient)
    expect(only().links.map(link => link.context.spanId)).toEqual([SPAN_ID])
    expect(seen).toBeUndefined()
  })

  it('a call that was given up ends without an error', async () => {
    const controller = new AbortController()
    controller.abort()
    const reason: unknown = controller.signal.reason
    await expect(answer({ signal: controller.signal }, {}, () => Promise.reject(reason))).rejects.toBe(reason)
    expect(only().status.code).toBe(0)
    expect(only().attributes).not.toHaveProperty('error.type')
  })

  it('a subscription that is refused has a span, one that is granted none', async () => {
    const listen = { method: 'subscriptions/listen', params: {}, meta: { traceparent: TRACEPARENT } }
    await answer(listen)
    expect(tracing.spans()).toEqual([])
    const refused = new RpcError(-32603, 'too many')
    await expect(answer(listen, {}, () => Promise.reject(refused))).rejects.toBe(refused)
    expect(only()).toMatchObject({ name: 'subscriptions/listen', kind: SpanKind.SERVER })
    expect(only().parentSpanContext?.spanId).toBe(SPAN_ID)
    expect(only().attributes['error.type']).toBe('-32603')
  })

  it('cuts what a client names', async () => {
    const long = `${'x'.repeat(5000)}\n`
    await answer({ method: 'tools/call', params: { name: long }, id: long })
    await answer({ method: long, params: { name: long, uri: long } })
    await answer({ method: 'resources/read', params: { uri: `a://${'u'.repeat(5000)}@host/${long}` } })
    for (const span of tracing.spans()) {
      expect(span.name.length).toBeLessThan(300)
      for (const value of Object.values(span.attributes)) expect(String(value).length).toBeLessThanOrEqual(1024)
    }
    expect(tracing.spans()[2]?.attributes['mcp.resource.uri']).toMatch(/^a:\/\/host\/x+$/)
    await answer({ method: 'tools/call', params: { name: 'a\u202eb\nc' } })
    expect(tracing.spans()[3]?.name).toBe('tools/call a b c')
    await answer({ method: 'resources/read', params: { uri: 'a://b\u202e/c' } })
    expect(tracing.spans()[4]?.attributes['mcp.resource.uri']).toBe('a://b /c')
  })

  it('names with the wrong type are left out', async () => {
    await answer({ method: 'tools/call', params: { name: { a: 1 } } })
    await answer({ method: 'resources/read', params: { uri: 7 } })
    expect(tracing.spans().map(({ name }) => name)).toEqual(['tools/call', 'resources/read'])
  })

  it.each([
    ['the code of a TransportError', new TransportError('stream_lost', 'x'), 'stream_lost'],
    ['the code of a system error', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [
      'the name, where the code could be a secret',
      Object.assign(new TypeError('x'), { code: 'Spl0xBeZ' }),
      'TypeError',
    ],
    ['the name', new RangeError('x'), 'RangeError'],
    ['nothing, where the name says something else', Object.assign(new Error('x'), { name: 'no name: a b' }), '_OTHER'],
    ['nothing, where the name is long', Object.assign(new Error('x'), { name: 'E'.repeat(65) }), '_OTHER'],
    ['nothing, where no error was thrown', 'a string', '_OTHER'],
    ['the code of an RpcError', new RpcError(-32042, 'x'), '-32042'],
  ])('says of an error %s', async (_what, error, kind) => {
    await expect(traceClient()(requestOf(), () => Promise.reject(error))).rejects.toBe(error)
    expect(only().attributes['error.type']).toBe(kind)
    expect(only().status).toEqual({ code: 2 })
  })

  it('has messages and stacks where they are wanted', async () => {
    const options = { errorMessages: true }
    const refused = new RpcError(-32000, `no ${'x'.repeat(2000)}`)
    await expect(traceClient(options)(requestOf(), () => Promise.reject(refused))).rejects.toBe(refused)
    expect(tracing.spans()[0]?.status.message).toMatch(/^no x{497}$/)
    const failure = new Error('disk full')
    await expect(answer({}, options, () => Promise.reject(failure))).rejects.toBe(failure)
    expect(tracing.spans()[1]?.events[0]?.attributes).toMatchObject({
      'exception.message': 'disk full',
      'exception.stacktrace': expect.stringContaining('disk full'),
    })
  })

  it("adds the application's attributes, which win", async () => {
    await answer({}, { attributes: ({ id }) => ({ 'app.id': id, 'gen_ai.tool.name': 'other' }) })
    expect(only().attributes).toMatchObject({
      'app.id': 1,
      'gen_ai.tool.name': 'other',
      'mcp.method.name': 'tools/call',
    })
  })

  it('attributes and filters that throw do not harm the call', async () => {
    const logged: unknown[] = []
    const quiet = { error: (...told: unknown[]) => logged.push(told), warn() {}, info() {}, debug() {}, verbose() {} }
    diag.setLogger(quiet, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true })
    const broken = (): never => {
      throw new Error('broken')
    }
    expect(await answer({}, { attributes: broken, filter: broken }, async () => ({ ok: true }))).toEqual({ ok: true })
    diag.disable()
    expect(only().name).toBe('tools/call add')
    expect(logged).toHaveLength(2)
  })

  it('a call without a span still hands the trace on', async () => {
    const filter = (): boolean => false
    let meta: unknown
    await inAmbient(() =>
      traceClient({ filter })(requestOf(), async changed => {
        meta = changed?.options.meta
      }),
    )
    expect(meta).toEqual({ traceparent: `00-${ambient.traceId}-${ambient.spanId}-01` })
    let seen: unknown
    await answer({ meta: { traceparent: TRACEPARENT } }, { filter }, async () => {
      seen = trace.getActiveSpan()?.spanContext().spanId
      return {}
    })
    expect(seen).toBe(SPAN_ID)
    expect(tracing.spans()).toEqual([])
  })

  it('a trace state without a usable trace parent does not stay behind, what is not ours does', async () => {
    let meta: Readonly<Record<string, unknown>> | undefined
    const given = { traceparent: 'broken', tracestate: 'a=b', progressToken: 7 }
    await traceClient()(requestOf({ meta: given }), async changed => {
      meta = changed?.options.meta
    })
    expect(meta).toEqual({ progressToken: 7, traceparent: expect.stringMatching(/^00-/) })
    expect(given).toEqual({ traceparent: 'broken', tracestate: 'a=b', progressToken: 7 })
  })

  it('takes a provider and a propagator of its own', async () => {
    const { provider } = tracing
    trace.disable()
    const propagator = {
      inject: (_context: unknown, carrier: Record<string, string>) => void (carrier['b3'] = '0'),
      extract: <T>(within: T) => within,
      fields: () => ['b3'],
    }
    let meta: unknown
    await traceClient({ tracerProvider: provider, propagator })(requestOf(), async changed => {
      meta = changed?.options.meta
    })
    expect(meta).toEqual({ b3: '0' })
    expect(only().instrumentationScope.name).toBe('latchkey')
  })
})

describe('without an SDK', () => {
  it('R-TRACE-1 requests and calls pass as they are', async () => {
    const request = requestOf({ meta: { traceparent: TRACEPARENT, tracestate: 'a=b', baggage: 'c=d' } })
    let passed: unknown
    await traceClient()(request, async changed => {
      passed = changed
    })
    expect(passed).toBe(request)
    expect(await answer({ meta: { traceparent: TRACEPARENT } }, {}, async () => ({ ok: true }))).toEqual({ ok: true })
  })

  it('traces from when one is registered, however early the middleware was made', async () => {
    const middleware = traceServer()
    await middleware(callOf(), async () => ({}))
    const tracing = startTracing()
    await middleware(callOf(), async () => ({}))
    expect(tracing.spans()).toHaveLength(1)
    tracing.stop()
  })
})

describe('the rest of the library', () => {
  it('R-TRACE-1 knows nothing of OpenTelemetry', async () => {
    const { readdirSync, readFileSync } = await import('node:fs')
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
    const knowing = files.filter(file => readFileSync(`src/${file}`, 'utf8').includes("'@opentelemetry/"))
    expect(knowing.filter(file => !file.startsWith('otel/'))).toEqual([])
    expect(knowing.length).toBeGreaterThan(0)
  })
})
