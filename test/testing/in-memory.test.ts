import { expect, it } from 'vitest'
import { createServer } from '../../src/server.ts'
import { connectInMemory } from '../../src/testing.ts'

it.each(['2025-11-25', '2026-07-28'] as const)('a client in memory is who the test says, on %s', async revision => {
  const server = createServer({ name: 'memory', version: '1' })
  server.tool('who', {}, (_args, { auth }) => `${auth?.principal} ${auth?.subject} ${auth?.scopes.join(' ')}`)
  await using ada = await connectInMemory(server, { revision, auth: { subject: 'ada', scopes: ['notes:read'] } })
  await using nobody = await connectInMemory(server, { revision })
  expect((await ada.callTool('who')).content).toEqual([{ type: 'text', text: 'ada ada notes:read' }])
  expect((await nobody.callTool('who')).content).toEqual([{ type: 'text', text: 'undefined undefined undefined' }])
})
