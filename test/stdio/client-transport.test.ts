import { afterEach, describe, expect, it } from 'vitest'
import { type Client, type ClientOptions, openClient } from '../../src/client.ts'
import { createStdioClientTransport, type StdioClientTransportOptions } from '../../src/stdio.ts'
import { handshake, type Script, type ScriptedServer, scriptedServer, stateless } from './scripted-process.ts'

const clients: Client[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})

interface Opened {
  readonly client: Client
  readonly errors: any[]
}

async function open(
  server: ScriptedServer,
  transportOptions: Partial<StdioClientTransportOptions> = {},
  options: ClientOptions = {},
): Promise<Opened> {
  const errors: any[] = []
  const transport = createStdioClientTransport({ start: server.start, name: 'node', ...transportOptions })
  const client = await openClient(transport, { ...options, onError: error => errors.push(error) })
  clients.push(client)
  return { client, errors }
}

const text = async (client: Client, name: string): Promise<unknown> => (await client.callTool(name)).content[0]
const methods = (server: ScriptedServer, process = 0): string[] =>
  server.processes[process]?.received.map(({ method }) => method) ?? []

describe('finding out what a server speaks over stdio', () => {
  it('asks a stateless server server/discover, and needs no handshake', async () => {
    const server = scriptedServer(stateless)
    const { client } = await open(server)
    expect(client.revision).toBe('2026-07-28')
    expect(methods(server)).toEqual(['server/discover'])
  })

  it.each([
    ['method not found', { code: -32601, message: 'x' }],
    ['invalid params', { code: -32602, message: 'x' }],
    ['not initialized', { code: -32002, message: 'x' }],
    ['zero', { code: 0, message: 'x' }],
  ])('falls back to the handshake on any other error: %s', async (_name, error) => {
    const server = scriptedServer((message, process) =>
      message.method === 'server/discover' ? process.say({ id: message.id, error }) : handshake(message, process),
    )
    const { client } = await open(server)
    expect(client.revision).toBe('2025-11-25')
    expect(methods(server)).toEqual(['server/discover', 'initialize', 'notifications/initialized'])
  })

  it('takes an error without an id for the answer to the only request', async () => {
    const server = scriptedServer((message, process) =>
      message.method === 'server/discover'
        ? process.say({ id: null, error: { code: -32700, message: 'x' } })
        : handshake(message, process),
    )
    expect((await open(server)).client.revision).toBe('2025-11-25')
  })

  it('falls back to the handshake when the server stays silent, and passes over its late answer', async () => {
    let late: (() => void) | undefined
    const server = scriptedServer((message, process) => {
      if (message.method === 'server/discover')
        late = () => process.listener.message({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'x' } })
      else handshake(message, process)
    })
    const { client, errors } = await open(server, { probeTimeoutMs: 5 })
    expect(client.revision).toBe('2025-11-25')
    late?.()
    expect(await text(client, 'still there')).toMatchObject({ text: 'still there' })
    expect(errors).toEqual([])
  })

  it('asks once more when a server that was silent refuses the handshake: it only was slow to start', async () => {
    const waiting: any[] = []
    const server = scriptedServer((message, process) => {
      waiting.push(message)
      // It reads nothing until it has started, which is after the handshake was tried.
      if (message.method !== 'server/discover' || waiting.length > 1) {
        for (const each of waiting.splice(0)) stateless(each, process)
        waiting.push('started')
      }
    })
    const { client } = await open(server, { probeTimeoutMs: 5 })
    expect(client.revision).toBe('2026-07-28')
    expect(methods(server)).toEqual(['server/discover', 'initialize', 'server/discover'])
  })

  it('starts a server that died of the question once more, for the handshake', async () => {
    const dies: Script = (_message, process) => process.end()
    const server = scriptedServer(dies, handshake)
    const { client } = await open(server)
    expect(client.revision).toBe('2025-11-25')
    expect(methods(server, 1)).toEqual(['initialize', 'notifications/initialized'])
  })

  it('does not start a server for ever that dies of everything, and says how it ended', async () => {
    const server = scriptedServer((_message, process) => process.end({ stderr: 'Error: no API key' }))
    await expect(open(server, { restart: { maxRestarts: 5 } })).rejects.toMatchObject({
      code: 'closed',
      message: 'The server process (node) ended with exit code 1 before initialize was answered: Error: no API key',
      detail: { method: 'initialize', received: 'Error: no API key' },
    })
    expect(server.processes.length).toBe(2)
  })

  it('asks another process when the first has ended before it was asked', async () => {
    const server = scriptedServer(handshake)
    let starts = 0
    const start: typeof server.start = async listener => {
      const process = await server.start(listener)
      if (starts++ === 0) server.processes[0]?.end()
      return process
    }
    const { client } = await open({ ...server, start })
    expect(client.revision).toBe('2025-11-25')
    expect(server.processes.length).toBe(2)
  })

  it('waits for a server whose revision is named as long as for anything', async () => {
    const server = scriptedServer((message, process) => {
      setTimeout(() => stateless(message, process), 20)
    })
    const { client } = await open(server, { probeTimeoutMs: Number.POSITIVE_INFINITY }, { revision: '2026-07-28' })
    expect(client.revision).toBe('2026-07-28')
  })
})

