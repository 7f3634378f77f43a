import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, connect } from '../../src/client.ts'

const ENTRY = resolve('node_modules/@modelcontextprotocol/server-everything/dist/index.js')

let server: ChildProcess | undefined
let output = ''
let port: number

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>(done => probe.listen(0, done))
  const { port: free } = probe.address() as AddressInfo
  await new Promise(done => probe.close(done))
  return free
}

async function start(): Promise<void> {
  output = ''
  const child = spawn(process.execPath, [ENTRY, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  server = child
  await new Promise<void>((listening, failed) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString()
      if (output.includes(`listening on port ${port}`)) listening()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', code => failed(new Error(`server-everything ended with ${code}: ${output}`)))
  })
}

async function stop(): Promise<void> {
  const child = server
  server = undefined
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(done => child.once('exit', done))
  child.kill('SIGKILL')
  await ended
}

beforeAll(async () => {
  port = await freePort()
  await start()
})
afterAll(stop)

const withClient = async (use: (client: Client) => Promise<void>): Promise<void> => {
  const client = await connect(`http://127.0.0.1:${port}/mcp`)
  try {
    await use(client)
  } finally {
    await client.close()
  }
}

describe('server-everything over HTTP', () => {
  it('is found to be of the handshake family, with a session', () =>
    withClient(async client => {
      expect(client.revision).toBe('2025-11-25')
      expect(client.serverInfo?.name).toBe('mcp-servers/everything')
      expect(client.sessionId).toMatch(/^[\da-f-]{36}$/)
      expect(client.instructions).toContain('Everything')
      await client.ping()
    }))

  it('lists and calls tools', () =>
    withClient(async client => {
      const names: string[] = []
      for await (const tool of client.tools()) names.push(tool.name)
      expect(names).toEqual(expect.arrayContaining(['echo', 'get-sum', 'trigger-long-running-operation']))
      expect((await client.callTool('echo', { message: 'otter 🦦' })).content).toEqual([
        { type: 'text', text: 'Echo: otter 🦦' },
      ])
      expect((await client.callTool('get-sum', { a: 2, b: 3 })).content).toEqual([
        { type: 'text', text: expect.stringContaining('5') },
      ])
      expect(
        (await client.callTool('get-structured-content', { location: 'Chicago' })).structuredContent,
      ).toMatchObject({ temperature: expect.any(Number) })
      expect((await client.callTool('get-tiny-image', {})).content).toContainEqual(
        expect.objectContaining({ type: 'image' }),
      )
      expect((await client.callTool('get-sum', { a: 'two' })).isError).toBe(true)
    }))

  it('reports progress', () =>
    withClient(async client => {
      const seen: number[] = []
      const options = { onProgress: ({ progress }: { progress: number }) => seen.push(progress) }
      await client.callTool('trigger-long-running-operation', { duration: 0.4, steps: 4 }, options)
      expect(seen).toEqual([1, 2, 3, 4])
    }))

  it('reads resources and gets prompts', () =>
    withClient(async client => {
      const [resource] = (await client.listResources()).resources
      const { contents } = await client.readResource(resource?.uri ?? '')
      expect(contents[0]).toMatchObject({ uri: resource?.uri })
      expect((await client.listResourceTemplates()).resourceTemplates.length).toBeGreaterThan(0)
      expect((await client.listPrompts()).prompts.map(({ name }) => name)).toContain('args-prompt')
      const prompt = await client.getPrompt('args-prompt', { city: 'Oslo' })
      expect(JSON.stringify(prompt.messages)).toContain('Oslo')
      await expect(client.getPrompt('no-such-prompt')).rejects.toMatchObject({ name: 'RpcError', code: -32602 })
    }))

  it('ends the session with DELETE on close', async () => {
    const client = await connect(`http://127.0.0.1:${port}/mcp`)
    const { sessionId } = client
    await client.close()
    await expect.poll(() => output).toContain(`Received session termination request for session ${sessionId}`)
  })

  it('field X1: is used on after a restart: the session is renewed and the call made once more', async () => {
    const client = await connect(`http://127.0.0.1:${port}/mcp`)
    const { sessionId } = client
    await stop()
    await start()
    expect((await client.callTool('echo', { message: 'again' })).content).toEqual([
      { type: 'text', text: 'Echo: again' },
    ])
    expect(client.sessionId).not.toBe(sessionId)
    await client.close()
  })
})
