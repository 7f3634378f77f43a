import { describe, expect, it, vi } from 'vitest'
import { type ConnectOptions, connect } from '../../src/http/connect.ts'
import { createHandshakeServer, event, result, rpcError } from '../http/scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp'
const DONE = { content: [{ type: 'text', text: 'done' }] }
const ASK = { mode: 'url', url: 'https://pay.example/1', message: 'Pay', elicitationId: 'e1' }
type UrlHandler = NonNullable<NonNullable<ConnectOptions['elicitation']>['url']>

/** A server whose tool needs URLs to be opened until it was called so often. */
function needing(elicitations: unknown, times = 1) {
  let calls = 0
  return createHandshakeServer({
    'tools/call': request =>
      calls++ < times ? rpcError(request, 200, -32042, 'Open this first', { elicitations }) : result(request, DONE),
  })
}
const callsOf = (server: ReturnType<typeof needing>): number =>
  server.methods().filter(method => method === 'tools/call').length
const open = (server: ReturnType<typeof needing>, url?: UrlHandler) =>
  connect(URL_OF_SERVER, { fetch: server.fetch, elicitation: url ? { url } : { form: () => ({ action: 'accept' }) } })

describe('a request that is refused until URLs were opened (−32042)', () => {
  it('is sent once more after the handler has accepted each, one after the other', async () => {
    const server = needing([ASK, { ...ASK, elicitationId: 'e2', url: 'https://pay.example/2' }])
    const opened: string[] = []
    const client = await open(server, async ({ url }) => {
      opened.push(`begin ${url}`)
      await Promise.resolve()
      opened.push(`end ${url}`)
      return { action: 'accept' }
    })
    expect((await client.callTool('pay')).content).toEqual(DONE.content)
    expect(opened).toEqual([1, 2].flatMap(n => [`begin https://pay.example/${n}`, `end https://pay.example/${n}`]))
    expect(callsOf(server)).toBe(2)
  })

  it('is not sent a third time: the second error stands', async () => {
    const server = needing([ASK], 9)
    const url = vi.fn<UrlHandler>(() => ({ action: 'accept' }))
    const client = await open(server, url)
    await expect(client.callTool('pay')).rejects.toMatchObject({ name: 'RpcError', code: -32042 })
    expect([callsOf(server), url.mock.calls.length]).toEqual([2, 1])
  })

  it.each(['decline', 'cancel'] as const)('is not sent again after %s, and nothing more is asked', async action => {
    const server = needing([ASK, { ...ASK, elicitationId: 'e2' }])
    const url = vi.fn<UrlHandler>(() => ({ action }))
    const client = await open(server, url)
    await expect(client.callTool('pay')).rejects.toMatchObject({ code: -32042 })
    expect([callsOf(server), url.mock.calls.length]).toEqual([1, 1])
  })

  it.each<[string, unknown]>([
    ['no list', undefined],
    ['an empty list', []],
    ['a form among them', [ASK, { message: 'Name?', requestedSchema: { type: 'object', properties: {} } }]],
    ['one without an id', [{ ...ASK, elicitationId: undefined }]],
    ['one that is malformed', [{ ...ASK, url: 7 }]],
    ['far too many', Array.from({ length: 33 }, () => ASK)],
  ])('stands with %s, and nobody is asked', async (_what, elicitations) => {
    const server = needing(elicitations)
    const url = vi.fn<UrlHandler>(() => ({ action: 'accept' }))
    const client = await open(server, url)
    await expect(client.callTool('pay')).rejects.toMatchObject({ code: -32042 })
    expect([callsOf(server), url.mock.calls.length]).toEqual([1, 0])
  })

  it('stands without a handler for URLs', async () => {
    const server = needing([ASK])
    const client = await open(server)
    await expect(client.callTool('pay')).rejects.toMatchObject({ code: -32042 })
    expect(callsOf(server)).toBe(1)
  })

  it('is not sent again when the caller has given up meanwhile', async () => {
    const server = needing([ASK])
    const controller = new AbortController()
    const client = await open(server, () => {
      controller.abort()
      return { action: 'accept' }
    })
    const call = client.callTool('pay', {}, { signal: controller.signal })
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
    expect(callsOf(server)).toBe(1)
  })
})

describe('a URL that the server asks for itself', () => {
  const asking = (...messages: object[]) =>
    createHandshakeServer({
      'tools/call': request => {
        const answer = { jsonrpc: '2.0', id: request.message.id, result: DONE }
        const stream = [...messages, answer].map(message => event({ jsonrpc: '2.0', ...message })).join('')
        return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
      },
    })

  it('is told complete after the handler has answered: consent comes before the end', async () => {
    const server = asking({ id: 'q1', method: 'elicitation/create', params: ASK })
    let completed: Promise<string> | undefined
    const client = await open(server, (_ask, context) => {
      completed = context.completed.then(() => 'completed')
      return { action: 'accept' }
    })
    await client.callTool('pay')
    await expect.poll(() => server.requests.some(({ message }) => message?.id === 'q1')).toBe(true)
    server.answer = asking({ method: 'notifications/elicitation/complete', params: { elicitationId: 'e1' } }).answer
    await client.callTool('pay')
    expect(await completed).toBe('completed')
  })

  it('in a mode that was not declared is refused as invalid params', async () => {
    const server = asking({ id: 'q1', method: 'elicitation/create', params: ASK })
    const client = await open(server)
    await client.callTool('pay')
    await expect
      .poll(() => server.requests.find(({ message }) => message?.id === 'q1')?.message.error.code)
      .toBe(-32602)
  })
})
