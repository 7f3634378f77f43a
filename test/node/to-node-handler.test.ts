import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createApp, createGuardedApp } from '../../src/http/server/app.ts'
import { serve } from '../../src/node/serve.ts'
import { toNodeHandler } from '../../src/node/to-node-handler.ts'
import { createServer } from '../../src/server/create-server.ts'
import type { Server } from '../../src/server/server.ts'
import {
  callTool,
  createTestGuard,
  openRaw,
  rawPost,
  send,
  sendStateless,
  stateless,
  STATELESS,
} from '../http/server/http-world.ts'

function createEcho(onError?: (error: unknown) => void): Server {
  const server = createServer({ name: 'x', version: '1', ...(onError && { onError }) })
  server.tool('echo', {}, () => 'echo')
  return server
}

async function listen(
  listener: (...parameters: Parameters<RequestListener>) => unknown,
): Promise<{ readonly port: number }> {
  const http = createHttpServer((request, response) => void listener(request, response))
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  return { port: (http.address() as AddressInfo).port }
}

describe('beneath something like Express', () => {
  it('looks at the path that the client asked for, not at what is left of it', async () => {
    const handler = toNodeHandler(createApp(createEcho(), { path: '/api/mcp' }))
    const world = await listen((request, response) => {
      Object.assign(request, { originalUrl: request.url })
      request.url = '/'
      handler(request, response)
    })
    expect((await callTool(world, 'echo', {}, { path: '/api/mcp' })).status).toBe(200)
    expect((await callTool(world, 'echo', {}, { path: '/mcp' })).status).toBe(404)
  })

  it.each([
    ['an object', (text: string) => JSON.parse(text)],
    ['text', (text: string) => text],
    ['bytes', (text: string) => Buffer.from(text)],
  ])('takes a body that was read before: %s', async (_what, toBody) => {
    const handler = toNodeHandler(createEcho())
    const world = await listen(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += chunk
      handler(Object.assign(request, { body: toBody(text) }), response)
    })
    const reply = await callTool(world, 'echo')
    expect((await reply.json()).result.content).toEqual([{ type: 'text', text: 'echo' }])
  })

  it('holds a body that was read before to the same limits', async () => {
    const handler = toNodeHandler(createApp(createEcho(), { maxBodyBytes: 100 }))
    const world = await listen(async (request, response) => {
      await once(request.resume(), 'end')
      handler(Object.assign(request, { body: { filler: 'x'.repeat(200) } }), response)
    })
    expect((await callTool(world, 'echo')).status).toBe(413)
  })

  it('does not wait for a body that somebody took and kept', async () => {
    const handler = toNodeHandler(createEcho())
    const world = await listen(async (request, response) => {
      await once(request.resume(), 'end')
      handler(request, response)
    })
    expect((await callTool(world, 'echo')).status).toBe(400)
  })

  it('leaves an answer alone that somebody else has given', async () => {
    const handler = toNodeHandler(createEcho())
    const world = await listen((request, response) => {
      handler(request, response)
      response.writeHead(204).end()
    })
    expect((await callTool(world, 'echo')).status).toBe(204)
  })
})

it('is found by the whole URL that a proxy may ask for (RFC 9112 §3.2.2)', async () => {
  const world = await listen(toNodeHandler(createApp(createEcho(), { path: '/mcp' })))
  expect((await callTool(world, 'echo', {}, { path: 'http://localhost/mcp?x' })).status).toBe(200)
})

it('two tokens in one request are two, not the first', async () => {
  const seen: unknown[] = []
  const guard = createTestGuard({
    authenticate: async http => {
      seen.push(http.header('authorization'))
      return { refused: { status: 400, headers: {} } }
    },
  })
  const world = await listen(toNodeHandler(createGuardedApp(createEcho(), guard, {})))
  await callTool(world, 'echo', {}, { headers: { authorization: ['Bearer a', 'Bearer b'] as never } })
  expect(seen).toEqual(['Bearer a, Bearer b'])
})

