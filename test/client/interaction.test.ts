import { describe, expect, it, vi } from 'vitest'
import { connect } from '../../src/http/connect.ts'
import { createHandshakeServer, createStatelessServer, event, eventStream, result } from '../http/scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp'
const DONE = { resultType: 'complete', content: [{ type: 'text', text: 'done' }] }
const FORM = {
  message: 'Who are you?',
  requestedSchema: {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer', default: 30 } },
    required: ['name'],
  },
}
const ASK_FORM = { method: 'elicitation/create', params: FORM }
const ASK_MODEL = {
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }], maxTokens: 10 },
}
const SAMPLE = { role: 'assistant', content: { type: 'text', text: 'hello' }, model: 'm' } as const

/** A stateless server whose tool asks the given rounds before it answers. */
function asking(...rounds: readonly object[]) {
  let round = 0
  return createStatelessServer({
    'tools/call': request => {
      const ask = rounds[round++]
      return result(request, ask ? { resultType: 'input_required', ...ask } : DONE)
    },
  })
}
const calls = (server: ReturnType<typeof asking>) =>
  server.requests.filter(({ message }) => message?.method === 'tools/call').map(({ message }) => message)

describe('input-required results (stateless family)', () => {
  it('are answered by the handlers, with the defaults of the form, and the request is sent again under a new id', async () => {
    const server = asking({ inputRequests: { who: ASK_FORM, what: ASK_MODEL }, requestState: 'opaque ✓' })
    const client = await connect(URL_OF_SERVER, {
      fetch: server.fetch,
      elicitation: { form: ({ message }) => ({ action: 'accept', content: { name: message } }) },
      sampling: () => SAMPLE,
    })
    expect((await client.callTool('ask', { a: 1 })).content).toEqual(DONE.content)
    const [first, second] = calls(server)
    expect(second.id).not.toBe(first.id)
    expect(second.params).toEqual({
      ...first.params,
      inputResponses: { who: { action: 'accept', content: { name: 'Who are you?', age: 30 } }, what: SAMPLE },
      requestState: 'opaque ✓',
    })
  })

  it('a round without state sends none, not even that of the round before', async () => {
    const server = asking({ inputRequests: { a: ASK_MODEL }, requestState: 's1' }, { inputRequests: { b: ASK_MODEL } })
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, sampling: () => SAMPLE })
    await client.callTool('ask')
    const [, second, third] = calls(server)
    expect(Object.keys(second.params.inputResponses)).toEqual(['a'])
    expect(Object.keys(third.params.inputResponses)).toEqual(['b'])
    expect('requestState' in third.params).toBe(false)
  })

  it('concurrent calls do not mix their answers', async () => {
    const server = createStatelessServer({
      'tools/call': request => {
        const { name, requestState } = request.message.params
        if (name === 'plain') return result(request, DONE)
        if (requestState === undefined)
          return result(request, {
            resultType: 'input_required',
            inputRequests: { [name]: ASK_MODEL },
            requestState: `state of ${name}`,
          })
        return result(request, { resultType: 'complete', content: [{ type: 'text', text: requestState }] })
      },
    })
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, sampling: () => SAMPLE })
    const [a, plain, b] = await Promise.all(['a', 'plain', 'b'].map(name => client.callTool(name)))
    expect([a, b].map(answer => answer?.content[0])).toMatchObject([{ text: 'state of a' }, { text: 'state of b' }])
    expect(plain?.content).toEqual(DONE.content)
    const sent = server.requests.filter(({ message }) => message?.params?.name === 'plain')
    expect(Object.keys(sent[0]?.message.params)).not.toContain('inputResponses')
  })

  it('asks nobody when one of the questions cannot be answered', async () => {
    const form = vi.fn()
    const server = asking({ inputRequests: { who: ASK_FORM, what: ASK_MODEL } })
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, elicitation: { form } })
    await expect(client.callTool('ask')).rejects.toMatchObject({
      code: 'input_required',
      message: expect.stringContaining('asks a model'),
    })
    expect(form).not.toHaveBeenCalled()
  })

  it('a server that never has enough is given up on', async () => {
    const server = asking(...Array.from({ length: 20 }, () => ({ inputRequests: { what: ASK_MODEL } })))
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, sampling: () => SAMPLE, maxInputRounds: 3 })
    await expect(client.callTool('ask')).rejects.toMatchObject({ code: 'input_required' })
    expect(calls(server)).toHaveLength(4)
  })

  it('a result with state only means: later, and goes back unanswered', async () => {
    const server = asking({ requestState: 'wait' })
    const client = await connect(URL_OF_SERVER, server)
    await client.callTool('ask')
    expect(calls(server)[1].params).toMatchObject({ requestState: 'wait' })
    expect(calls(server)[1].params).not.toHaveProperty('inputResponses')
  })

  it('what a handler throws is what the call rejects with, and its signal ends the handler', async () => {
    const server = asking({ inputRequests: { who: ASK_FORM } }, { inputRequests: { who: ASK_FORM } })
    const thrown = new Error('no terminal')
    let asked = 0
    const client = await connect(URL_OF_SERVER, {
      fetch: server.fetch,
      elicitation: {
        form: (_ask, context) => {
          if (++asked === 1) throw thrown
          return new Promise((_resolve, reject) =>
            context.signal.addEventListener('abort', () => reject(context.signal.reason)),
          )
        },
      },
    })
    await expect(client.callTool('ask')).rejects.toBe(thrown)
    const controller = new AbortController()
    const call = client.callTool('ask', {}, { signal: controller.signal })
    await expect.poll(() => asked).toBe(2)
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
  })

  it('declares what there is a handler for, on every request, and nothing else', async () => {
    const server = asking()
    const client = await connect(URL_OF_SERVER, {
      fetch: server.fetch,
      elicitation: { url: () => ({ action: 'cancel' }) },
      sampling: { handler: () => SAMPLE, tools: true },
      roots: [],
    })
    await client.callTool('ask')
    for (const { message } of server.requests) {
      expect(message.params._meta['io.modelcontextprotocol/clientCapabilities']).toEqual({
        elicitation: { url: {} },
        sampling: { tools: {} },
        roots: { listChanged: true },
        extensions: { 'io.modelcontextprotocol/tasks': {} },
      })
    }
  })
})

