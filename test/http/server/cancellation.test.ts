import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  callTool,
  gate,
  openRaw,
  openSession,
  rawPost,
  send,
  startWorld,
  stateless,
  STATELESS,
  type World,
  type WorldOptions,
} from './http-world.ts'

const METER = { progressToken: 'meter' }

/** A tool that runs until its signal fires, and one that never looks at it. */
async function startWaiting(options: WorldOptions = {}) {
  const started = gate()
  const aborted = gate<unknown>()
  const world = await startWorld(server => {
    server.tool('wait', {}, async (_args, ctx) => {
      const { signal } = ctx
      signal.addEventListener('abort', () => aborted.open(signal.reason))
      await ctx.progress(1)
      started.open()
      await aborted.promise
      signal.throwIfAborted()
      return 'done'
    })
    server.tool('deaf', {}, async () => {
      started.open()
      await new Promise(() => undefined)
      return 'never'
    })
  }, options)
  return { world, started: started.promise, aborted: aborted.promise, end: () => aborted.open(undefined) }
}

describe('2026-07-28: a lost connection cancels', () => {
  it('a call that streams', async () => {
    const { world, aborted } = await startWaiting()
    const reply = await callTool(world, 'wait', {}, {}, METER)
    reply.drop()
    expect(await aborted).toBeInstanceOf(Error)
    expect(world.errors).toEqual([])
  })

  it('a call that has said nothing yet', async () => {
    const { world, started, aborted } = await startWaiting()
    const body = JSON.stringify(stateless('tools/call', { name: 'wait', arguments: {} }))
    const raw = openRaw(world)
    raw.socket.write(
      `${rawPost({ 'mcp-protocol-version': STATELESS, 'mcp-method': 'tools/call', 'mcp-name': 'wait', 'content-length': String(body.length) })}${body}`,
    )
    await started
    raw.socket.destroy()
    await aborted
  })

  it('a call whose client went away while its arguments were looked at', async () => {
    const asked = gate()
    const answer = gate()
    const outcome = gate<string>()
    const world = await startWorld(server => {
      const input = z.object({}).refine(async () => {
        asked.open()
        await answer.promise
        return true
      })
      server.tool('wait', { input, scopes: () => [] }, async (_args, ctx) => {
        if (ctx.signal.aborted) outcome.open('aborted')
        ctx.signal.addEventListener('abort', () => outcome.open('aborted'))
        await new Promise(resolve => setTimeout(resolve, 100))
        outcome.open('ran on')
        return 'done'
      })
    })
    const body = JSON.stringify(stateless('tools/call', { name: 'wait', arguments: {} }))
    const raw = openRaw(world)
    raw.socket.write(
      `${rawPost({ 'mcp-protocol-version': STATELESS, 'mcp-method': 'tools/call', 'mcp-name': 'wait', 'content-length': String(body.length) })}${body}`,
    )
    await asked.promise
    raw.socket.destroy()
    // Another request, so that the server has seen the first connection go.
    await (await callTool(world, 'echo')).text()
    answer.open()
    expect(await outcome.promise).toBe('aborted')
  })

  it('nothing else: notifications/cancelled of whoever knows an id does nothing', async () => {
    const { world, end } = await startWaiting()
    const reply = await callTool(world, 'wait', {}, {}, METER)
    for (const headers of [{ 'mcp-protocol-version': STATELESS }, (await openSession(world)).headers])
      for (let requestId = 1; requestId < 100; requestId += 1)
        if (requestId > 90)
          await send(world, {
            headers,
            body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } },
          })
    end()
    expect((await reply.messages()).at(-1)?.result.content[0].text).toBe('done')
  })
})

describe('the handshake family', () => {
  it('does not take a lost connection for a cancellation', async () => {
    const { world, end } = await startWaiting()
    const session = await openSession(world)
    const reply = await session.call('wait', 1, METER)
    reply.drop()
    end()
    const events = await session.send({ method: 'GET', headers: { 'last-event-id': 'post1_1' } })
    expect((await events.messages()).at(-1)).toMatchObject({ id: 1, result: { content: [{ text: 'done' }] } })
  })

  it.each([1, 'one'])('cancels with notifications/cancelled, and answers nothing (id %s)', async id => {
    const { world, aborted } = await startWaiting()
    const session = await openSession(world)
    const reply = await session.call('wait', id, METER)
    await session.send({ body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } } })
    expect(await aborted).toBeInstanceOf(Error)
    expect((await reply.messages()).filter(message => 'id' in message)).toEqual([])
    expect(world.errors).toEqual([])
  })

  it('cancels nothing of another session', async () => {
    const { world, end } = await startWaiting()
    const [mine, other] = [await openSession(world), await openSession(world)]
    const reply = await mine.call('wait', 1, METER)
    await other.send({ body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } } })
    end()
    expect((await reply.messages()).at(-1)).toMatchObject({ id: 1, result: {} })
  })

  it('refuses a second request with the id of one that runs, and leaves the first alone', async () => {
    const { world, end } = await startWaiting()
    const session = await openSession(world)
    const reply = await session.call('wait', 1, METER)
    expect((await (await session.call('echo', 1)).json()).error).toMatchObject({ code: -32600 })
    end()
    expect((await reply.messages()).at(-1)).toMatchObject({ result: {} })
  })
})

describe('a call that takes too long', () => {
  const cases: readonly (readonly [string, (world: World) => Promise<any>, WorldOptions])[] = [
    ['2026-07-28', async world => (await callTool(world, 'deaf')).json(), {}],
    ['a session', async world => (await (await openSession(world)).call('deaf', 1)).json(), {}],
    [
      'no session',
      async world =>
        (await send(world, { body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'deaf' } } })).json(),
      { sessions: false },
    ],
  ]
  it.each(cases)('is answered with an error, whatever its handler does: %s', async (_what, call, options) => {
    const { world } = await startWaiting({ requestTimeoutMs: 30, ...options })
    expect((await call(world)).error).toMatchObject({ code: -32603, message: expect.stringContaining('30 ms') })
  })

  it('but a subscription has no such limit', async () => {
    const { world } = await startWaiting({ requestTimeoutMs: 10, keepAliveMs: 40 })
    const message = stateless('subscriptions/listen', { notifications: {} })
    const reply = await send(world, {
      headers: { 'mcp-protocol-version': STATELESS, 'mcp-method': 'subscriptions/listen' },
      body: message,
    })
    const events = reply.events()
    expect((await events.next()).value?.message.method).toBe('notifications/subscriptions/acknowledged')
    expect((await events.next()).value).toEqual({ comment: '' })
    reply.drop()
  })
})
