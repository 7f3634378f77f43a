import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collectBytes } from '../../../src/http/server/body-bytes.ts'
import { MAX_JSON_DEPTH, parseBody } from '../../../src/http/server/json-body.ts'
import {
  Agent,
  callTool,
  openRaw,
  rawPost,
  send,
  sendStateless,
  startWorld,
  stateless,
  STATELESS,
} from './http-world.ts'

const forStateless = { 'mcp-protocol-version': STATELESS, 'mcp-method': 'tools/call', 'mcp-name': 'echo' }

describe('the type of a body', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON;x=y', 'application/vnd.mcp+json'])(
    'takes %s',
    async type => {
      const world = await startWorld()
      expect((await callTool(world, 'echo', {}, { headers: { 'content-type': type } })).status).toBe(200)
    },
  )

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'x/application/json',
    '',
  ])('refuses "%s", which a page may send anywhere', async type => {
    const world = await startWorld()
    const reply = await callTool(world, 'echo', {}, { headers: { 'content-type': type } })
    expect(reply.status).toBe(415)
    expect((await reply.json()).error.message).toContain('application/json')
  })
})

describe('the size of a body', () => {
  it('refuses more than 4 MiB that are announced, and the client gets to know', async () => {
    const world = await startWorld()
    const reply = await send(world, { headers: forStateless, body: ' '.repeat(8 * 1024 * 1024) })
    expect(reply.status).toBe(413)
    expect(await reply.json()).toMatchObject({ error: { code: -32600 } })
  })

  it('does not wait for a body that is announced as too large', async () => {
    const world = await startWorld()
    const raw = openRaw(world)
    raw.socket.write(rawPost({ 'content-length': '999999999999' }))
    expect(await raw.saw('too large')).toMatch(/^HTTP\/1\.1 413 [^]*connection: close/i)
  })

  it('lets a client finish that still sends, so that it reads the answer', async () => {
    const world = await startWorld(undefined, { maxBodyBytes: 1000 })
    const raw = openRaw(world)
    raw.socket.write(rawPost({ 'content-length': '4000000' }))
    await raw.saw('too large')
    for (let count = 0; count < 4; count += 1) {
      await new Promise(resolve => raw.socket.write(' '.repeat(1_000_000), resolve))
    }
    await raw.closed
    expect(raw.errors).toEqual([])
  })

  it('refuses chunks that are too many, as soon as they are', async () => {
    const world = await startWorld(undefined, { maxBodyBytes: 1000 })
    const raw = openRaw(world)
    raw.socket.write(`${rawPost({ 'transfer-encoding': 'chunked' })}3e9\r\n${' '.repeat(1001)}\r\n`)
    expect(await raw.saw('too large')).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('takes exactly as much as is allowed', async () => {
    const message = stateless('tools/call', { name: 'echo', arguments: {} })
    const bytes = Buffer.byteLength(JSON.stringify(message))
    const world = await startWorld(undefined, { maxBodyBytes: bytes })
    expect((await sendStateless(world, message)).status).toBe(200)
    expect((await send(world, { headers: forStateless, body: `${JSON.stringify(message)} ` })).status).toBe(413)
  })

  it('keeps millions of tiny pieces in no more memory than the body', () => {
    const collected = collectBytes(4 * 1024 * 1024)
    const before = process.memoryUsage()
    const piece = Buffer.from('x')
    for (let count = 0; count < 4 * 1024 * 1024; count += 1) collected.add(piece)
    const after = process.memoryUsage()
    expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(32 * 1024 * 1024)
    expect(collected.text()).toHaveLength(4 * 1024 * 1024)
    expect(collected.add(piece)).toBe(false)
  })

  it('puts text together however its bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 20 }),
        (text, cuts) => {
          const bytes = Buffer.from(text)
          const collected = collectBytes(1000)
          let at = 0
          for (const cut of cuts) {
            collected.add(bytes.subarray(at, at + cut))
            at += cut
          }
          collected.add(bytes.subarray(at))
          expect(collected.text()).toBe(text.replace(/^\uFEFF/, ''))
        },
      ),
    )
  })
})