describe('requests of the server (handshake family)', () => {
  /** A tool that asks on the stream of its own answer. */
  const askingNested = (question: object) =>
    createHandshakeServer({
      'tools/call': request =>
        eventStream(
          event({ jsonrpc: '2.0', id: 'q', ...question }),
          event({ jsonrpc: '2.0', id: request.message.id, result: { content: [] } }),
        ),
    })
  const answered = async (server: ReturnType<typeof askingNested>) => {
    await expect.poll(() => server.requests.some(({ message }) => message?.id === 'q')).toBe(true)
    return server.requests.find(({ message }) => message?.id === 'q')?.message
  }

  it('are answered by the same handlers', async () => {
    const server = askingNested(ASK_FORM)
    const client = await connect(URL_OF_SERVER, {
      fetch: server.fetch,
      elicitation: { form: () => ({ action: 'accept', content: { name: 'Ada' } }) },
    })
    await client.callTool('ask')
    expect((await answered(server)).result).toEqual({ action: 'accept', content: { name: 'Ada', age: 30 } })
  })

  it('roots may be found anew every time, and a change is told', async () => {
    const server = askingNested({ method: 'roots/list' })
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, roots: async () => [{ uri: 'file:///home' }] })
    await client.callTool('ask')
    expect((await answered(server)).result).toEqual({ roots: [{ uri: 'file:///home' }] })
    await client.rootsChanged()
    expect(server.methods()).toContain('notifications/roots/list_changed')
  })

  it('a url handler learns that the server is done', async () => {
    let done = false
    const server = createHandshakeServer({
      'tools/call': request =>
        eventStream(
          event({
            jsonrpc: '2.0',
            id: 'q',
            method: 'elicitation/create',
            params: { mode: 'url', message: 'Pay', url: 'https://pay.example/1', elicitationId: 'e1' },
          }),
          event({ jsonrpc: '2.0', method: 'notifications/elicitation/complete', params: { elicitationId: 'e1' } }),
          event({ jsonrpc: '2.0', id: request.message.id, result: { content: [] } }),
        ),
    })
    const client = await connect(URL_OF_SERVER, {
      fetch: server.fetch,
      elicitation: {
        url: async (_ask, { completed }) => {
          await completed
          done = true
          return { action: 'accept' }
        },
      },
    })
    await client.callTool('ask')
    expect((await answered(server)).result).toEqual({ action: 'accept' })
    expect(done).toBe(true)
  })

  it('a malformed question is refused, and the handler is not bothered', async () => {
    const form = vi.fn()
    const server = askingNested({ method: 'elicitation/create', params: { message: 1 } })
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, elicitation: { form } })
    await client.callTool('ask')
    expect((await answered(server)).error.code).toBe(-32602)
    expect(form).not.toHaveBeenCalled()
  })

  it('while a person is asked, the clock of the call stands still', async () => {
    const server = askingNested(ASK_FORM)
    const onError = vi.fn()
    let answer: (() => void) | undefined
    const client = await connect(URL_OF_SERVER, {
      fetch: async (input, init) => {
        const response = await server.fetch(input, init)
        if (server.methods().at(-1) !== 'tools/call') return response
        // The question arrives at once; the answer only after the person's.
        const [question = '', last = ''] = (await response.text()).split('\n\n')
        return new Response(
          new ReadableStream({
            async start(controller) {
              const encode = (text: string) => controller.enqueue(new TextEncoder().encode(`${text}\n\n`))
              encode(question)
              await new Promise<void>(resolve => (answer = resolve))
              encode(last)
              controller.close()
            },
          }),
          { headers: { 'content-type': 'text/event-stream' } },
        )
      },
      onError,
      elicitation: {
        form: async () => {
          await new Promise(resolve => setTimeout(resolve, 120))
          answer?.()
          return { action: 'decline' }
        },
      },
    })
    await client.callTool('ask', {}, { timeoutMs: 60 })
    expect(onError).not.toHaveBeenCalled()
  })
})

