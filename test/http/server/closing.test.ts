import { describe, expect, it } from 'vitest'
import { createApp } from '../../../src/http/server/app.ts'
import type { HttpRequest } from '../../../src/http/server/http-message.ts'
import { createServer } from '../../../src/server/create-server.ts'
import { callTool, gate, openSession, type Reply, sendStateless, startWorld, stateless } from './http-world.ts'

/** More than the system keeps for a connection. */
const LARGE = 6 * 1024 * 1024
const METER = { progressToken: 'meter' }

describe('closing', () => {
  it('lets calls under way finish and their answers arrive, however large', async () => {
    const bothRun = gate()
    const finish = gate()
    let running = 0
    const world = await startWorld(
      server => {
        server.tool('wait', {}, async () => {
          running += 1
          if (running === 2) bothRun.open()
          await finish.promise
          return 'x'.repeat(LARGE)
        })
      },
      { drainMs: 10_000 },
    )
    const session = await openSession(world)
    const read = async (reply: Promise<Reply>): Promise<number> =>
      (await (await reply).json()).result.content[0].text.length
    const lengths = [read(callTool(world, 'wait')), read(session.call('wait', 1))]
    await bothRun.promise
    const closed = world.close()
    finish.open()
    expect(await Promise.all(lengths)).toEqual([LARGE, LARGE])
    await closed
  })

  it('refuses what is new, on connections that are there', async () => {
    const started = gate()
    const finish = gate()
    const server = createServer({ name: 'x', version: '1' })
    server.tool('wait', {}, async () => {
      started.open()
      await finish.promise
      return 'done'
    })
    const app = createApp(server)
    const running = app.handle(request('wait'))
    await started.promise
    const closed = app.close()
    for (const each of [request('wait'), { ...request('wait'), method: 'GET' }]) {
      const refused = await app.handle(each)
      expect([refused.status, refused.headers['retry-after'], refused.headers['connection']]).toEqual([
        503,
        '5',
        'close',
      ])
    }
    finish.open()
    expect(await running).toMatchObject({ status: 200, body: expect.stringContaining('done') })
    await closed
    expect((await app.handle(request('wait'))).status).toBe(503)
  })

  it('refuses what was on its way in', async () => {
    const body = gate<string>()
    const server = createServer({ name: 'x', version: '1' })
    server.tool('wait', {}, () => 'ran')
    const app = createApp(server)
    const late = app.handle({ ...request('wait'), readBody: () => body.promise })
    await app.close()
    body.open(await request('wait').readBody({ maxBytes: 1e6, timeoutMs: 1 }))
    expect((await late).status).toBe(503)
  })

  it('waits only so long, then answers what still runs, and fires its signal', async () => {
    const aborted = gate<unknown>()
    const world = await startWorld(
      server => {
        server.tool('deaf', {}, async (_args, ctx) => {
          ctx.signal.addEventListener('abort', () => aborted.open(ctx.signal.reason))
          await ctx.progress(1)
          await new Promise(() => undefined)
          return 'never'
        })
      },
      { drainMs: 20 },
    )
    const reply = await callTool(world, 'deaf', {}, {}, METER)
    const session = await openSession(world)
    const old = await session.call('deaf', 1, METER)
    await world.close()
    for (const each of [reply, old])
      expect((await each.messages()).at(-1)?.error).toMatchObject({ code: -32603, message: 'The server is closing' })
    expect(await aborted.promise).toBeInstanceOf(Error)
  })

  it('ends subscriptions with a result, and the streams of sessions (MCP 2026-07-28, Graceful Closure)', async () => {
    const world = await startWorld()
    const message = stateless('subscriptions/listen', { notifications: { toolsListChanged: true } })
    const subscription = await sendStateless(world, message)
    const stream = await (await openSession(world)).send({ method: 'GET' })
    const messages = subscription.messages()
    const old = stream.messages()
    const started = performance.now()
    await world.close()
    expect((await messages).at(-1)).toMatchObject({
      id: message.id,
      result: { _meta: { 'io.modelcontextprotocol/subscriptionId': message.id } },
    })
    expect(await old).toEqual([])
    expect(performance.now() - started).toBeLessThan(400)
  })

  it('may be asked for twice, and both wait', async () => {
    const finish = gate()
    const started = gate()
    const server = createServer({ name: 'x', version: '1' })
    server.tool('wait', {}, async () => {
      started.open()
      await finish.promise
      return 'done'
    })
    const app = createApp(server)
    const running = app.handle(request('wait'))
    await started.promise
    const [first, second] = [app.close(), app.close()]
    let isClosed = false
    void second.then(() => (isClosed = true))
    await new Promise(setImmediate)
    expect(isClosed).toBe(false)
    finish.open()
    await Promise.all([first, second, running])
  })
})

function request(name: string): HttpRequest & { readonly method: string } {
  const message = stateless('tools/call', { name, arguments: {} })
  const headers: Record<string, string> = {
    host: 'localhost',
    'content-type': 'application/json',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': name,
  }
  return {
    method: 'POST',
    target: '/',
    header: each => headers[each],
    readBody: async () => JSON.stringify(message),
    onDisconnect: () => () => undefined,
  }
}
