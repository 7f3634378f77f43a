import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/http/connect.ts'

let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A server that breaks the connection the first time it gets `dropped`, before it answers anything. */
async function start(dropped: string): Promise<{ readonly url: string; readonly methods: string[] }> {
  const methods: string[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const { id, method } = JSON.parse(body) as { id?: number; method: string }
    methods.push(method)
    if (method === dropped && methods.filter(each => each === dropped).length === 1) {
      request.socket.destroy()
      return
    }
    if (id === undefined) {
      response.writeHead(202).end()
      return
    }
    const answers: Record<string, object> = {
      initialize: {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 's', version: '1' },
      },
      'tools/list': { tools: [] },
      'tools/call': { content: [] },
    }
    const result = answers[method]
    const outcome = result ? { result } : { error: { code: -32601, message: 'Method not found' } }
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }))
  }
  server = createServer((request, response) => void answer(request, response))
  await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, methods }
}

const count = (methods: readonly string[], method: string): number => methods.filter(each => each === method).length

describe('a connection that breaks before an answer, as one kept for too long does', () => {
  it.each(['server/discover', 'initialize', 'notifications/initialized', 'tools/list'])(
    '%s is sent once more: twice does no harm',
    async method => {
      const { url, methods } = await start(method)
      const client = await connect(url)
      await expect(client.listTools()).resolves.toMatchObject({ tools: [] })
      expect(count(methods, method)).toBe(2)
      await client.close()
    },
  )

  it('a tool is not called again: it may have run', async () => {
    const { url, methods } = await start('tools/call')
    const client = await connect(url)
    await expect(client.callTool('pay')).rejects.toMatchObject({ code: 'network', detail: { mayHaveRun: true } })
    expect(count(methods, 'tools/call')).toBe(1)
    await client.close()
  })
})
