import { PassThrough, Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createServer, type Server, type ServerConnection } from '../../src/server.ts'
import { serveStdio, type ServeStdioOptions } from '../../src/stdio.ts'

interface World {
  readonly server: Server
  readonly input: PassThrough
  readonly output: PassThrough
  readonly connection: ServerConnection
  readonly errors: any[]
  /** Every line so far, parsed: what is none fails the test. */
  lines(): Promise<any[]>
}

async function world(options: ServeStdioOptions = {}): Promise<World> {
  const errors: unknown[] = []
  const server = createServer({ name: 'stdio', version: '1', onError: error => errors.push(error) })
  server.tool('long', {}, () => 'line\nbreak \u2028 and '.repeat(2))
  server.tool(
    'wait',
    {},
    (_args, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  )
  const input = new PassThrough()
  const output = new PassThrough()
  const connection = await serveStdio(server, { input, output, ...options })
  let text = ''
  output.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const lines = async (): Promise<any[]> => {
    await turn()
    await turn()
    expect(text === '' || text.endsWith('\n')).toBe(true)
    return text
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
  }
  return { server, input, output, connection, errors, lines }
}
const line = (message: object): string => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`
const initialize = (protocolVersion: string): string =>
  line({ id: 'i', method: 'initialize', params: { protocolVersion, capabilities: {} } })

describe('a server over stdio', () => {
  it('takes messages in any chunks, with blank lines and CRs', async () => {
    const { input, lines } = await world()
    const bytes = Buffer.from(
      `\n\r\n${initialize('2025-11-25').replace('\n', '\r\n')}${line({ id: 'ü', method: 'ping' })}`,
    )
    for (const byte of bytes) input.write(Buffer.of(byte))
    expect(await lines()).toMatchObject([{ id: 'i' }, { id: 'ü', result: {} }])
  })

  it('writes one line a message, whatever is in it', async () => {
    const { input, lines } = await world()
    input.write(initialize('2025-11-25') + line({ id: 1, method: 'tools/call', params: { name: 'long' } }))
    expect((await lines()).at(-1)).toMatchObject({
      id: 1,
      result: { content: [{ text: expect.stringContaining('line\nbreak') }] },
    })
  })

  it.each([
    ['2025-06-18', null],
    ['2025-11-25', undefined],
  ] as const)('R-RPC-1 answers what is no JSON with a parse error, in the way of %s', async (revision, id) => {
    const { input, lines } = await world()
    input.write(`${initialize(revision)}hello\n{"jsonrpc":"2.0",\n"text"\n{"log":"line"}\n`)
    const [, ...answers] = await lines()
    expect(answers.map(({ error }) => error.code)).toEqual([-32700, -32700, -32600, -32600])
    for (const answer of answers) expect(answer.id).toBe(id)
    input.write(line({ id: 2, method: 'ping' }))
    expect((await lines()).at(-1)).toMatchObject({ id: 2, result: {} })
  })

  it('takes a client that writes too long a line for gone', async () => {
    const { input, connection, errors } = await world({ maxMessageBytes: 100 })
    input.write(`${'x'.repeat(101)}\n`)
    await connection.closed
    expect(errors).toMatchObject([{ code: 'message_too_large' }])
  })

  it('takes a client that does not read for gone', async () => {
    const never = new Writable({ write: () => undefined })
    const { server, input, connection, errors } = await world({ output: never })
    server.tool('huge', {}, () => 'x'.repeat(33 * 1024 * 1024))
    input.write(
      initialize('2025-03-26') +
        line({ id: 1, method: 'tools/call', params: { name: 'huge' } }) +
        line({ id: 2, method: 'tools/call', params: { name: 'huge' } }),
    )
    await connection.closed
    expect(errors).toMatchObject([{ code: 'closed', message: expect.stringContaining('unread') }])
  })

  it.each(['end', 'destroy'] as const)('closes with its input (%s), and aborts what is under way', async how => {
    const { server, input, connection, errors } = await world()
    input.write(initialize('2025-11-25') + line({ id: 1, method: 'tools/call', params: { name: 'wait' } }))
    await turn()
    input[how]()
    await connection.closed
    await turn()
    expect(server.internals.closing.aborted).toBe(true)
    expect(errors).toEqual([])
  })

  it('answers the last line without an end', async () => {
    const { input, lines } = await world()
    input.end(line({ id: 1, method: 'ping' }).trim())
    expect(await lines()).toMatchObject([{ id: 1 }])
  })

  it('survives that writing fails', async () => {
    const { output, connection, errors } = await world()
    output.destroy(new Error('EPIPE'))
    await connection.closed
    await turn()
    expect(errors).toMatchObject([{ message: 'EPIPE' }])
  })

  it('leaves its input alone when it is closed', async () => {
    const { input, connection } = await world()
    await connection.close()
    expect(input.isPaused()).toBe(true)
    expect(input.listenerCount('data')).toBe(0)
    expect(input.listenerCount('end')).toBeLessThanOrEqual(1)
  })
})
