import { describe, expect, it } from 'vitest'
import { callTool, gate, openSession, send, startWorld, type Reply, type Session, type SseEvent } from './http-world.ts'

const METER = { progressToken: 'meter' }

/** Reads events until there are so many. */
async function take(reply: Reply, count: number): Promise<SseEvent[]> {
  const taken: SseEvent[] = []
  for await (const event of reply.events()) {
    taken.push(event)
    if (taken.length === count) break
  }
  return taken
}

const resume = (session: Session, lastEventId: string): Promise<Reply> =>
  session.send({ method: 'GET', headers: { 'last-event-id': lastEventId } })

describe('a stream of the handshake family whose connection is lost', () => {
  it('goes on: nothing is lost, nothing comes twice, and the call runs on', async () => {
    const { promise, open } = gate()
    let wasAborted = false
    const world = await startWorld(server => {
      server.tool('work', {}, async (_args, ctx) => {
        ctx.signal.addEventListener('abort', () => (wasAborted = true))
        for (let n = 1; n <= 3; n += 1) await ctx.progress(n)
        await promise
        for (let n = 4; n <= 10; n += 1) await ctx.progress(n)
        return 'done'
      })
    })
    const session = await openSession(world)
    const reply = await session.call('work', 1, METER)
    const first = await take(reply, 3)
    reply.drop()
    open()
    const second = await resume(session, first.at(-1)?.id ?? '')
    const rest: SseEvent[] = []
    for await (const event of second.events()) rest.push(event)
    const messages = [...first, ...rest].flatMap(({ message }) => (message ? [message] : []))
    expect(messages.map(({ params, result }) => params?.progress ?? result.content[0].text)).toEqual([
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      9,
      10,
      'done',
    ])
    expect(new Set([...first, ...rest].map(({ id }) => id)).size).toBe(12)
    expect(wasAborted).toBe(false)
    const again = await resume(session, first[0]?.id ?? '')
    expect((await again.messages()).at(-1)?.id).toBe(1)
  })

  it('is of no use in another session', async () => {
    const world = await startWorld(server => {
      server.tool('tell', {}, async (_args, ctx) => {
        await ctx.progress(1, 2, 'secret of the first')
        return 'told'
      })
    })
    const [first, other] = [await openSession(world), await openSession(world)]
    const told = await first.call('tell', 1, METER)
    const id = (await take(told, 2))[1]?.id ?? ''
    expect((await resume(other, id)).status).toBe(400)
    await (await other.call('echo', 1)).text()
    expect((await resume(other, id)).status).toBe(400)
  })

  it.each([
    ['2025-11-25', true],
    ['2025-06-18', false],
    ['2025-03-26', false],
  ])('begins with an event without data on %s: %s', async (revision, isPrimed) => {
    const world = await startWorld(server => {
      server.tool('tell', {}, async (_args, ctx) => {
        await ctx.progress(1)
        return 'told'
      })
    })
    const session = await openSession(world, revision)
    const events = await take(await session.call('tell', 1, METER), isPrimed ? 3 : 2)
    expect(events[0]?.id).toBe('post1_1')
    expect(events[0]?.data === '').toBe(isPrimed)
    expect(events.at(-1)?.message.result).toBeDefined()
  })

  it('carries no event ids on 2026-07-28, where it cannot be taken up', async () => {
    const world = await startWorld(server => {
      server.tool('tell', {}, async (_args, ctx) => {
        await ctx.progress(1)
        return 'told'
      })
    })
    const events = await take(await callTool(world, 'tell', {}, {}, METER), 2)
    expect(events.map(({ id, data }) => [id, data === ''])).toEqual([
      [undefined, false],
      [undefined, false],
    ])
  })
})

describe('closeStream', () => {
  const startPolling = async (revision: string) => {
    const { promise, open } = gate()
    const world = await startWorld(server => {
      server.tool('poll', {}, async (_args, ctx) => {
        ctx.closeStream({ retryAfterMs: 20 })
        await promise
        ctx.closeStream()
        return 'done'
      })
      server.tool('late', {}, async (_args, ctx) => {
        queueMicrotask(() => queueMicrotask(() => setImmediate(() => ctx.closeStream())))
        return 'done'
      })
    })
    return { world, session: await openSession(world, revision), open }
  }

  it('ends the connection, says when to come back, and the answer waits there', async () => {
    const { session, open } = await startPolling('2025-11-25')
    const reply = await session.call('poll', 1)
    const events: SseEvent[] = []
    for await (const event of reply.events()) events.push(event)
    expect(events).toEqual([{ id: 'post1_1', retry: 20, data: '' }])
    open()
    const messages: any[] = []
    let last = 'post1_1'
    while (messages.length === 0) {
      for await (const { id, message } of (await resume(session, last)).events()) {
        if (id !== undefined) last = id
        if (message) messages.push(message)
      }
    }
    expect(messages).toMatchObject([{ id: 1, result: { content: [{ text: 'done' }] } }])
  })

  it.each(['2025-06-18', '2025-03-26'])('does nothing on %s', async revision => {
    const { session, open } = await startPolling(revision)
    const reply = session.call('poll', 1)
    open()
    expect(await (await reply).json()).toMatchObject({ id: 1 })
  })

  it('does nothing after the answer', async () => {
    const { world, session } = await startPolling('2025-11-25')
    expect(await (await session.call('late', 1)).json()).toMatchObject({ id: 1 })
    expect((await session.call('echo', 2)).status).toBe(200)
    expect(world.errors).toEqual([])
  })
})

it('a call that takes long becomes a stream, so that nothing on the way takes the connection for dead', async () => {
  const { promise, open } = gate()
  const world = await startWorld(
    server => {
      server.tool('long', {}, async () => {
        await promise
        return 'done'
      })
    },
    { keepAliveMs: 10 },
  )
  const reply = await callTool(world, 'long')
  expect(reply.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'x-accel-buffering': 'no',
    'cache-control': 'no-cache, no-transform',
  })
  const events = reply.events()
  expect((await events.next()).value).toEqual({ comment: '' })
  open()
  for await (const { message } of events)
    if (message) expect(message.result.content).toEqual([{ type: 'text', text: 'done' }])
})

it('but not for a client that reads no streams', async () => {
  const { promise, open } = gate()
  const world = await startWorld(
    server => {
      server.tool('long', {}, async (_args, ctx) => {
        await ctx.progress(1)
        await promise
        return 'done'
      })
    },
    { keepAliveMs: 5 },
  )
  const reply = callTool(world, 'long', {}, { headers: { accept: 'application/json' } }, METER)
  await expect.poll(async () => (await send(world, { method: 'PUT' })).status).toBe(405)
  open()
  expect((await reply).headers['content-type']).toBe('application/json')
})
