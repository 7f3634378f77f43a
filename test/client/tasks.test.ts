import { describe, expect, it, vi } from 'vitest'
import type { Task } from '../../src/client.ts'
import { connect } from '../../src/http/connect.ts'
import {
  createHandshakeServer,
  createStatelessServer,
  result,
  rpcError,
  type ScriptedRequest,
} from '../http/scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp'
const task = (status: string, more: object = {}) => ({
  taskId: 't1',
  status,
  createdAt: '2026-11-21T00:00:00Z',
  lastUpdatedAt: '2026-11-21T00:00:00Z',
  ttlMs: null,
  pollIntervalMs: 50,
  ...more,
})
const DONE = { content: [{ type: 'text', text: 'done' }] }
const ASK = {
  method: 'elicitation/create',
  params: { message: 'Sure?', requestedSchema: { type: 'object', properties: {} } },
}

/** A stateless server whose tool becomes a task, which then stands as given, look after look; the last stands for all that follow. */
function tasking(...looks: (object | ((request: ScriptedRequest) => Response))[]) {
  let look = 0
  return createStatelessServer({
    'tools/call': { resultType: 'task', ...task('working') },
    'tasks/get': request => {
      const answer = looks[Math.min(look++, looks.length - 1)] ?? {}
      return typeof answer === 'function' ? answer(request) : result(request, { resultType: 'complete', ...answer })
    },
    'tasks/update': { resultType: 'complete' },
    'tasks/cancel': { resultType: 'complete' },
  })
}
const sent = (server: ReturnType<typeof tasking>, method: string) =>
  server.requests.filter(({ message }) => message?.method === method)

describe('a call that becomes a task', () => {
  it('is simply awaited, and its status can be heard', async () => {
    const server = tasking(task('working', { statusMessage: 'half' }), task('completed', { result: DONE }))
    const client = await connect(URL_OF_SERVER, server)
    const heard: Task[] = []
    expect(await client.callTool('slow', {}, { onTask: each => heard.push(each) })).toMatchObject(DONE)
    expect(heard.map(({ status, statusMessage }) => statusMessage ?? status)).toEqual(['working', 'half', 'completed'])
    expect(sent(server, 'tasks/get')[0]?.headers.get('mcp-name')).toBe('t1')
    expect(sent(server, 'tasks/get')[0]?.message.params.taskId).toBe('t1')
  })

  it('a failure of the tool is a result, a failure of the task the error it names', async () => {
    const failing = await connect(URL_OF_SERVER, tasking(task('completed', { result: { ...DONE, isError: true } })))
    expect(await failing.callTool('slow')).toMatchObject({ isError: true })
    const broken = await connect(URL_OF_SERVER, tasking(task('failed', { error: { code: -32001, message: 'broke' } })))
    await expect(broken.callTool('slow')).rejects.toMatchObject({ name: 'RpcError', code: -32001, message: 'broke' })
    const stopped = await connect(URL_OF_SERVER, tasking(task('cancelled')))
    await expect(stopped.callTool('slow')).rejects.toMatchObject({ code: 'task_cancelled' })
  })

  it('what it asks is answered once, although it goes on asking until the answer has arrived', async () => {
    const asking = task('input_required', { inputRequests: { sure: ASK } })
    const more = task('input_required', { inputRequests: { sure: ASK, really: ASK } })
    const server = tasking(asking, asking, more, task('completed', { result: DONE }))
    const form = vi.fn(() => ({ action: 'accept' as const, content: {} }))
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, elicitation: { form } })
    await client.callTool('slow')
    expect(form).toHaveBeenCalledTimes(2)
    expect(sent(server, 'tasks/update').map(({ message }) => Object.keys(message.params.inputResponses))).toEqual([
      ['sure'],
      ['really'],
    ])
  })

  it('is cancelled when it asks for what nobody here can answer', async () => {
    const server = tasking(task('input_required', { inputRequests: { sure: ASK } }))
    const client = await connect(URL_OF_SERVER, server)
    await expect(client.callTool('slow')).rejects.toMatchObject({ code: 'input_required' })
    expect(sent(server, 'tasks/cancel')).toHaveLength(1)
  })

  it('is cancelled when its caller gives up, by signal or by time', async () => {
    const server = tasking(task('working'))
    const client = await connect(URL_OF_SERVER, server)
    const controller = new AbortController()
    const call = client.callTool('slow', {}, { signal: controller.signal })
    await expect.poll(() => sent(server, 'tasks/get').length).toBeGreaterThan(0)
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
    await expect(client.callTool('slow', {}, { maxTotalTimeoutMs: 80 })).rejects.toMatchObject({ code: 'timeout' })
    expect(sent(server, 'tasks/cancel')).toHaveLength(2)
  })

  it('a look that fails for now is repeated; one that fails for good is told', async () => {
    const server = tasking(
      () => new Response('busy', { status: 503 }),
      () => {
        throw new TypeError('fetch failed')
      },
      task('completed', { result: DONE }),
    )
    const client = await connect(URL_OF_SERVER, server)
    await client.callTool('slow')
    const gone = await connect(
      URL_OF_SERVER,
      tasking(request => rpcError(request, 400, -32602, 'No such task')),
    )
    await expect(gone.callTool('slow')).rejects.toMatchObject({ code: -32602 })
  })

  it('can be left alone, and taken up by its id', async () => {
    const server = tasking(task('completed', { result: DONE }))
    const client = await connect(URL_OF_SERVER, server)
    const begun = await client.startTool('slow')
    expect(begun).toHaveProperty('task')
    expect(sent(server, 'tasks/get')).toHaveLength(0)
    const other = await connect(URL_OF_SERVER, server)
    expect(await other.task('t1').result()).toMatchObject(DONE)
    await other.task('t1').cancel()
    expect(sent(server, 'tasks/cancel')).toHaveLength(1)
  })

  it('a call that does not become one is its result', async () => {
    const server = createStatelessServer({ 'tools/call': { resultType: 'complete', ...DONE } })
    const client = await connect(URL_OF_SERVER, server)
    expect(await client.startTool('quick')).toEqual({ result: { resultType: 'complete', ...DONE } })
  })

  it('is no answer to anything but a tool call, nor in a revision without tasks', async () => {
    const stateless = createStatelessServer({ 'resources/read': { resultType: 'task', ...task('working') } })
    const client = await connect(URL_OF_SERVER, stateless)
    await expect(client.readResource('x:1')).rejects.toMatchObject({ code: 'invalid_response' })
    const handshake = createHandshakeServer({ 'tools/call': { resultType: 'task', ...task('working') } })
    const older = await connect(URL_OF_SERVER, handshake)
    await expect(older.callTool('slow')).rejects.toMatchObject({ code: 'invalid_response' })
  })
})
