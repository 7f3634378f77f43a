import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connectStdio } from '../../src/stdio.ts'
import { buildLibrary, type BuiltLibrary } from '../processes/built-library.ts'

const PROGRAM = new URL('stdio-server.mjs', import.meta.url).pathname
let library: BuiltLibrary | undefined
beforeAll(async () => {
  library = await buildLibrary()
})
afterAll(() => library?.remove())

const children: ChildProcessWithoutNullStreams[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

interface Child {
  readonly process: ChildProcessWithoutNullStreams
  send(message: object): void
  /** Waits until stderr has said it. */
  said(word: string): Promise<void>
  /** Its code, once it ended by itself. */
  ended(): Promise<number | null>
  /** Every line of stdout: each is a message, or the test fails. */
  messages(): any[]
}

function start(): Child {
  const child = spawn(process.execPath, [PROGRAM, library?.folder ?? ''])
  children.push(child)
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString()
  })
  child.stdin.on('error', () => undefined)
  const closed = once(child, 'close')
  return {
    process: child,
    send: message => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    said: async word => {
      while (!err.includes(word)) await Promise.race([once(child.stderr, 'data'), closed])
    },
    ended: async () => {
      await closed
      return child.exitCode
    },
    messages: () => out.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line)])),
  }
}
const initialize = { id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } }
const call = (id: number, name: string): object => ({ id, method: 'tools/call', params: { name, arguments: { a: 1 } } })

describe('a server process over stdio', () => {
  it('ends with its input, also while a tool runs, and says nothing but messages on stdout', async () => {
    const child = start()
    child.send(initialize)
    child.send(call(1, 'echo'))
    child.send(call(2, 'wait'))
    await child.said('waiting')
    child.process.stdin.end()
    expect(await child.ended()).toBe(0)
    expect(child.messages().map(({ id }) => id)).toEqual([0, 1])
  })

  it.each(['close', 'close-server'])('ends when it closes itself, although its input stays open (%s)', async how => {
    const child = start()
    child.send(initialize)
    child.send(call(1, how))
    expect(await child.ended()).toBe(0)
    expect(child.messages().at(-1)).toMatchObject({ id: 1, result: { content: [{ text: 'closing' }] } })
  })

  it('loses nothing that it wrote before its end', async () => {
    const child = start()
    child.process.stdout.pause()
    child.send(initialize)
    child.send(call(1, 'huge'))
    child.process.stdin.end()
    child.process.stdout.resume()
    expect(await child.ended()).toBe(0)
    expect(child.messages().at(-1).result.content[0].text).toHaveLength(5_000_000)
  })

  it('does not fail when nobody reads any more', async () => {
    const child = start()
    child.send(initialize)
    await child.said('ready')
    child.process.stdout.destroy()
    for (let id = 1; id < 20; id++) child.send(call(id, 'huge'))
    expect(await child.ended()).toBe(0)
  })

  it.each(['2026-07-28', '2025-11-25'] as const)('serves our own client in %s', async revision => {
    const client = await connectStdio(
      { command: process.execPath, args: [PROGRAM, library?.folder ?? ''] },
      { revision },
    )
    expect((await client.callTool('echo', { otters: 2 })).content).toEqual([{ type: 'text', text: '{"otters":2}' }])
    await client.close()
  })
})
