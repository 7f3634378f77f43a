import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import type { Change } from '../../src/client.ts'
import { REVISION_FEATURES } from '../../src/protocol/revisions.ts'
import type { ExtensionSubscription } from '../../src/server/extension.ts'
import { createHandshakeSession } from '../../src/server/handshake-session.ts'
import { createServer, type Server, type ServerOptions } from '../../src/server.ts'
import { connectInMemory } from '../../src/testing.ts'
import { eachWay } from './matrix.ts'
import { authOf, connectRaw, initialize, makeCall, statelessMeta } from './raw-connection.ts'

const ALL = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'
const ID = 'io.modelcontextprotocol/subscriptionId'

function world(options: Partial<ServerOptions> = {}): Server {
  const server = createServer({ name: 'changing', version: '1', ...options })
  server.tool('first', {}, () => 'x')
  server.prompt('first', {}, () => 'x')
  server.resource('notes://a', {}, () => 'x')
  return server
}

/** Waits until what was published has been told. */
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

function listen(server: Server, notifications: unknown, options: Parameters<typeof makeCall>[3] = {}) {
  return makeCall(server, 'subscriptions/listen', { notifications }, options)
}

eachWay(
  'clients hear of changed lists and resources, in one word for what changes at once',
  async ({ server, open }) => {
    server.tool('first', {}, () => 'x')
    server.prompt('first', {}, () => 'x')
    server.resource('notes://a', {}, () => 'x')
    const client = await open()
    const changes: Change[] = []
    const subscription = await client.subscribe(
      { tools: true, resources: true, uris: ['notes://a'] },
      change => void changes.push(change),
    )
    await turn()
    changes.length = 0
    const added = [1, 2, 3].map(n => server.tool(`more${n}`, {}, () => 'x'))
    added[0]?.disable()
    server.prompt('second', {}, () => 'x')
    server.resourceUpdated('notes://a')
    server.resourceUpdated('notes://other')
    await expect.poll(() => changes).toHaveLength(2)
    await client.ping()
    expect(changes).toContainEqual({ kind: 'tools' })
    expect(changes).toContainEqual({ kind: 'resource', uri: 'notes://a' })
    expect(changes).toHaveLength(2)
    await subscription.close()
  },
)

