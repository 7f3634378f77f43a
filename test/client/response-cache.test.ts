import { describe, expect, it } from 'vitest'
import { createResponseCache } from '../../src/client/response-cache.ts'
import { connect } from '../../src/http/connect.ts'
import { createStatelessServer, event, result } from '../http/scripted-server.ts'

const listChanged = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' } as const

describe('the response cache', () => {
  const create = () => {
    let now = 0
    return { cache: createResponseCache({ now: () => now }), advance: (ms: number) => (now += ms) }
  }
  const shared = { tools: [], ttlMs: 100, cacheScope: 'public' }
  const secret = { contents: [], ttlMs: 100, cacheScope: 'private' }

  it('keeps a result as long as it is fresh', () => {
    const { cache, advance } = create()
    cache.put('tools/list', undefined, undefined, shared)
    advance(99)
    expect(cache.get('tools/list', {}, undefined)).toBe(shared)
    advance(1)
    expect(cache.get('tools/list', {}, undefined)).toBeUndefined()
  })

  it.each([
    ['no time', { tools: [], cacheScope: 'public' }],
    ['a time of zero', { ...shared, ttlMs: 0 }],
    ['a negative time', { ...shared, ttlMs: -5 }],
    ['a time that is no number', { ...shared, ttlMs: '100' }],
  ])('keeps nothing with %s', (_what, value) => {
    const { cache } = create()
    cache.put('tools/list', undefined, 'g', value)
    expect(cache.get('tools/list', undefined, 'g')).toBeUndefined()
  })

  it('gives a private result to its login only, and keeps none without a login', () => {
    const { cache } = create()
    cache.put('resources/read', { uri: 'x:1' }, undefined, secret)
    expect(cache.get('resources/read', { uri: 'x:1' }, undefined)).toBeUndefined()
    cache.put('resources/read', { uri: 'x:1' }, 'a', secret)
    expect(cache.get('resources/read', { uri: 'x:1' }, 'b')).toBeUndefined()
    cache.put('resources/read', { uri: 'x:1' }, 'a', secret)
    expect(cache.get('resources/read', { uri: 'x:1' }, undefined)).toBeUndefined()
    cache.put('resources/read', { uri: 'x:1' }, 'a', secret)
    expect(cache.get('resources/read', { uri: 'x:1' }, 'a')).toBe(secret)
  })

  it('tells parameters apart, but not by the order of their members or by _meta', () => {
    const { cache } = create()
    cache.put('tools/list', { cursor: '1', filter: 'x', _meta: { a: 1 } }, undefined, shared)
    expect(cache.get('tools/list', { filter: 'x', cursor: '1' }, undefined)).toBe(shared)
    expect(cache.get('tools/list', { filter: 'x' }, undefined)).toBeUndefined()
  })

  it('keeps no tool calls and no answers to questions', () => {
    const { cache } = create()
    for (const [method, params] of [
      ['tools/call', { name: 'x' }],
      ['resources/read', { uri: 'x:1', requestState: 's' }],
      ['resources/read', { uri: 'x:1', inputResponses: {} }],
    ] as const) {
      cache.put(method, params, 'g', secret)
      expect(cache.get(method, params, 'g')).toBeUndefined()
    }
  })

  it('forgets what a notification says has changed, and nothing else', () => {
    const { cache } = create()
    const put = () => {
      cache.put('tools/list', undefined, undefined, shared)
      cache.put('prompts/list', undefined, undefined, shared)
      cache.put('resources/read', { uri: 'x:1' }, 'g', secret)
      cache.put('resources/read', { uri: 'x:2' }, 'g', secret)
    }
    put()
    cache.notice(listChanged)
    cache.notice({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'x:1' } })
    expect(cache.get('tools/list', undefined, 'g')).toBeUndefined()
    expect(cache.get('resources/read', { uri: 'x:1' }, 'g')).toBeUndefined()
    expect(cache.get('prompts/list', undefined, 'g')).toBe(shared)
    expect(cache.get('resources/read', { uri: 'x:2' }, 'g')).toBe(secret)
  })

  it('is bounded', () => {
    const { cache } = create()
    for (let index = 0; index < 300; index++) cache.put('resources/read', { uri: `x:${index}` }, 'g', secret)
    expect(cache.get('resources/read', { uri: 'x:0' }, 'g')).toBeUndefined()
    expect(cache.get('resources/read', { uri: 'x:299' }, 'g')).toBe(secret)
  })
})

