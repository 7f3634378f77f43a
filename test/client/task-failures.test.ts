import { describe, expect, it, vi } from 'vitest'
import { connect } from '../../src/http/connect.ts'
import { createStatelessServer, result } from '../http/scripted-server.ts'

const URL_OF_SERVER = 'https://mcp.example/mcp'
const task = (status: string, more: object = {}) => ({
  resultType: 'complete',
  taskId: 't1',
  status,
  createdAt: '2026-11-21T00:00:00Z',
  lastUpdatedAt: '2026-11-21T00:00:00Z',
  ttlMs: null,
  pollIntervalMs: 50,
  ...more,
})
const BEGUN = task('working', { resultType: 'task' })
const DONE = { content: [{ type: 'text', text: 'done' }] }
const ASK = {
  method: 'elicitation/create',
  params: { message: 'Sure?', requestedSchema: { type: 'object', properties: {} } },
}

describe('a call that became a task', () => {
  it('answers that could not be delivered are delivered later, without asking again', async () => {
    const updates: unknown[] = []
    const server = createStatelessServer({
      'tools/call': BEGUN,
      'tasks/get': request =>
        result(
          request,
          updates.length < 2
            ? task('input_required', { inputRequests: { sure: ASK } })
            : task('completed', { result: DONE }),
        ),
      'tasks/update': request => {
        updates.push(request.message.params.inputResponses)
        return updates.length === 1
          ? new Response('busy', { status: 503 })
          : result(request, { resultType: 'complete' })
      },
    })
    const form = vi.fn(() => ({ action: 'accept' as const, content: {} }))
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, elicitation: { form } })
    expect(await client.callTool('slow')).toMatchObject(DONE)
    expect(updates).toEqual([1, 2].map(() => ({ sure: { action: 'accept', content: {} } })))
    expect(form).toHaveBeenCalledTimes(1)
    await client.close()
  })

  it('who gives up does not wait for the server to hear of it', async () => {
    const cancelled = vi.fn()
    const server = createStatelessServer({
      'tools/call': BEGUN,
      'tasks/get': task('working'),
      'tasks/cancel': ({ signal }) => {
        cancelled()
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    })
    const client = await connect(URL_OF_SERVER, server)
    const controller = new AbortController()
    const onTask = (): void => controller.abort()
    const call = client.callTool('slow', {}, { signal: controller.signal, onTask })
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
    await expect.poll(() => cancelled).toHaveBeenCalled()
    await client.close()
  })

  it('ends with closed when the client is closed', async () => {
    const onError = vi.fn()
    const server = createStatelessServer({
      'tools/call': BEGUN,
      'tasks/get': task('working', { pollIntervalMs: 9_000 }),
    })
    const client = await connect(URL_OF_SERVER, { fetch: server.fetch, onError })
    const heard = vi.fn()
    const call = client.callTool('slow', {}, { onTask: heard })
    const failure = expect(call).rejects.toMatchObject({ code: 'closed' })
    await expect.poll(() => heard).toHaveBeenCalled()
    await client.close()
    await failure
    expect(onError).not.toHaveBeenCalled()
  })
})
