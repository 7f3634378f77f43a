import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createServer, ResourceNotFoundError, RpcError, type Server } from '../../src/server.ts'
import { authOf } from './raw-connection.ts'

function world(): Server {
  const server = createServer({ name: 'scoped', version: '1' })
  server.tool('free', {}, () => 'x')
  server.tool('fixed', { scopes: ['a', 'b'] }, () => 'x')
  server.tool(
    'by-path',
    {
      input: z.object({ path: z.string() }),
      scopes: ({ path }, auth) => [`read:${path}`, auth?.principal ?? 'nobody'],
    },
    () => 'x',
  )
  server.prompt('fixed', { scopes: ['p'], arguments: { who: { complete: () => ['ada'] } } }, () => 'x')
  server.prompt('open', { arguments: { who: { complete: () => ['ada'] } } }, () => 'x')
  server.prompt('by-who', { arguments: { who: { required: true } }, scopes: ({ who }) => [who] }, () => 'x')
  server.resource('notes://1', { scopes: ['r'] }, () => 'x')
  server.resourceTemplate('people://{name}', { scopes: uri => [uri], complete: { name: () => ['ada'] } }, () => 'x')
  server.resourceTemplate('secret://{name}', { scopes: ['t'], complete: { name: () => ['eve'] } }, () => 'x')
  return server
}
const needs = (server: Server, method: string, params: object, auth = authOf('ada')): Promise<readonly string[]> =>
  server.internals.scopesOf(method, { ...params }, auth)

describe('the scopes of', () => {
  it('a tool are its own, or by its arguments and the caller', async () => {
    const server = world()
    expect(await needs(server, 'tools/call', { name: 'free' })).toEqual([])
    expect(await needs(server, 'tools/call', { name: 'fixed' })).toEqual(['a', 'b'])
    expect(await needs(server, 'tools/call', { name: 'by-path', arguments: { path: 'x' } })).toEqual(['read:x', 'ada'])
  })

  it('a prompt are its own, or by its arguments', async () => {
    const server = world()
    expect(await needs(server, 'prompts/get', { name: 'fixed' })).toEqual(['p'])
    expect(await needs(server, 'prompts/get', { name: 'by-who', arguments: { who: 'w' } })).toEqual(['w'])
  })

  it.each(['resources/read', 'resources/subscribe'])('a resource are its own, or by its URI (%s)', async method => {
    const server = world()
    expect(await needs(server, method, { uri: 'notes://1' })).toEqual(['r'])
    expect(await needs(server, method, { uri: 'people://ada' })).toEqual(['people://ada'])
  })

  it('a subscription are those of every resource that it names', async () => {
    const resourceSubscriptions = ['notes://1', 'people://ada', 'none://x', 'notes://1', 5]
    expect(await needs(world(), 'subscriptions/listen', { notifications: { resourceSubscriptions } })).toEqual([
      'r',
      'people://ada',
    ])
    for (const notifications of [undefined, null, 'x', { resourceSubscriptions: 'notes://1' }])
      expect(await needs(world(), 'subscriptions/listen', { notifications })).toEqual([])
  })

  it('a completion are those of what it completes, and its type decides which that is', async () => {
    const complete = (ref: object): Promise<readonly string[]> => needs(world(), 'completion/complete', { ref })
    expect(await complete({ type: 'ref/prompt', name: 'fixed' })).toEqual(['p'])
    expect(await complete({ type: 'ref/resource', uri: 'secret://{name}' })).toEqual(['t'])
    expect(await complete({ type: 'ref/resource', name: 'open', uri: 'secret://{name}' })).toEqual(['t'])
    expect(await complete({ type: 'ref/prompt', name: 'fixed', uri: 'people://{name}' })).toEqual(['p'])
  })

  it.each([
    ['tools/list', {}],
    ['ping', {}],
    ['tools/call', { name: 'none' }],
    ['tools/call', { name: 5 }],
    ['tools/call', { name: 'by-path', arguments: { path: 5 } }],
    ['tools/call', { name: 'by-path', arguments: [] }],
    ['prompts/get', { name: 'by-who' }],
    ['prompts/get', { name: 'by-who', arguments: { who: 5 } }],
    ['resources/read', { uri: 'none://x' }],
    ['resources/read', {}],
    ['completion/complete', {}],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'none' } }],
  ])('%s %j are none: it needs none, or fails anyway', async (method, params) => {
    expect(await needs(world(), method, params)).toEqual([])
  })
})

describe('an author’s scopes function', () => {
  const failing = [
    [
      'throws',
      () => {
        throw new Error('no database')
      },
    ],
    [
      'throws what clients may read',
      () => {
        throw new RpcError(-32602, 'no')
      },
    ],
    [
      'says that there is no such resource',
      () => {
        throw new ResourceNotFoundError('notes://1')
      },
    ],
    ['gives nothing', () => undefined],
    ['gives one scope instead of a list', () => 'admin'],
    ['gives a promise', async () => ['admin']],
  ] as const

  it.each(failing)('that %s does not pass for needing nothing', async (_how, scopes) => {
    const server = createServer({ name: 'failing', version: '1' })
    const options = { scopes: scopes as never }
    server.tool('tool', options, () => 'x')
    server.prompt('prompt', options, () => 'x')
    server.resource('notes://1', options, () => 'x')
    server.resourceTemplate('people://{name}', options, () => 'x')
    await expect(needs(server, 'tools/call', { name: 'tool' })).rejects.toThrow()
    await expect(needs(server, 'prompts/get', { name: 'prompt' })).rejects.toThrow()
    await expect(needs(server, 'resources/read', { uri: 'notes://1' })).rejects.toThrow()
    await expect(needs(server, 'resources/subscribe', { uri: 'people://ada' })).rejects.toThrow()
    await expect(
      needs(server, 'subscriptions/listen', { notifications: { resourceSubscriptions: ['notes://1'] } }),
    ).rejects.toThrow()
  })
})