describe('a client', () => {
  const list = { resultType: 'complete', tools: [], ttlMs: 60_000, cacheScope: 'public' }

  it('asks once for what is fresh, and again on demand', async () => {
    const server = createStatelessServer({ 'tools/list': list })
    const client = await connect('https://mcp.example/mcp', server)
    await client.listTools()
    await client.listTools()
    const lists = () => server.methods().filter(method => method === 'tools/list').length
    expect(lists()).toBe(1)
    await client.listTools({ fresh: true })
    expect(lists()).toBe(2)
  })

  it('another login meanwhile does not get the answer to the first', async () => {
    let grantId = 'a'
    const server = createStatelessServer({
      'resources/read': request => {
        grantId = 'b'
        return result(request, { resultType: 'complete', contents: [], ttlMs: 60_000, cacheScope: 'private' })
      },
    })
    const authorization = { grantId: () => grantId, redact: (text: string) => text, onInteraction: () => () => {} }
    const client = await connect('https://mcp.example/mcp', { fetch: Object.assign(server.fetch, { authorization }) })
    await client.readResource('x:1')
    await client.readResource('x:1')
    await client.readResource('x:1')
    expect(server.methods().filter(method => method === 'resources/read')).toHaveLength(2)
  })
})

describe('what is kept', () => {
  const keep = { ttlMs: 60_000, cacheScope: 'public' }

  it('is no result that was asked for before a change was told', async () => {
    let answers: (() => void)[] = []
    const listening: ((text: string) => void)[] = []
    const server = createStatelessServer({
      'subscriptions/listen': ({ message, signal }) => {
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            listening.push(text => controller.enqueue(new TextEncoder().encode(text)))
            signal.addEventListener('abort', () => controller.error(signal.reason))
          },
        })
        const params = {
          notifications: { toolsListChanged: true },
          _meta: { 'io.modelcontextprotocol/subscriptionId': message.id },
        }
        const acknowledged = { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params }
        listening[0]?.(event(acknowledged))
        return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
      },
      'tools/list': async request => {
        await new Promise<void>(resolve => answers.push(resolve))
        return result(request, { resultType: 'complete', tools: [], ...keep })
      },
    })
    const client = await connect('https://mcp.example/mcp', server)
    const changed = new Promise<void>(resolve => void client.subscribe({ tools: true }, () => resolve()))
    await expect.poll(() => listening).toHaveLength(1)
    const first = client.listTools()
    await expect.poll(() => answers).toHaveLength(1)
    listening[0]?.(event(listChanged))
    await changed
    answers[0]?.()
    await first
    answers = []
    const second = client.listTools()
    await expect.poll(() => answers).toHaveLength(1)
    answers[0]?.()
    await second
    // Nothing changed meanwhile: this one is kept.
    await client.listTools()
    expect(server.methods().filter(method => method === 'tools/list')).toHaveLength(2)
    await client.close()
  })

  it('is bounded by size: the oldest go first, and what is larger than everything is not kept', () => {
    const cache = createResponseCache({ maxCharacters: 1_000 })
    const read = (uri: string) => cache.get('resources/read', { uri }, undefined)
    const put = (uri: string, length: number) =>
      cache.put('resources/read', { uri }, undefined, { contents: [{ uri, text: 'x'.repeat(length) }], ...keep })
    put('a', 400)
    put('b', 400)
    expect([read('a'), read('b')].every(Boolean)).toBe(true)
    put('c', 400)
    expect([read('a'), read('b'), read('c')].map(Boolean)).toEqual([false, true, true])
    put('d', 2_000)
    expect([read('b'), read('c'), read('d')].map(Boolean)).toEqual([true, true, false])
    cache.clear()
    put('a', 400)
    put('b', 400)
    expect([read('a'), read('b')].every(Boolean)).toBe(true)
  })
})
