import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { connect } from '../../src/client.ts'
import { createApp, createServer, elicit, type ServerApp } from '../../src/server.ts'
import { frameworks, type Served } from './frameworks.ts'

/** Bytes of one piece of progress, and how many a client would get that reads everything. */
const PIECE = 64 * 1024
const PIECES = 2000

describe.each(Object.entries(frameworks))('a server in %s', (_name, framework) => {
  let app: ServerApp
  let served: Served
  /** What the handlers did. */
  let seen: { sent: number; givenUp: boolean }
  let errors: unknown[]
  beforeEach(async () => {
    seen = { sent: 0, givenUp: false }
    errors = []
    app = createApp(makeServer())
    served = await framework(app)
  })
  afterEach(async () => {
    await app.close()
    await served.close()
    expect(errors).toEqual([])
  })

  function makeServer() {
    const server = createServer({ name: 'adapters', version: '1.0.0', onError: error => errors.push(error) })
    const numbers = z.object({ a: z.number(), b: z.number() })
    server.tool('add', { input: numbers }, ({ a, b }) => ({ sum: a + b }))
    server.tool('work', {}, async (_args, ctx) => {
      for (const step of [1, 2, 3]) await ctx.progress(step, 3)
      return 'worked'
    })
    const schema = z.object({ sure: z.boolean() })
    server.tool(
      'confirm',
      { asks: () => ({ answer: elicit({ message: 'Sure?', schema }) }) },
      (_args, { answers }) => `sure: ${answers.answer.sure}`,
    )
    server.tool('wait', {}, async (_args, ctx) => {
      ctx.signal.addEventListener('abort', () => (seen.givenUp = true), { once: true })
      await ctx.progress(1)
      await new Promise<void>(resolve => ctx.signal.addEventListener('abort', () => resolve(), { once: true }))
      return 'too late'
    })
    server.tool('flood', {}, async (_args, ctx) => {
      ctx.signal.addEventListener('abort', () => (seen.givenUp = true), { once: true })
      while (seen.sent < PIECES && !ctx.signal.aborted) {
        await ctx.progress(++seen.sent, PIECES, 'x'.repeat(PIECE))
        // A handler that never lets go would starve whoever serves it.
        await new Promise(resolve => setImmediate(resolve))
      }
      return 'flooded'
    })
    return server
  }

  it.each(['2026-07-28', '2025-11-25'] as const)('answers in one piece and in a stream, on %s', async revision => {
    const client = await connect(served.url, {
      revision,
      fetch: served.fetch,
      elicitation: { form: () => ({ action: 'accept', content: { sure: true } }) },
    })
    expect((await client.callTool('add', { a: 2, b: 3 })).content).toEqual([{ type: 'text', text: '{"sum":5}' }])
    const steps: number[] = []
    const worked = await client.callTool('work', {}, { onProgress: ({ progress }) => void steps.push(progress) })
    expect(worked.content).toEqual([{ type: 'text', text: 'worked' }])
    expect(steps).toEqual([1, 2, 3])
    expect((await client.callTool('confirm')).content).toEqual([{ type: 'text', text: 'sure: true' }])
    await client.close()
  })

  it('answers 404 to a session that it does not know', async () => {
    const response = await post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, { 'mcp-session-id': 'unknown' })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: -32001 } })
  })

  it('refuses a body that is no JSON', async () => {
    const response = await served.fetch(served.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: '{"jsonrpc":',
    })
    expect(response.status).toBe(400)
    await response.body?.cancel()
  })

  it('lets a handler hear that its client went away', async () => {
    const client = await connect(served.url, { revision: '2026-07-28', fetch: served.fetch })
    const controller = new AbortController()
    const { signal } = controller
    const waiting = client.callTool('wait', {}, { signal, onProgress: () => controller.abort() })
    await expect(waiting).rejects.toThrow()
    await expect.poll(() => seen.givenUp).toBe(true)
    await client.close()
  })

  it('waits for a client that does not read, and gives up when it goes', async () => {
    const controller = new AbortController()
    const message = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'flood',
        arguments: {},
        _meta: {
          progressToken: 'flood',
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'slow', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'flood' }
    const response = await post(message, headers, controller.signal)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    let before = -1
    const stands = (): boolean => {
      const isSame = before === seen.sent
      before = seen.sent
      return isSame
    }
    await expect.poll(stands, { interval: 100, timeout: 10_000 }).toBe(true)
    expect(seen.sent).toBeLessThan(PIECES)
    expect(seen.givenUp).toBe(false)
    controller.abort()
    await expect.poll(() => seen.givenUp).toBe(true)
    expect(seen.sent).toBeLessThan(PIECES)
  })

  function post(message: object, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
    return served.fetch(served.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-11-25',
        ...headers,
      },
      body: JSON.stringify(message),
      ...(signal && { signal }),
    })
  }
})