describe.each([
  ['stateless', stateless, '2026-07-28'],
  ['handshake', handshake, '2025-11-25'],
] as const)('a %s server over stdio that ends', (name, script, revision) => {
  it('fails what is under way with what it said last, and closes the client', async () => {
    const server = scriptedServer(script)
    const { client } = await open(server)
    const other = client.callTool('hang')
    await expect(client.callTool('die')).rejects.toMatchObject({
      code: 'closed',
      message: 'The server process (node) ended with exit code 1 before tools/call was answered: out of memory',
      detail: { mayHaveRun: true, received: 'out of memory' },
    })
    await expect(other).rejects.toMatchObject({ code: 'closed', detail: { mayHaveRun: true } })
    await expect(client.callTool('echo')).rejects.toMatchObject({ code: 'closed' })
    expect(server.processes.length).toBe(1)
  })

  it('is started anew by the next request with a restart policy, and not asked twice for what may have run', async () => {
    const server = scriptedServer(script)
    const { client, errors } = await open(server, { restart: { maxRestarts: 1 } })
    await expect(client.callTool('die')).rejects.toMatchObject({ code: 'closed', detail: { mayHaveRun: true } })
    expect(server.processes.length).toBe(1)
    const answers = await Promise.all(['one', 'two', 'three'].map(each => text(client, each)))
    expect(answers).toMatchObject([{ text: 'one' }, { text: 'two' }, { text: 'three' }])
    expect(server.processes.length).toBe(2)
    expect(client.revision).toBe(revision)
    const opening = name === 'handshake' ? ['initialize', 'notifications/initialized'] : []
    expect(methods(server, 1)).toEqual([...opening, 'tools/call', 'tools/call', 'tools/call'])
    expect(errors).toMatchObject([{ code: 'closed', message: expect.stringContaining('exit code 1') }])
  })

  it('is left alone when it ends more often than the policy says', async () => {
    const server = scriptedServer(script)
    const { client } = await open(server, { restart: { maxRestarts: 1, withinMs: 60_000 } })
    await expect(client.callTool('die')).rejects.toMatchObject({ code: 'closed' })
    await expect(client.callTool('die')).rejects.toMatchObject({ code: 'closed' })
    await expect(client.callTool('echo')).rejects.toMatchObject({ code: 'closed' })
    expect(server.processes.length).toBe(2)
  })

  it('is started as often as it takes when its ends lie far enough apart', async () => {
    const server = scriptedServer(script)
    const { client } = await open(server, { restart: { maxRestarts: 1, withinMs: 0 } })
    for (let round = 0; round < 4; round += 1)
      await expect(client.callTool('die')).rejects.toMatchObject({ code: 'closed' })
    expect(await text(client, 'echo')).toMatchObject({ text: 'echo' })
  })

  it('gets again what the system did not take, since that cannot have run', async () => {
    const server = scriptedServer(script)
    const { client } = await open(server, { restart: { maxRestarts: 1 } })
    Object.assign(server.processes[0] ?? {}, { write: () => Promise.reject(new Error('EPIPE')) })
    expect(await text(client, 'echo')).toMatchObject({ text: 'echo' })
    expect(server.processes[0]?.isClosed).toBe(true)
    expect(server.processes.length).toBe(2)
  })
})