describe('log levels', () => {
  it('go to a handshake server once', async () => {
    const server = createHandshakeServer({ 'logging/setLevel': {}, 'tools/call': { content: [] } })
    const client = await connect(URL_OF_SERVER, server)
    await client.setLogLevel('warning')
    await client.callTool('ask')
    expect(server.methods().filter(method => method === 'logging/setLevel')).toHaveLength(1)
  })

  it('go with every request of a stateless server, or with one', async () => {
    const server = asking()
    const client = await connect(URL_OF_SERVER, server)
    await client.callTool('ask', {}, { logLevel: 'debug' })
    await client.setLogLevel('error')
    await client.callTool('ask')
    const levels = calls(server).map(({ params }) => params._meta['io.modelcontextprotocol/logLevel'])
    expect(levels).toEqual(['debug', 'error'])
    expect(server.methods()).not.toContain('logging/setLevel')
  })
})

describe('middleware', () => {
  it('stands around every request, the first outermost, and may change, answer or repeat it', async () => {
    const server = asking()
    const seen: string[] = []
    const client = await connect(URL_OF_SERVER, {
      fetch: server.fetch,
      middleware: [
        async (request, next) => {
          seen.push(`> ${request.method}`)
          const answer = await next()
          seen.push('<')
          return answer
        },
        (request, next) =>
          request.method === 'resources/read'
            ? Promise.resolve({ contents: [] })
            : next({ ...request, params: { ...request.params, arguments: { changed: true } } }),
      ],
    })
    expect(await client.readResource('x:1')).toEqual({ contents: [] })
    await client.callTool('ask', { changed: false })
    expect(calls(server)[0].params.arguments).toEqual({ changed: true })
    expect(seen).toEqual(['> resources/read', '<', '> tools/call', '<'])
  })
})
