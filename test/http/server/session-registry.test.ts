import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  createSessionRegistry,
  MAX_ENDED_LENGTH,
  MAX_STREAMS,
  type SessionOptions,
  type SessionRegistry,
} from '../../../src/http/server/session-registry.ts'
import { OutgoingStream } from '../../../src/http/server/outgoing-stream.ts'
import { createChanges } from '../../../src/server/changes.ts'
import { createHandshakeSession, type HandshakeSession, shakeHands } from '../../../src/server/handshake-session.ts'
import { createServer } from '../../../src/server/create-server.ts'
import type { Server } from '../../../src/server/server.ts'

let server: Server
let at: number
const registries: SessionRegistry[] = []

beforeEach(() => {
  server = createServer({ name: 'world', version: '1.0.0' })
  at = 0
})
afterEach(() => {
  for (const registry of registries.splice(0)) registry.endAll(new Error('over'))
})

function createRegistry(options: SessionOptions = {}): SessionRegistry {
  const registry = createSessionRegistry(server.internals.changes, { keepAliveMs: 60_000, now: () => at, ...options })
  registries.push(registry)
  return registry
}

function shake(): HandshakeSession {
  const request = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {} },
  } as const
  return createHandshakeSession(server, shakeHands(server, request).client, () => at)
}

const open = (registry: SessionRegistry, principal = ''): ReturnType<SessionRegistry['open']> & {} =>
  registry.open(shake(), principal)!
const silent = {
  write: () => true,
  end: () => undefined,
  cut: () => undefined,
  onDrain: () => undefined,
  onClose: () => undefined,
}

it('gives ids of visible ASCII that nobody guesses (MCP 2025-11-25, Session Management)', () => {
  const registry = createRegistry()
  const ids = Array.from({ length: 100 }, () => open(registry).id)
  expect(new Set(ids).size).toBe(100)
  for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]{36}$/)
})

describe('when there are too many', () => {
  it('ends the one that lay idle longest', () => {
    const registry = createRegistry({ maximum: 3 })
    const [first, second, third] = [open(registry), open(registry), open(registry)]
    at = 10
    first.touch()
    const fourth = open(registry)
    expect([first, second, third, fourth].map(({ id }) => registry.find(id) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ])
  })

  it('ends one of the principal that has most, whoever asks: nobody can end those of others by opening many', () => {
    const registry = createRegistry({ maximum: 4 })
    const [ada, eve] = [open(registry, 'ada'), open(registry, 'eve')]
    for (let count = 0; count < 10; count += 1) open(registry, 'eve')
    expect(registry.find(ada.id)).toBeDefined()
    expect(registry.find(eve.id)).toBeUndefined()
    const bob = open(registry, 'bob')
    expect([ada, bob].map(({ id }) => registry.find(id) !== undefined)).toEqual([true, true])
  })

  it('counts a session that was begun anonymously for whoever took it over', () => {
    const registry = createRegistry({ maximum: 3 })
    const ada = open(registry, 'ada')
    const [first, second] = [open(registry), open(registry)]
    expect([first.isFor('eve'), second.isFor('eve')]).toEqual([true, true])
    open(registry, 'bob')
    expect([ada, first, second].map(({ id }) => registry.find(id) !== undefined)).toEqual([true, false, true])
  })

  it('never ends one that is in use, and has no room where all are', () => {
    const registry = createRegistry({ maximum: 2 })
    const [listening, calling] = [open(registry), open(registry)]
    listening.unasked.attach(silent)
    server.tool('wait', {}, () => new Promise<string>(() => undefined))
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait' } } as const
    void calling.conversation.handle(call, { send: () => undefined })
    expect(registry.open(shake(), '')).toBeUndefined()
    expect(registry.size).toBe(2)
  })
})