it('an answer to HEAD does not say that a GET would have nothing (RFC 9110 §8.6)', async () => {
  const answered = { status: 200, headers: { 'content-type': 'application/json' } }
  const guard = {
    ...createTestGuard(),
    route: ({ method, target }: { method: string; target: string }) =>
      target !== '/document' ? undefined : method === 'GET' ? { ...answered, body: '{}' } : answered,
  }
  const world = await listen(toNodeHandler(createGuardedApp(createEcho(), guard, {})))
  const lengths = []
  for (const method of ['GET', 'HEAD'])
    lengths.push((await send(world, { method, path: '/document' })).headers['content-length'])
  expect(lengths).toEqual(['2', undefined])
  const refused = await send(world, { method: 'HEAD' })
  expect([refused.status, Number(refused.headers['content-length'])]).toEqual([405, expect.any(Number)])
})

it('a header that cannot be sent costs one connection, not the process', async () => {
  const errors: unknown[] = []
  const guard = createTestGuard({
    authenticate: async () => ({ refused: { status: 401, headers: { 'www-authenticate': 'Bearer scope="☂\n"' } } }),
  })
  const world = await listen(
    toNodeHandler(
      createGuardedApp(
        createEcho(error => errors.push(error)),
        guard,
        {},
      ),
    ),
  )
  await expect(callTool(world, 'echo')).rejects.toThrow()
  expect(errors).toHaveLength(1)
  await expect(callTool(world, 'echo')).rejects.toThrow()
})

it('a connection that is lost while a stream is written to is no error', async () => {
  const server = createEcho()
  server.tool('flood', {}, async (_args, ctx) => {
    for (let n = 1; !ctx.signal.aborted && n < 100_000; n += 1) {
      ctx.notify('notifications/own', { filler: 'x'.repeat(100) })
      if (n % 10 === 0) await new Promise(setImmediate)
    }
    for (let n = 0; n < 100; n += 1) ctx.notify('notifications/own', {})
    return 'done'
  })
  const world = await listen(toNodeHandler(server))
  const body = JSON.stringify(stateless('tools/call', { name: 'flood', arguments: {} }))
  const raw = openRaw(world)
  raw.socket.write(
    `${rawPost({ 'mcp-protocol-version': STATELESS, 'mcp-method': 'tools/call', 'mcp-name': 'flood', 'content-length': String(body.length) })}${body}`,
  )
  await raw.saw('notifications/own')
  raw.socket.resetAndDestroy()
  await raw.closed
  expect((await callTool(world, 'echo')).status).toBe(200)
})

describe('serve', () => {
  it.each(['0.0.0.0', '127.0.0.1', 'localhost', '::1', '::'])(
    'names a URL that leads to it when bound to %s',
    async host => {
      const running = await serve(createEcho(), { host })
      onTestFinished(() => running.close())
      const message = stateless('tools/list')
      const headers = {
        'content-type': 'application/json',
        'mcp-protocol-version': STATELESS,
        'mcp-method': 'tools/list',
      }
      const reply = await fetch(running.url, { method: 'POST', headers, body: JSON.stringify(message) })
      expect(reply.status).toBe(200)
      await reply.text()
    },
  )

  it('rejects with the error of the system when the port is taken', async () => {
    const running = await serve(createEcho())
    onTestFinished(() => running.close())
    await expect(serve(createEcho(), { port: running.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it('closes twice without harm, and is gone', async () => {
    const running = await serve(createEcho())
    await Promise.all([running.close(), running.close()])
    await running.close()
    await expect(send(running, { method: 'GET' })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('closes though a client neither sends nor reads on', async () => {
    const running = await serve(createEcho(), { drainMs: 50 })
    const raw = openRaw(running)
    raw.socket.write(rawPost({ 'content-length': '10' }))
    await sendStateless(running, stateless('tools/list'))
    const started = performance.now()
    await running.close()
    await raw.closed
    expect(performance.now() - started).toBeLessThan(4000)
  })
})