describe('messages over stdio', () => {
  it('cancels with a notification, and not what was never written', async () => {
    const server = scriptedServer(stateless)
    const { client } = await open(server)
    const controller = new AbortController()
    const call = client.callTool('hang', {}, { signal: controller.signal })
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
    const [, asked, cancelled] = server.processes[0]?.received ?? []
    expect(cancelled).toMatchObject({ method: 'notifications/cancelled', params: { requestId: asked.id } })

    // From now on the server reads nothing: one message is on its way, the next waits.
    let taken: (() => void) | undefined
    const lines: string[] = []
    Object.assign(server.processes[0] ?? {}, {
      write: (line: string) => {
        lines.push(line)
        return new Promise<void>(resolve => (taken = resolve))
      },
    })
    const other = new AbortController()
    const first = client.callTool('hang')
    const second = client.callTool('never written', {}, { signal: other.signal })
    other.abort()
    await expect(second).rejects.toMatchObject({ code: 'aborted' })
    taken?.()
    await new Promise(resolve => setImmediate(resolve))
    expect(lines).toHaveLength(1)
    await client.close()
    await expect(first).rejects.toMatchObject({ code: 'closed' })
  })

  it('reports what is no message and goes on', async () => {
    const server = scriptedServer(stateless)
    const { client, errors } = await open(server)
    server.processes[0]?.listener.noise('Listening on \u001b[31mstdio')
    expect(errors).toMatchObject([{ code: 'unexpected_message', detail: { received: 'Listening on [31mstdio' } }])
    expect(await text(client, 'echo')).toMatchObject({ text: 'echo' })
  })

  it('tells that a process ended which had asked something, and gives its answer to no other', async () => {
    const server = scriptedServer(handshake)
    const received: any[] = []
    const transport = createStdioClientTransport({ start: server.start, name: 'node', restart: { maxRestarts: 1 } })
    await transport.open({
      message: message => received.push(message),
      error: () => undefined,
      closed: () => undefined,
    })
    await transport.send({ jsonrpc: '2.0', id: 1, method: 'initialize' })
    for (const id of [0, 1]) server.processes[0]?.listener.message({ jsonrpc: '2.0', id, method: 'roots/list' })
    await transport.send({ jsonrpc: '2.0', id: 0, result: {} })
    expect(server.processes[0]?.received).toHaveLength(2)
    server.processes[0]?.end()
    await expect
      .poll(() => received.at(-1))
      .toMatchObject({ method: 'notifications/cancelled', params: { requestId: 1 } })
    expect(received.filter(({ method }) => method === 'notifications/cancelled')).toHaveLength(1)

    await transport.send({ jsonrpc: '2.0', id: 1, result: {} })
    await transport.send({ jsonrpc: '2.0', id: 2, method: 'initialize' })
    await transport.send({ jsonrpc: '2.0', id: 1, result: {} })
    expect(methods(server, 1)).toEqual(['initialize'])
    await transport.close()
  })

  it('says of a subscription that it was lost, not that it may have run: asking again does no harm', async () => {
    const server = scriptedServer(stateless)
    const transport = createStdioClientTransport({ start: server.start, name: 'node', restart: { maxRestarts: 1 } })
    await transport.open({ message: () => undefined, error: () => undefined, closed: () => undefined })
    await transport.send({ jsonrpc: '2.0', id: 1, method: 'server/discover' })
    const listening = transport.send({ jsonrpc: '2.0', id: 2, method: 'subscriptions/listen' })
    server.processes[0]?.end()
    await expect(listening).rejects.toMatchObject({ code: 'session_lost' })
    await transport.close()
  })

  it('leaves nothing behind after 1 000 connections', async () => {
    const before = process.listenerCount('exit')
    for (let round = 0; round < 1000; round += 1) {
      const server = scriptedServer(round % 2 === 0 ? stateless : handshake)
      const { client } = await open(server)
      await client.callTool('echo')
      await client.close()
      expect(server.processes.map(({ isClosed }) => isClosed)).toEqual([true])
    }
    expect(process.listenerCount('exit')).toBe(before)
    expect(process.getActiveResourcesInfo().filter(name => name === 'Timeout').length).toBeLessThan(20)
  })
})
