import { expect, it } from 'vitest'
import { REVISION_FEATURES } from '../../../src/protocol/revisions.ts'
import { createServer } from '../../../src/server/create-server.ts'
import { tasks } from '../../../src/server/tasks/tasks.ts'
import { createCall, errorOf } from './world.ts'

function createServerWithTasks(): ReturnType<typeof createServer> {
  const server = createServer({ name: 'test', version: '1', extensions: [tasks()] })
  server.tool('work', { description: 'Works' }, (_args, ctx) => ctx.task(() => 'done'))
  server.tool('long', { description: 'Works for long', task: 'required' }, (_args, ctx) => ctx.task(() => 'done'))
  return server
}

it('a client that declares the extension gets a task, one that does not waits for the result', async () => {
  const server = createServerWithTasks()
  const { answer } = server.internals
  expect(await answer(createCall('tools/call', { name: 'work' }))).toMatchObject({ resultType: 'task' })
  const waited = await answer(createCall('tools/call', { name: 'work' }, { capabilities: {} }))
  expect(waited).toMatchObject({ resultType: 'complete', content: [{ text: 'done' }] })
  await server.close()
})

it('in the handshake family the extension is not defined: declaring it changes nothing (SEP-2663, Backward Compatibility)', async () => {
  const server = createServerWithTasks()
  const { answer } = server.internals
  const call = createCall('tools/call', { name: 'work' })
  const features = REVISION_FEATURES['2025-11-25']
  const client = { ...call.client, revision: '2025-11-25' as const, features }
  const waited = await answer({ ...call, client })
  expect(waited).toMatchObject({ content: [{ text: 'done' }] })
  expect(waited).not.toHaveProperty('taskId')
  const required = createCall('tools/call', { name: 'long' })
  expect(await errorOf(answer({ ...required, client }))).toMatchObject({ code: -32021 })
  // Nor is a task of its own of use to it that was started otherwise.
  const { taskId } = await answer(createCall('tools/call', { name: 'work' }))
  for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
    const about = createCall(method, { taskId, inputResponses: {} })
    expect(await errorOf(answer({ ...about, client }))).toMatchObject({ code: -32601 })
    expect(await answer(about)).toMatchObject({ resultType: 'complete' })
  }
  await server.close()
})
