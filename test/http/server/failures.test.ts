import { describe, expect, it } from 'vitest'
import { RpcError } from '../../../src/jsonrpc/errors.ts'
import { callTool, createTestGuard, openSession, sendStateless, startWorld, stateless } from './http-world.ts'

const CANARY = 'canary-3b1f'
const METER = { progressToken: 'meter' }

const fail = (): never => {
  throw Object.assign(new Error(`${CANARY} in the message`), { token: CANARY })
}

describe('R-ERR-1: nothing of a failure reaches the wire, and all of it onError', () => {
  it('of a tool, a resource, a prompt and a method', async () => {
    const world = await startWorld(server => {
      server.tool('fail', {}, fail)
      server.resource('file:///fail', { name: 'fail' }, fail)
      server.prompt('fail', {}, fail)
      server.method('own/fail', fail)
    })
    const session = await openSession(world)
    const requests = [
      stateless('tools/call', { name: 'fail', arguments: {} }),
      stateless('resources/read', { uri: 'file:///fail' }),
      stateless('prompts/get', { name: 'fail' }),
      stateless('own/fail'),
    ]
    for (const request of requests) {
      const { method, id, params } = request
      const { _meta, ...rest } = params
      const texts = [
        await (await sendStateless(world, request)).text(),
        await (await session.send({ body: { jsonrpc: '2.0', id, method, params: rest } })).text(),
      ]
      for (const text of texts) expect(text).not.toContain(CANARY)
      const heard = world.errors.splice(0)
      expect(heard).toHaveLength(2)
      for (const { error, origin } of heard) {
        expect(String(error)).toContain(CANARY)
        expect(origin).toMatchObject({ request: { id, method } })
      }
    }
  })

  it('of a scopes function, before anything runs', async () => {
    let hasRun = false
    const world = await startWorld(
      server => {
        server.tool('fail', { scopes: fail }, () => {
          hasRun = true
          return 'ran'
        })
      },
      { guard: createTestGuard() },
    )
    const reply = await callTool(world, 'fail', {}, { headers: { authorization: 'Bearer alice' } })
    expect([reply.status >= 400, (await reply.text()).includes(CANARY), hasRun]).toEqual([true, false, false])
    expect(String(world.errors[0]?.error)).toContain(CANARY)
  })

  it('of a guard', async () => {
    const world = await startWorld(undefined, { guard: createTestGuard({ authenticate: async () => fail() }) })
    const reply = await callTool(world, 'echo')
    expect(reply.status).toBe(500)
    expect(await reply.json()).toEqual({ jsonrpc: '2.0', error: { code: -32603, message: 'Internal error' } })
    expect(world.errors).toHaveLength(1)
  })
})

describe('what is no JSON', () => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic

  it.each([
    ['a number that JSON has not', { big: 1n }],
    ['a circle', cyclic],
    ['something that fails when it is read', { toJSON: fail }],
  ] as readonly (readonly [string, Record<string, unknown>])[])(
    'is answered with an error, and the process lives: %s',
    async (_what, result) => {
      const world = await startWorld(server => {
        server.method('own/odd', () => result)
        server.method('own/told', async call => {
          call.notify('notifications/own', result)
          return { told: true }
        })
      })
      const session = await openSession(world)
      for (const reply of [
        await sendStateless(world, stateless('own/odd')),
        await session.send({ body: { jsonrpc: '2.0', id: 1, method: 'own/odd' } }),
      ])
        expect(await reply.json()).toMatchObject({
          jsonrpc: '2.0',
          id: expect.anything(),
          error: { code: -32603, message: 'Internal error' },
        })
      expect(world.errors).toHaveLength(2)
      expect((await sendStateless(world, stateless('own/told'))).status).toBe(200)
      expect(world.errors).toHaveLength(3)
      expect((await callTool(world, 'echo')).status).toBe(200)
    },
  )

  it('ends a stream that has begun', async () => {
    const world = await startWorld(server => {
      server.method('own/odd', async call => {
        call.notify('notifications/own', {})
        return { big: 1n }
      })
    })
    const messages = await (await sendStateless(world, stateless('own/odd'))).messages()
    expect(messages.map(({ method, error }) => method ?? error.code)).toEqual(['notifications/own', -32603])
  })
})

it('says nothing after the answer', async () => {
  const world = await startWorld(server => {
    server.tool('late', {}, async (_args, ctx) => {
      setImmediate(() => {
        void ctx.progress(1)
        ctx.notify('notifications/late')
      })
      return 'done'
    })
  })
  const reply = await callTool(world, 'late', {}, {}, METER)
  expect(reply.headers['content-type']).toBe('application/json')
  await reply.text()
  expect((await (await openSession(world)).call('late', 1, METER)).status).toBe(200)
})

it('an error of a handler keeps its code, and what only we should know goes to onError', async () => {
  const world = await startWorld(server => {
    server.method('own/refuse', () => {
      throw new RpcError(-32050, 'Not today', { data: { until: 'tomorrow' }, cause: new Error(CANARY) })
    })
  })
  const reply = await sendStateless(world, stateless('own/refuse'))
  expect(reply.status).toBe(200)
  expect((await reply.json()).error).toEqual({ code: -32050, message: 'Not today', data: { until: 'tomorrow' } })
  expect(world.errors[0]?.error).toMatchObject({ message: CANARY })
})
