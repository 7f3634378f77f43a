import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createServer } from '../../src/server/create-server.ts'
import { connectInMemory } from '../../src/testing/in-memory.ts'

let printed: unknown[][] = []
beforeEach(() => {
  printed = []
  vi.spyOn(console, 'error').mockImplementation((...words: unknown[]) => void printed.push(words))
})
afterEach(() => vi.restoreAllMocks())

const failure = new Error('the disk is full')

it('what a handler throws is printed where nobody gave onError, for its author would see nothing', async () => {
  const server = createServer({ name: 'notes', version: '1.0.0' })
  server.tool('save', {}, () => {
    throw failure
  })
  await using client = await connectInMemory(server)
  expect(await client.callTool('save', {})).toMatchObject({ isError: true })
  expect(printed).toEqual([['latchkey: "tools/call" failed:', failure]])
})

it('what belongs to no request is not printed: the world could fill a log with it', () => {
  createServer({ name: 'notes', version: '1.0.0' }).internals.report(failure, {})
  expect(printed).toEqual([])
})

it('nothing is printed where somebody hears it', async () => {
  const heard: unknown[] = []
  const server = createServer({ name: 'notes', version: '1.0.0', onError: error => heard.push(error) })
  server.internals.report(failure, { request: { jsonrpc: '2.0', id: 1, method: 'tools/call' } })
  expect([heard, printed]).toEqual([[failure], []])
})