describe('subscriptions/listen', () => {
  it('acknowledges first, and every message carries the id', async () => {
    const server = world()
    const { call, told } = listen(server, { ...ALL, resourceSubscriptions: ['notes://a'] })
    await turn()
    server.tool('second', {}, () => 'x')
    server.prompt('second', {}, () => 'x')
    server.resource('notes://b', {}, () => 'x')
    server.resourceUpdated('notes://a')
    await turn()
    expect(told[0]).toMatchObject({
      method: ACKNOWLEDGED,
      params: { notifications: { ...ALL, resourceSubscriptions: ['notes://a'] } },
    })
    expect(told.map(({ method }) => String(method)).sort((a, b) => (a < b ? -1 : 1))).toEqual([
      'notifications/prompts/list_changed',
      'notifications/resources/list_changed',
      'notifications/resources/updated',
      ACKNOWLEDGED,
      'notifications/tools/list_changed',
    ])
    for (const { params } of told) expect(params._meta).toEqual({ [ID]: call.id })
  })

  it('tells only what was asked for, and acknowledges only what the server has', async () => {
    const server = createServer({ name: 'few', version: '1' })
    server.tool('first', {}, () => 'x')
    const { told } = listen(server, {
      promptsListChanged: true,
      toolsListChanged: 'yes',
      resourceSubscriptions: ['notes://a'],
    })
    await turn()
    server.tool('second', {}, () => 'x')
    server.resourceUpdated('notes://a')
    await turn()
    expect(told).toEqual([{ method: ACKNOWLEDGED, params: { notifications: {}, _meta: expect.anything() } }])
  })

  it('tells of what changed beneath a subscribed URI, and not beside it', async () => {
    const server = world()
    const { told } = listen(server, { resourceSubscriptions: ['notes://a', 'file:///x/'] })
    await turn()
    for (const uri of ['notes://a/b', 'notes://ab', 'file:///x/y', 'file:///x', 'notes://']) server.resourceUpdated(uri)
    expect(told.slice(1).map(({ params }) => params.uri)).toEqual(['notes://a/b', 'file:///x/y'])
  })

  it('tells of a resource beneath only to those who may read it', async () => {
    const server = world()
    server.resource('notes://a/secret', { scopes: ['secret'] }, () => 'x')
    server.resourceTemplate('notes://a/by/{who}', { scopes: uri => [uri] }, () => 'x')
    server.resource(
      'notes://a/odd',
      {
        scopes: () => {
          throw new Error('scopes fail')
        },
      },
      () => 'x',
    )
    const holds = (needed: readonly string[]): boolean => needed.every(scope => scope === 'notes://a/by/ada')
    const { told } = listen(server, { resourceSubscriptions: ['notes://a'] }, { holds })
    await turn()
    for (const uri of ['notes://a/secret', 'notes://a/by/ada', 'notes://a/by/eve', 'notes://a/odd', 'notes://a/free'])
      server.resourceUpdated(uri)
    expect(told.slice(1).map(({ params }) => params.uri)).toEqual(['notes://a/by/ada', 'notes://a/free'])
  })

  it('ends with its answer when the server closes, and begins no more', async () => {
    const server = world()
    const { call, answer } = listen(server, ALL)
    await turn()
    await server.close()
    const ended = { result: { resultType: 'complete', _meta: { [ID]: call.id } } }
    expect(await answer).toMatchObject(ended)
    expect(await listen(server, ALL).answer).toMatchObject({ result: { resultType: 'complete' } })
  })

  it('ends when the token expires that it was opened with', async () => {
    vi.useFakeTimers()
    try {
      const server = world({ now: () => 1000 })
      const { answer } = listen(server, ALL, { auth: authOf('ada', [], 61_000) })
      let isOver = false
      void answer.then(() => {
        isOver = true
      })
      await vi.advanceTimersByTimeAsync(59_999)
      expect(isOver).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      expect(isOver).toBe(true)
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('ends at once when the token has expired meanwhile', async () => {
    const server = world({ now: () => 2000 })
    const { answer, told } = listen(server, ALL, { auth: authOf('ada', [], 1000) })
    expect(await answer).toMatchObject({ result: { resultType: 'complete' } })
    expect(told).toHaveLength(1)
  })

  it('ends not before its token does, however far away that is, and without one not at all', async () => {
    vi.useFakeTimers()
    try {
      const server = world({ now: () => 1000 })
      const day = 86_400_000
      const subscriptions = [authOf('ada', [], 40 * day), authOf('eve'), undefined].map(auth =>
        listen(server, ALL, { auth }),
      )
      const over = vi.fn()
      for (const { answer } of subscriptions) void answer.then(over)
      await vi.advanceTimersByTimeAsync(24 * day)
      expect([over.mock.calls.length, vi.getTimerCount()]).toEqual([0, 1])
      for (const { call } of subscriptions) call.abort(undefined)
      await vi.advanceTimersByTimeAsync(0)
      expect([over.mock.calls.length, vi.getTimerCount()]).toEqual([3, 0])
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([
    ['the client cancels', 60_000],
    ['its token expires', 20],
  ])('is forgotten with all that belongs to it when %s', async (_how, lifetimeMs) => {
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    const server = world()
    const run = async (): Promise<WeakRef<object>> => {
      const { call, answer } = listen(server, ALL, { auth: authOf('ada', [], Date.now() + lifetimeMs) })
      await turn()
      if (lifetimeMs > 1000) call.abort(undefined)
      await answer
      return new WeakRef(call)
    }
    const ended = await run()
    await expect
      .poll(() => {
        collect()
        return ended.deref() === undefined
      })
      .toBe(true)
  })

  it.each([
    ['the token expires', authOf('ada', [], 21_000)],
    ['the server closes', undefined],
  ])('ends the parts of extensions when %s', async (how, auth) => {
    vi.useFakeTimers()
    try {
      let tell: Parameters<ExtensionSubscription['start']>[0] | undefined
      let over: AbortSignal | undefined
      const start: ExtensionSubscription['start'] = (notify, signal) => {
        tell = notify
        over = signal
      }
      const part = { id: 'example.com/part', listen: async () => ({ notifications: { part: true }, start }) }
      const server = world({ now: () => 1000, extensions: [part] })
      const { answer, told } = listen(server, ALL, { auth })
      await vi.advanceTimersByTimeAsync(19_999)
      tell?.('notifications/part', {})
      expect([over?.aborted, told.map(({ method }) => String(method))]).toEqual([
        false,
        [ACKNOWLEDGED, 'notifications/part'],
      ])
      if (how === 'the server closes') await server.close()
      await vi.advanceTimersByTimeAsync(1)
      await answer
      tell?.('notifications/part', {})
      expect([over?.aborted, told.length]).toEqual([true, 2])
    } finally {
      vi.useRealTimers()
    }
  })

  it('leaves nothing behind when the client cancels, its place neither', async () => {
    const server = world({ maxSubscriptions: 1 })
    const first = listen(server, ALL, { auth: authOf('ada', [], Date.now() + 60_000) })
    await turn()
    expect(await listen(server, ALL).answer).toMatchObject({
      error: { code: -32603, message: expect.stringContaining('at most 1') },
    })
    first.call.abort(undefined)
    expect(await first.answer).toBeUndefined()
    await turn()
    server.tool('second', {}, () => 'x')
    await turn()
    expect(first.told).toHaveLength(1)
    const second = listen(server, ALL)
    await turn()
    expect(second.told).toHaveLength(1)
  })

  it('leaves half of the places to others, whatever one principal takes, on a server that nobody need log in to as well', async () => {
    const server = world({ maxSubscriptions: 8 })
    const takeAs = async (sharer: string | undefined, wanted = 8): Promise<(() => void)[]> => {
      const all = Array.from({ length: wanted }, () => listen(server, ALL, { sharer }))
      await turn()
      return all
        .filter(({ told }) => told.length > 0)
        .map(
          ({ call }) =>
            () =>
              call.abort(undefined),
        )
    }
    const eve = await takeAs('')
    expect(eve).toHaveLength(5)
    const ada = await takeAs('ada', 1)
    expect([ada.length, (await takeAs('')).length]).toEqual([1, 0])
    // Where nobody is told apart, the rest is for whoever asks.
    const rest = await takeAs(undefined)
    expect([rest.length, (await takeAs('ada', 1)).length]).toEqual([2, 0])
    for (const end of [...eve, ...ada, ...rest]) end()
    await turn()
    expect(await takeAs('')).toHaveLength(5)
  })

  it('leaves half of the places to others, who have logged in over a connection of their own', async () => {
    const server = world({ maxSubscriptions: 4 })
    const eve = await connectInMemory(server, { auth: { subject: 'eve' } })
    const ada = await connectInMemory(server, { auth: { subject: 'ada' } })
    for (let count = 0; count < 3; count += 1) await eve.subscribe({ tools: true }, () => undefined)
    await expect(eve.subscribe({ tools: true }, () => undefined)).rejects.toThrow(/at most 4/)
    const subscription = await ada.subscribe({ tools: true }, () => undefined)
    await subscription.close()
    await Promise.all([eve.close(), ada.close()])
  })

  it.each([
    [undefined, /notifications is not an object/],
    ['all', /notifications is not an object/],
    [{ resourceSubscriptions: 'notes://a' }, /list of URIs/],
    [{ resourceSubscriptions: [5] }, /list of URIs/],
    [{ resourceSubscriptions: Array.from({ length: 1001 }, (_, n) => `notes://${n}`) }, /at most 1000/],
  ])('refuses a wish such as %.40j', async (notifications, message) => {
    expect(await listen(world(), notifications).answer).toMatchObject({
      error: { code: -32602, message: expect.stringMatching(message) },
    })
  })

  it('on a shared channel is also told to be over, before its answer', async () => {
    const server = world()
    const raw = await connectRaw(server)
    const params = { notifications: ALL, _meta: statelessMeta() }
    raw.send({ jsonrpc: '2.0', id: 'sub', method: 'subscriptions/listen', params })
    await raw.waitFor(({ method }) => method === ACKNOWLEDGED)
    await server.close()
    await raw.waitFor(({ id }) => id === 'sub')
    expect(raw.received.slice(-2)).toMatchObject([
      { method: 'notifications/cancelled', params: { requestId: 'sub', _meta: { [ID]: 'sub' } } },
      { id: 'sub', result: { resultType: 'complete', _meta: { [ID]: 'sub' } } },
    ])
    await raw.settle()
    expect(raw.isClosed).toBe(true)
  })
})

it('a subscription that was refused is answered, and not told to be over: it never began', async () => {
  const raw = await connectRaw(world())
  const params = { notifications: 'all', _meta: statelessMeta() }
  await raw.request({ id: 'sub', method: 'subscriptions/listen', params })
  expect(raw.received).toMatchObject([{ id: 'sub', error: { code: -32602 } }])
})

describe('a session', () => {
  it('hears of lists unasked, and of resources that it subscribed to', async () => {
    const server = world()
    const raw = await connectRaw(server)
    await initialize(raw, '2025-06-18')
    raw.received.length = 0
    server.tool('second', {}, () => 'x')
    server.resourceUpdated('notes://a')
    await raw.settle()
    expect(raw.received).toEqual([{ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: {} }])
    await raw.request({ id: 1, method: 'resources/subscribe', params: { uri: 'notes://a' } })
    server.resourceUpdated('notes://a')
    server.resourceUpdated('notes://a/b')
    await raw.settle()
    expect(raw.received.slice(2)).toMatchObject([{ params: { uri: 'notes://a' } }, { params: { uri: 'notes://a/b' } }])
    await raw.request({ id: 2, method: 'resources/unsubscribe', params: { uri: 'notes://a' } })
    server.resourceUpdated('notes://a')
    await raw.settle()
    expect(raw.received).toHaveLength(5)
  })

  it('hears of a resource beneath what it subscribed to only with the scopes for it', async () => {
    const server = world()
    server.resource('notes://a/secret', { scopes: ['secret'] }, () => 'x')
    const client = { revision: '2025-11-25', features: REVISION_FEATURES['2025-11-25'], capabilities: {} } as const
    const session = createHandshakeSession(server, client, Date.now)
    const request = { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: 'notes://a' } } as const
    await session.handle(request, { send: () => undefined, holds: needed => needed.length === 0 })
    expect(session.tellOf({ kind: 'resource', uri: 'notes://a/secret' })).toBeUndefined()
    expect(session.tellOf({ kind: 'resource', uri: 'notes://a/free' })).toBeDefined()
  })

  it('names a limited number of resources', async () => {
    const server = world()
    server.resourceTemplate('n://{id}', {}, () => 'x')
    const raw = await connectRaw(server)
    await initialize(raw, '2025-06-18')
    for (let id = 0; id < 1000; id++) {
      raw.send({ jsonrpc: '2.0', id, method: 'resources/subscribe', params: { uri: `n://${id}` } })
      if (id % 100 === 99) await raw.settle()
    }
    const subscribe = (id: string, uri: string) => raw.request({ id, method: 'resources/subscribe', params: { uri } })
    expect(await subscribe('new', 'n://1000')).toMatchObject({
      error: { code: -32602, message: expect.stringContaining('1000') },
    })
    expect(await subscribe('old', 'n://5')).toMatchObject({ result: {} })
  })
})
