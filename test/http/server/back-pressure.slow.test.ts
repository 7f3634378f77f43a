import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../../src/http/server/app.ts'
import { toNodeHandler } from '../../../src/node/to-node-handler.ts'
import { createServer } from '../../../src/server/create-server.ts'
import {
  callTool,
  gate,
  openRaw,
  openSession,
  rawPost,
  sendStateless,
  startWorld,
  stateless,
  STATELESS,
  type RawConnection,
} from './http-world.ts'

setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void

function memory(): number {
  collect()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}

/** Calls a tool and reads nothing of the answer. */
function callWithoutReading(world: { readonly port: number }, name: string): RawConnection {
  const raw = openRaw(world)
  raw.socket.pause()
  const body = JSON.stringify(stateless('tools/call', { name, arguments: {} }, { progressToken: 'meter' }))
  const headers = {
    'mcp-protocol-version': STATELESS,
    'mcp-method': 'tools/call',
    'mcp-name': name,
    'content-length': String(body.length),
  }
  raw.socket.write(`${rawPost(headers)}${body}`)
  return raw
}

describe('a client that does not read', () => {
  it('costs bounded memory however much progress is told, and finds the answer when it reads', async () => {
    const flooded = gate()
    const world = await startWorld(server => {
      server.tool('flood', {}, async (_args, ctx) => {
        for (let n = 1; n <= 200_000; n += 1) {
          void ctx.progress(n, undefined, 'x'.repeat(200))
          if (n % 1000 === 0) await new Promise(setImmediate)
        }
        flooded.open()
        return 'the answer'
      })
    })
    const before = memory()
    const raw = callWithoutReading(world, 'flood')
    await flooded.promise
    // 200 000 notifications would be more than 60 MB.
    expect(memory() - before).toBeLessThan(40 * 1024 * 1024)
    raw.socket.resume()
    expect(await raw.saw('the answer')).toContain('"progress":1,')
  })

  it('holds back a handler that waits for it', async () => {
    let told = 0
    const world = await startWorld(server => {
      server.tool('flood', {}, async (_args, ctx) => {
        for (let n = 1; n <= 5000; n += 1) {
          await ctx.progress(n, undefined, 'x'.repeat(4000))
          told = n
        }
        return 'the answer'
      })
    })
    const raw = callWithoutReading(world, 'flood')
    let seen = -1
    await expect
      .poll(
        () => {
          const isStill = told > 0 && seen === told
          seen = told
          return isStill
        },
        { interval: 100 },
      )
      .toBe(true)
    expect(told).toBeLessThan(4000)
    raw.socket.resume()
    const text = await raw.saw('the answer')
    expect(text.match(/"progress":/g)).toHaveLength(5000)
  })

  it('is cut off when it is told more than can wait, which cancels the call', async () => {
    const aborted = gate()
    const world = await startWorld(server => {
      server.tool('flood', {}, async (_args, ctx) => {
        ctx.signal.addEventListener('abort', () => aborted.open())
        for (let n = 1; n <= 40_000 && !ctx.signal.aborted; n += 1) {
          ctx.notify('notifications/own', { n, filler: 'x'.repeat(1000) })
          if (n % 1000 === 0) await new Promise(setImmediate)
        }
        return 'the answer'
      })
    })
    const raw = callWithoutReading(world, 'flood')
    await aborted.promise
    raw.socket.resume()
    await raw.closed
    expect(raw.received()).not.toContain('the answer')
    expect(raw.received()).not.toMatch(/\r\n0\r\n\r\n$/)
  })

  it.each(['answer', 'stream'])('is cut off when it takes nothing of its %s for too long', async what => {
    const server = createServer({ name: 'x', version: '1' })
    server.tool('answer', {}, () => 'x'.repeat(16 * 1024 * 1024))
    server.tool('stream', {}, async (_args, ctx) => {
      await ctx.progress(1, undefined, 'x'.repeat(16 * 1024 * 1024))
      return 'done'
    })
    const http = createHttpServer(toNodeHandler(createApp(server), { stallTimeoutMs: 200 }))
    await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void http.close())
    const raw = callWithoutReading(http.address() as AddressInfo, what)
    await expect
      .poll(() => new Promise(resolve => http.getConnections((_error, count) => resolve(count))), { timeout: 5000 })
      .toBe(1)
    await expect
      .poll(() => new Promise(resolve => http.getConnections((_error, count) => resolve(count))), { timeout: 5000 })
      .toBe(0)
    raw.socket.destroy()
  })
})

describe('many at once', () => {
  it('a thousand subscriptions hear of a change, and one too many is told so', async () => {
    const world = await startWorld(undefined, { maxSubscriptions: 1000 })
    const message = (): object => stateless('subscriptions/listen', { notifications: { toolsListChanged: true } })
    const replies = await Promise.all(Array.from({ length: 1000 }, () => sendStateless(world, message())))
    const heard = replies.map(async reply => {
      for await (const event of reply.events())
        if (event.message?.method === 'notifications/tools/list_changed') return true
      return false
    })
    const refused = await sendStateless(world, message())
    expect((await refused.json()).error.message).toContain('at most 1000 subscriptions')
    world.server.tool('new', {}, () => 'new')
    expect((await Promise.all(heard)).every(Boolean)).toBe(true)
    for (const reply of replies) reply.drop()
    await expect
      .poll(async () => {
        const again = await sendStateless(world, message())
        const isOpen = again.headers['content-type'] === 'text/event-stream'
        again.drop()
        return isOpen
      })
      .toBe(true)
  })

  it('hundreds of calls, sessions and lost connections leave nothing behind', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    onTestFinished(() => void process.off('warning', onWarning))
    const world = await startWorld(
      server => {
        server.tool('tell', {}, async (_args, ctx) => {
          for (let n = 1; n <= 50; n += 1) await ctx.progress(n)
          return 'told'
        })
      },
      { sessions: { maximum: 50 } },
    )
    const round = async (): Promise<void> => {
      await Promise.all(
        Array.from({ length: 25 }, async (_, index) => {
          const reply = await callTool(world, 'tell', {}, {}, { progressToken: 'meter' })
          if (index % 2 === 0) reply.drop()
          else await reply.text()
          const session = await openSession(world)
          const told = await session.call('tell', 1, { progressToken: 'meter' })
          if (index % 2 === 0) told.drop()
          else await told.text()
        }),
      )
    }
    for (let count = 0; count < 3; count += 1) await round()
    const before = memory()
    for (let count = 0; count < 15; count += 1) await round()
    expect(memory() - before).toBeLessThan(8 * 1024 * 1024)
    expect(warnings).toEqual([])
    expect(world.errors).toEqual([])
  })
})
