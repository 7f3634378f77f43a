import { describe, expect, it } from 'vitest'
import { createApp, createGuardedApp } from '../../../src/http/server/app.ts'
import { createServer } from '../../../src/server/create-server.ts'
import type { Server } from '../../../src/server/server.ts'
import { createTestGuard, gate, stateless, STATELESS } from './http-world.ts'

const decoder = new TextDecoder()

function createWorld(): Server {
  const server = createServer({ name: 'x', version: '1' })
  server.tool('echo', {}, () => 'echo')
  return server
}

function toRequest(message: any, init: RequestInit = {}, url = 'https://api.example.com/mcp'): Request {
  const name = message.params.name
  return new Request(url, {
    method: 'POST',
    body: JSON.stringify(message),
    ...init,
    headers: {
      'content-type': 'application/json',
      'mcp-protocol-version': STATELESS,
      'mcp-method': message.method,
      ...(name && { 'mcp-name': name }),
      ...(init.headers as Record<string, string>),
    },
  })
}

const call = (name: string, meta = {}): any => stateless('tools/call', { name, arguments: {} }, meta)

describe('a web-standard request', () => {
  it('is answered, at the path only', async () => {
    const app = createApp(createWorld(), { path: '/mcp' })
    expect((await app.fetch(toRequest(call('echo')))).status).toBe(200)
    expect((await app.fetch(toRequest(call('echo'), {}, 'https://api.example.com/other'))).status).toBe(404)
    await app.close()
  })

  it('is held to allowed hosts, by its URL where there is no header', async () => {
    const app = createApp(createWorld(), { allowedHosts: ['api.example.com'] })
    expect((await app.fetch(toRequest(call('echo')))).status).toBe(200)
    expect((await app.fetch(toRequest(call('echo'), {}, 'https://evil.example/mcp'))).status).toBe(403)
  })

  it.each([
    ['too large', { maxBodyBytes: 10 }, 413],
    ['too slow', { bodyTimeoutMs: 10 }, 408],
    ['lost', {}, 400],
    ['no UTF-8', {}, 400],
  ] as const)('with a body that is %s is refused', async (what, options, status) => {
    const app = createApp(createWorld(), options)
    const body = new ReadableStream<Uint8Array>({
      start: controller => {
        controller.enqueue(
          what === 'no UTF-8' ? Uint8Array.of(0x22, 0xff, 0x22) : new TextEncoder().encode('{"padding":"xxxxx"}'),
        )
        if (what === 'lost') controller.error(new Error('gone'))
        if (what === 'no UTF-8') controller.close()
      },
    })
    const reply = await app.fetch(toRequest(call('echo'), { body, duplex: 'half' } as RequestInit))
    expect(reply.status).toBe(status)
  })

  it('whose signal fires cancels its call, also when it had fired before', async () => {
    const server = createWorld()
    const started = gate()
    const aborted = gate()
    server.tool('wait', {}, async (_args, ctx) => {
      ctx.signal.addEventListener('abort', () => aborted.open())
      started.open()
      await aborted.promise
      return 'done'
    })
    const app = createApp(server)
    const controller = new AbortController()
    const reply = app.fetch(toRequest(call('wait'), { signal: controller.signal }))
    await started.promise
    controller.abort()
    await aborted.promise
    expect((await reply).status).toBe(202)
    server.tool('forever', {}, () => new Promise(() => undefined))
    expect((await app.fetch(toRequest(call('forever'), { signal: AbortSignal.abort() }))).status).toBe(202)
    await app.close()
  })

  it('never rejects, whatever headers a guard gives', async () => {
    const guard = createTestGuard({
      authenticate: async () => ({ refused: { status: 401, headers: { 'www-authenticate': '☂' } } }),
    })
    const reply = await createGuardedApp(createWorld(), guard, {}).fetch(toRequest(call('echo')))
    expect(reply.status).toBe(500)
  })
})

describe('a web-standard stream', () => {
  it('comes in order, and its cancelling cancels the call', async () => {
    const server = createWorld()
    const aborted = gate()
    server.tool('tell', {}, async (_args, ctx) => {
      ctx.signal.addEventListener('abort', () => aborted.open())
      for (let n = 1; n <= 3; n += 1) await ctx.progress(n)
      await aborted.promise
      return 'done'
    })
    const app = createApp(server)
    const reply = await app.fetch(toRequest(call('tell', { progressToken: 't' })))
    const reader = reply.body!.getReader()
    let text = ''
    while (!text.includes('"progress":3')) text += decoder.decode((await reader.read()).value)
    expect([...text.matchAll(/"progress":(\d)/g)].map(([, n]) => n)).toEqual(['1', '2', '3'])
    await reader.cancel()
    await aborted.promise
    await app.close()
  })

  it('holds back a handler that waits until it is read', async () => {
    const server = createWorld()
    let told = 0
    server.tool('flood', {}, async (_args, ctx) => {
      for (let n = 1; n <= 500; n += 1) {
        await ctx.progress(n, undefined, 'x'.repeat(1000))
        told = n
      }
      return 'the answer'
    })
    const app = createApp(server)
    const reply = await app.fetch(toRequest(call('flood', { progressToken: 't' })))
    await new Promise(setImmediate)
    expect(told).toBeLessThan(100)
    const text = await reply.text()
    expect(text.match(/"progress":/g)).toHaveLength(500)
    expect(text).toContain('the answer')
    await app.close()
  })

  it('is broken off when too much waits', async () => {
    const server = createWorld()
    server.tool('flood', {}, async (_args, ctx) => {
      for (let n = 1; n <= 10_000; n += 1) ctx.notify('notifications/own', { filler: 'x'.repeat(1000) })
      return 'the answer'
    })
    const app = createApp(server)
    const reply = await app.fetch(toRequest(call('flood')))
    await expect(reply.text()).rejects.toThrow()
    await app.close()
  })
})