describe('how a body comes', () => {
  it('gives up a slow one with 408', async () => {
    const world = await startWorld(undefined, { bodyTimeoutMs: 30 })
    const raw = openRaw(world)
    raw.socket.write(`${rawPost({ 'content-length': '100' })}{`)
    expect(await raw.saw('too slow')).toMatch(/^HTTP\/1\.1 408 [^]*connection: close/i)
  })

  it('forgets one whose connection is lost, and goes on', async () => {
    const world = await startWorld()
    const raw = openRaw(world)
    await new Promise(resolve => raw.socket.write(`${rawPost({ 'content-length': '100' })}{`, resolve))
    raw.socket.destroy()
    await raw.closed
    expect((await callTool(world, 'echo')).status).toBe(200)
    expect(world.errors).toEqual([])
  })

  it.each([
    ['of another type', { 'content-type': 'text/plain' }, 415],
    ['that is no JSON', {}, 400],
  ] as const)('uses a connection again after a body %s', async (_what, headers, status) => {
    const world = await startWorld()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const refused = await send(world, { headers, body: 'x'.repeat(200_000), agent })
    expect(refused.status).toBe(status)
    await refused.text()
    const reply = await callTool(world, 'echo', {}, { agent })
    expect(reply.status).toBe(200)
    await reply.text()
    expect(Object.keys(agent.freeSockets)).toHaveLength(1)
    agent.destroy()
  })
})

describe('what a body says', () => {
  const deep = (levels: number, open = '[', close = ']'): string => open.repeat(levels) + close.repeat(levels)

  it('may be nested, but not too deeply', () => {
    expect(parseBody(deep(MAX_JSON_DEPTH))).toMatchObject({ ok: true })
    expect(parseBody(deep(MAX_JSON_DEPTH + 1))).toMatchObject({ ok: false, why: expect.stringContaining('deeper') })
    expect(parseBody(`${'{"a":'.repeat(101)}1${'}'.repeat(101)}`)).toMatchObject({ ok: false })
    expect(parseBody(deep(2_000_000))).toMatchObject({ ok: false })
  })

  it('counts no brackets in strings, whatever is escaped in them', () => {
    const text = JSON.stringify({ a: '['.repeat(500), b: `"${'{'.repeat(500)}\\`, c: '\\"[[', d: '\\\\' })
    expect(parseBody(text)).toEqual({ ok: true, value: JSON.parse(text) })
    expect(parseBody(`"\\\\",${'['.repeat(200)}`)).toMatchObject({ ok: false, why: expect.stringContaining('deeper') })
  })

  it('reads whatever JSON.parse reads, and never throws', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 20 }), text => {
        expect(parseBody(text)).toEqual({ ok: true, value: JSON.parse(text) })
      }),
    )
    fc.assert(
      fc.property(fc.string(), text => {
        expect(typeof parseBody(text).ok).toBe('boolean')
      }),
    )
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['two values', '{}{}'],
    ['broken UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22])],
    ['half a character', Buffer.from([0x22, 0xe2, 0x82, 0x22])],
    ['too many levels', '['.repeat(500)],
  ])('R-RPC-1 answers %s with a parse error', async (_what, body) => {
    const world = await startWorld()
    const old = await send(world, { body })
    expect(old.status).toBe(400)
    expect(await old.json()).toMatchObject({ id: null, error: { code: -32700 } })
    for (const version of ['2025-11-25', STATELESS]) {
      const reply = await send(world, { body, headers: { 'mcp-protocol-version': version } })
      expect(reply.status).toBe(400)
      const answer = await reply.json()
      expect(answer).toMatchObject({ jsonrpc: '2.0', error: { code: -32700 } })
      expect(answer).not.toHaveProperty('id')
    }
  })

  it('may begin with a byte order mark (RFC 8259 §8.1)', async () => {
    const world = await startWorld()
    const message = stateless('tools/call', { name: 'echo', arguments: {} })
    const reply = await send(world, { headers: forStateless, body: `\uFEFF${JSON.stringify(message)}` })
    expect(reply.status).toBe(200)
  })

  it('keeps what is no text by itself: half a surrogate pair that is escaped', async () => {
    const seen: unknown[] = []
    const world = await startWorld(server => {
      server.tool('see', {}, args => void seen.push(args))
    })
    const text = JSON.stringify(stateless('tools/call', { name: 'see', arguments: {} })).replace(
      '"arguments":{}',
      '"arguments":{"a":"\\ud800"}',
    )
    expect((await send(world, { headers: { ...forStateless, 'mcp-name': 'see' }, body: text })).status).toBe(200)
  })

  it('does no harm with keys that occur twice, or are called __proto__', async () => {
    const seen: any[] = []
    const world = await startWorld(server => {
      server.method('own/see', call => {
        seen.push(call.params)
        return {}
      })
    })
    const text = JSON.stringify(stateless('own/see', { a: 1 })).replace(
      '"a":1',
      '"a":1,"a":2,"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}',
    )
    const reply = await send(world, { headers: { ...forStateless, 'mcp-method': 'own/see' }, body: text })
    expect(reply.status).toBe(200)
    expect(seen[0].a).toBe(2)
    expect(seen[0].polluted).toBeUndefined()
    expect(({} as any).polluted).toBeUndefined()
  })
})
