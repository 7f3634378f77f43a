import { describe, expect, it, vi } from 'vitest'
import { connectGroup } from '../../src/client.ts'
import { connect } from '../../src/http/connect.ts'
import { createStatelessServer, result, rpcError } from '../http/scripted-server.ts'

/** A server with tools of these names, each of which says who was called. */
function serving(server: string, ...names: string[]) {
  const { fetch } = createStatelessServer({
    'tools/list': {
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
      tools: names.map(name => ({ name, inputSchema: { type: 'object' } })),
    },
    'tools/call': request =>
      result(request, {
        resultType: 'complete',
        content: [{ type: 'text', text: `${server}/${request.message.params.name}` }],
      }),
  })
  return () => connect(`https://${server}.example/mcp`, { fetch })
}
const text = async (call: Promise<{ content: readonly object[] }>) => (await call).content[0]

describe('several servers', () => {
  it('are one toolbox, with colliding names told apart by their server', async () => {
    const group = await connectGroup({ a: serving('a', 'search', 'only_a'), b: serving('b', 'search', 'a_search') })
    const tools = await group.tools()
    expect(tools.map(({ name, server, originalName }) => [name, server, originalName])).toEqual([
      ['a_search_', 'a', 'search'],
      ['only_a', 'a', 'only_a'],
      ['b_search', 'b', 'search'],
      ['a_search', 'b', 'a_search'],
    ])
    expect(await text(group.callTool('a_search_'))).toMatchObject({ text: 'a/search' })
    expect(await text(group.callTool('a_search'))).toMatchObject({ text: 'b/a_search' })
    await group.close()
  })

  it('a call lists the tools when they were never listed; an unknown name is an error', async () => {
    await using group = await connectGroup({ a: serving('a', 'search') })
    expect(await text(group.callTool('search'))).toMatchObject({ text: 'a/search' })
    await expect(group.callTool('other')).rejects.toMatchObject({ code: 'configuration' })
  })

  it('one that cannot be reached, or not be listed, does not keep the others away', async () => {
    const broken = createStatelessServer({ 'tools/list': request => rpcError(request, 500, -32603, 'broken') })
    const group = await connectGroup({
      away: () => Promise.reject(new Error('nobody there')),
      broken: () => connect('https://broken.example/mcp', broken),
      a: serving('a', 'search'),
    })
    expect([...group.failures.keys()]).toEqual(['away'])
    const onFailure = vi.fn()
    expect((await group.tools({ onFailure })).map(({ name }) => name)).toEqual(['search'])
    expect(onFailure).toHaveBeenCalledWith('broken', expect.objectContaining({ code: -32603 }))
    await group.close()
  })

  it.each(['', 'a b', 'ä', 'x'.repeat(65)])('none can be named %j', async name => {
    await expect(connectGroup({ [name]: serving('a') })).rejects.toMatchObject({ code: 'configuration' })
  })
})
