import { expect, it, vi } from 'vitest'
import { RpcError } from '../../src/jsonrpc/errors.ts'
import { REVISION_FEATURES } from '../../src/protocol/revisions.ts'
import { RunningCall } from '../../src/server/running-call.ts'
import { createServer } from '../../src/server/create-server.ts'

function createCall() {
  const server = createServer({ name: 'x', version: '1' })
  const handler = vi.fn(async (call: { readonly signal: AbortSignal }) => {
    await new Promise(resolve => call.signal.addEventListener('abort', resolve))
    return { late: true }
  })
  server.method('own/wait', handler)
  const client = { revision: '2026-07-28', features: REVISION_FEATURES['2026-07-28'], capabilities: {} } as const
  const notify = vi.fn()
  const call = new RunningCall({ jsonrpc: '2.0', id: 1, method: 'own/wait' }, client, { notify }, 0)
  return { server, handler, notify, call }
}

it('does not begin a call that was given up before', async () => {
  const { server, handler, call } = createCall()
  call.abort(undefined)
  expect(await call.run(server)).toBeUndefined()
  expect(handler).not.toHaveBeenCalled()
})

it('answers with the error that ended it, whatever its handler does, and says nothing later', async () => {
  const { server, notify, call } = createCall()
  const answer = call.run(server)
  call.abort(new RpcError(-32603, 'Enough'))
  call.abort(new RpcError(-32603, 'Again'))
  expect(await answer).toMatchObject({ id: 1, error: { message: 'Enough' } })
  call.notify('notifications/late', {})
  expect(notify).not.toHaveBeenCalled()
  expect(call.signal.reason).toMatchObject({ message: 'Enough' })
})