describe('what lies idle', () => {
  it('ends after a while, unless it was used', () => {
    const registry = createRegistry({ idleMs: 1000 })
    const [idle, used, listening] = [open(registry), open(registry), open(registry)]
    listening.unasked.attach(silent)
    at = 999
    used.touch()
    registry.sweep()
    expect(registry.size).toBe(3)
    at = 1000
    registry.sweep()
    expect([idle, used, listening].map(({ id }) => registry.find(id) !== undefined)).toEqual([false, true, true])
    at = 1_000_000
    registry.sweep()
    expect(registry.size).toBe(1)
  })

  it('ends by itself, and leaves no timer and no listener', () => {
    vi.useFakeTimers()
    try {
      const changes = createChanges()
      const stop = vi.fn()
      const subscribe = vi.spyOn(changes, 'subscribe').mockReturnValue(stop)
      const registry = createSessionRegistry(changes, { idleMs: 1000, keepAliveMs: 60_000, now: () => Date.now() })
      open(registry)
      vi.advanceTimersByTime(2000)
      expect([registry.size, vi.getTimerCount(), subscribe.mock.calls.length, stop.mock.calls.length]).toEqual([
        0, 0, 1, 1,
      ])
    } finally {
      vi.useRealTimers()
    }
  })

  it('gives the memory of a thousand sessions back', () => {
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    const registry = createRegistry({ idleMs: 1000 })
    const used = (): number => {
      collect()
      return process.memoryUsage().heapUsed
    }
    open(registry)
    const before = used()
    for (let count = 0; count < 1000; count += 1) {
      const session = open(registry)
      for (let event = 0; event < 20; event += 1)
        session.unasked.send(`{"n":${event},"x":"${'x'.repeat(100)}${count}"}`)
    }
    const full = used()
    at = 5000
    registry.sweep()
    expect(registry.size).toBe(0)
    const after = used()
    expect(full - before).toBeGreaterThan(2_000_000)
    expect(after - before).toBeLessThan((full - before) / 5)
  })
})

describe('the streams of a session', () => {
  const endedStream = (id: string, length = 10): OutgoingStream => {
    const stream = new OutgoingStream({ id, keepAliveMs: 60_000, onGone: () => undefined })
    stream.send(`"${'x'.repeat(length)}"`)
    stream.end()
    return stream
  }

  it('are kept, the oldest that have ended only so many', () => {
    const session = open(createRegistry())
    const running = new OutgoingStream({ id: 'running', keepAliveMs: 60_000, onGone: () => undefined })
    session.keep(running)
    for (let count = 0; count < MAX_STREAMS + 5; count += 1) session.keep(endedStream(`post${count}`))
    expect(session.find('running')).toBe(running)
    expect(session.find('post0')).toBeUndefined()
    expect(session.find(`post${MAX_STREAMS + 4}`)).toBeDefined()
  })

  it('hold only so much', () => {
    const session = open(createRegistry())
    for (let count = 0; count < 5; count += 1) session.keep(endedStream(`post${count}`, MAX_ENDED_LENGTH / 2))
    const kept = [0, 1, 2, 3, 4].filter(count => session.find(`post${count}`))
    expect(kept).toEqual([4])
  })

  it('are forgotten when nobody comes back for them', () => {
    const registry = createRegistry()
    const session = open(registry)
    session.keep(endedStream('post1'))
    at = 5 * 60_000 - 1
    registry.sweep()
    expect(session.find('post1')).toBeDefined()
    at += 1
    registry.sweep()
    expect([session.find('post1'), registry.size]).toEqual([undefined, 1])
  })
})

describe('whose a session is', () => {
  it('is of use to nobody else', () => {
    const session = open(createRegistry(), 'alice')
    expect(['alice', 'bob', ''].map(principal => session.isFor(principal))).toEqual([true, false, false])
  })

  it('goes over to whoever first logs in, and whoever listened before hears no more', () => {
    const session = open(createRegistry())
    const end = vi.fn()
    session.unasked.attach({ ...silent, end })
    expect(session.isFor('')).toBe(true)
    expect(session.isFor('alice')).toBe(true)
    expect(end).toHaveBeenCalledTimes(1)
    expect(['', 'bob', 'alice'].map(principal => session.isFor(principal))).toEqual([false, false, true])
    const write = vi.fn(() => true)
    session.unasked.attach({ ...silent, write, end })
    session.unasked.send('{}')
    expect(write).toHaveBeenCalledTimes(1)
  })
})
