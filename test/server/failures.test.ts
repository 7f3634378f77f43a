import { expect } from 'vitest'
import { z } from 'zod'
import { ResourceNotFoundError, RpcError, ToolError } from '../../src/server.ts'
import { eachWay } from './matrix.ts'

const CANARY = 'canary-7f3a'

eachWay('R-ERR-1 what a handler throws stays with onError, beside the raw request', async cell => {
  const { server, open, errors, wire } = cell
  const boom = new Error(`the database said ${CANARY}`, { cause: CANARY })
  const fail = (): never => {
    throw boom
  }
  server.tool('tool', {}, fail)
  server.prompt('prompt', { arguments: { a: { complete: fail } } }, fail)
  server.resource('notes://1', {}, fail)
  server.resourceTemplate('list://{x}', { list: fail }, fail)
  server.method('com.example/fail', fail)
  const client = await open()
  expect(await client.callTool('tool', { secret: 'argument' })).toMatchObject({ isError: true })
  const general = { code: -32603, message: 'Internal error' }
  await expect(client.getPrompt('prompt')).rejects.toMatchObject(general)
  await expect(client.readResource('notes://1')).rejects.toMatchObject(general)
  await expect(client.listResources()).rejects.toMatchObject(general)
  await expect(client.complete({ type: 'ref/prompt', name: 'prompt' }, { name: 'a', value: '' })).rejects.toMatchObject(
    general,
  )
  await expect(client.request('com.example/fail')).rejects.toMatchObject(general)
  expect(errors.map(({ error }) => error)).toEqual([boom, boom, boom, boom, boom, boom])
  expect(errors[0]?.origin).toMatchObject({
    request: { jsonrpc: '2.0', method: 'tools/call', params: { name: 'tool', arguments: { secret: 'argument' } } },
  })
  expect(JSON.stringify(wire())).not.toContain(CANARY)
})

eachWay('a ToolError is read by the model, an RpcError by the client', async ({ server, open, errors }) => {
  server.tool('tool', {}, () => {
    throw new ToolError('No otter today')
  })
  server.tool('rpc', {}, () => {
    throw new RpcError(-32000, 'Quota used up', { data: { resetsInMs: 5 } })
  })
  server.prompt('rpc', {}, () => {
    throw new RpcError(-32602, 'Not for you', { cause: new Error(CANARY) })
  })
  const client = await open()
  expect(await client.callTool('tool')).toMatchObject({
    isError: true,
    content: [{ type: 'text', text: 'No otter today' }],
  })
  await expect(client.callTool('rpc')).rejects.toMatchObject({
    code: -32000,
    message: 'Quota used up',
    data: { resetsInMs: 5 },
  })
  await expect(client.getPrompt('rpc')).rejects.toMatchObject({ code: -32602, message: 'Not for you' })
  expect(errors.map(({ error }) => error.message)).toEqual([CANARY])
})

eachWay('arguments that do not fit are for the model to mend, and name the field', async ({ server, open, errors }) => {
  let runs = 0
  const run = (): string => `${(runs += 1)}`
  const input = z.object({ path: z.string(), depth: z.object({ max: z.number().int() }) })
  server.tool('zod', { input }, run)
  server.tool('json', { input: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] } }, run)
  const client = await open()
  const textOf = async (name: string, args: Record<string, unknown>): Promise<string> => {
    const { isError, content } = await client.callTool(name, args)
    expect(isError).toBe(true)
    return (content[0] as { text: string }).text
  }
  expect(await textOf('zod', { path: 1, depth: { max: 'deep' } })).toMatch(/- path: .*\n- depth\.max: /s)
  expect(await textOf('json', {})).toContain('path')
  expect(runs).toBe(0)
  expect(errors).toEqual([])
})

eachWay('what is not there is −32602, and a method that is not there −32601', async ({ server, open, features }) => {
  server.tool('a', {}, () => 'x')
  server.prompt('a', { arguments: { must: { required: true } } }, () => 'x')
  server.resource('notes://1', {}, () => 'x')
  const client = await open()
  await expect(client.callTool('b')).rejects.toMatchObject({ code: -32602, message: expect.stringContaining('b') })
  await expect(client.getPrompt('b')).rejects.toMatchObject({ code: -32602, message: expect.stringContaining('b') })
  await expect(client.getPrompt('a')).rejects.toMatchObject({ code: -32602, message: expect.stringContaining('must') })
  await expect(client.getPrompt('a', { must: 5 as never })).rejects.toMatchObject({
    code: -32602,
    message: expect.stringContaining('must'),
  })
  await expect(client.request('com.example/none')).rejects.toMatchObject({ code: -32601 })
  await expect(client.request('tools/call', { name: 'a', arguments: [] })).rejects.toMatchObject({ code: -32602 })
  await expect(client.request('tools/call', {})).rejects.toMatchObject({ code: -32602 })
  expect(features).toBeDefined()
})

eachWay(
  'R-RES-1 an unknown resource names its URI, in the code of its revision',
  async ({ server, open, features }) => {
    const missing = (uri: string): object => ({
      code: features.resourceNotFoundCode,
      message: `Resource not found: ${uri}`,
      data: { uri },
    })
    server.resource('notes://1', {}, uri => {
      throw new ResourceNotFoundError(`${uri}/gone`)
    })
    server.resourceTemplate('notes://{id}/x', { complete: { id: () => ['1'] } }, () => 'x')
    const client = await open()
    await expect(client.readResource('notes://none')).rejects.toMatchObject(missing('notes://none'))
    await expect(client.readResource('notes://1')).rejects.toMatchObject(missing('notes://1/gone'))
    await expect(
      client.complete({ type: 'ref/resource', uri: 'notes://{no}' }, { name: 'no', value: '' }),
    ).rejects.toMatchObject(missing('notes://{no}'))
    if (features.family === 'handshake')
      await expect(client.request('resources/subscribe', { uri: 'notes://none' })).rejects.toMatchObject(
        missing('notes://none'),
      )
  },
)

eachWay(
  'methods of a capability that the server does not have are not there',
  async ({ open }) => {
    const client = await open()
    for (const [method, params] of [
      ['tools/list', {}],
      ['tools/call', { name: 'a' }],
      ['prompts/list', {}],
      ['resources/list', {}],
      ['completion/complete', { ref: { type: 'ref/prompt', name: 'a' }, argument: { name: 'a', value: '' } }],
    ] as const)
      await expect(client.request(method, params)).rejects.toMatchObject({ code: -32601 })
    expect(Object.keys(client.serverCapabilities)).not.toContain('tools')
  },
  { transports: ['memory'] },
)
