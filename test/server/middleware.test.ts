import { expect } from 'vitest'
import { RpcError, type ServerMiddleware } from '../../src/server.ts'
import { eachWay } from './matrix.ts'

const order: string[] = []
const note =
  (name: string): ServerMiddleware =>
  async (call, next) => {
    if (call.method !== 'tools/call') return next()
    order.push(`${name} before`)
    const result = await next()
    order.push(`${name} after`)
    return result
  }
const special: ServerMiddleware = async (call, next) => {
  const name = call.method === 'tools/call' ? call.params['name'] : undefined
  if (name === 'refused') throw new RpcError(-32000, 'Too often')
  if (name === 'broken') throw new Error('canary')
  if (name === 'cached') return { content: [{ type: 'text', text: 'from elsewhere' }], structuredContent: [1] }
  return next()
}

eachWay(
  'middleware stands around every request, the first outermost',
  async ({ server, open, errors, features }) => {
    order.length = 0
    server.tool('any', {}, () => {
      order.push('handler')
      return 'x'
    })
    const client = await open()
    await client.callTool('any')
    expect(order).toEqual(['a before', 'b before', 'handler', 'b after', 'a after'])
    await expect(client.callTool('refused')).rejects.toMatchObject({ code: -32000, message: 'Too often' })
    await expect(client.callTool('broken')).rejects.toMatchObject({ code: -32603, message: 'Internal error' })
    expect(errors.map(({ error }) => error.message)).toEqual(['canary'])
    const result = await client.callTool('cached')
    expect(result.content).toEqual([{ type: 'text', text: 'from elsewhere' }])
    expect(result.structuredContent).toEqual(features.structuredOutput === 'any-json' ? [1] : undefined)
  },
  { server: { middleware: [note('a'), note('b'), special] } },
)
