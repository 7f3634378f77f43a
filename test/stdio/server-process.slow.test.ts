import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { Client, ClientOptions } from '../../src/client.ts'
import { connectStdio, type StdioServer } from '../../src/stdio.ts'

const ODD_SERVER = resolve('test/stdio/odd-server.mjs')

const clients: Client[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})

interface Opened {
  readonly client: Client
  readonly errors: any[]
  readonly stderr: string[]
}

async function open(mode: string, server: Partial<StdioServer> = {}, options: ClientOptions = {}): Promise<Opened> {
  const errors: any[] = []
  const stderr: string[] = []
  const client = await connectStdio(
    { command: process.execPath, args: [ODD_SERVER, mode], onStderr: line => stderr.push(line), ...server },
    { onError: error => errors.push(error), ...options },
  )
  clients.push(client)
  return { client, errors, stderr }
}

const textOf = async (client: Client, name: string, args: Record<string, unknown> = {}): Promise<string> => {
  const [content] = (await client.callTool(name, args)).content
  return content?.type === 'text' ? content.text : ''
}
const pidIn = (lines: readonly string[], word = 'pid'): number =>
  Number(lines.find(line => line.startsWith(`${word} `))?.slice(word.length + 1))

/** Whether a process is there, a dead one that nobody has taken notice of (a zombie) included. */
function exists(pid: number): boolean {
  expect(pid).toBeGreaterThan(1)
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('a server process', () => {
  it('gets a safe environment, what was added to it, and its arguments as they are', async () => {
    const args = [ODD_SERVER, 'plain', '$HOME; echo "x"', '*', 'a b']
    const { client } = await open('plain', { args, env: { EXTRA: '1' } })
    expect(JSON.parse(await textOf(client, 'arguments'))).toEqual(args.slice(1))
    const environment = JSON.parse(await textOf(client, 'environment')) as Record<string, string>
    expect(environment).toMatchObject({ EXTRA: '1', PATH: process.env['PATH'] })
    // Set by the runner of the tests.
    expect(process.env).toHaveProperty('VITEST')
    expect(environment).not.toHaveProperty('VITEST')
  })

  it('may write banners and logs to its output', async () => {
    const { client, errors } = await open('banner')
    expect(client.serverInfo?.name).toBe('banner')
    expect(errors.map(({ detail }) => detail.received)).toEqual(['Welcome!', '{"level":30,"msg":"started"}'])
  })

  it('may flood its stderr, and is answered all the same', async () => {
    const { client, stderr } = await open('floods')
    expect(await textOf(client, 'echo')).toMatch(/^echo/)
    expect(stderr.length).toBeGreaterThan(10_000)
  })

  it('has its input closed, then gets SIGTERM, then SIGKILL', async () => {
    const { client, stderr } = await open('stubborn', { exitTimeoutMs: 300 })
    await client.close()
    expect(stderr.slice(1)).toEqual(['input ended', 'SIGTERM'])
    expect(exists(pidIn(stderr))).toBe(false)
  })

  it('that exits by the end of its input gets no signal, and is not waited for any longer', async () => {
    const { client, stderr } = await open('plain', { exitTimeoutMs: 1_000_000 })
    await client.close()
    expect(stderr.slice(1)).toEqual(['input ended'])
    expect(exists(pidIn(stderr))).toBe(false)
  })

  it.each(['unwilling', 'stubborn', 'deaf'])('is ended when it is %s', async mode => {
    const stderr: string[] = []
    const opening = open(
      mode,
      { exitTimeoutMs: 100, probeTimeoutMs: 200, onStderr: line => stderr.push(line) },
      { timeoutMs: mode === 'deaf' ? 500 : 20_000 },
    )
    if (mode === 'deaf') await expect(opening).rejects.toMatchObject({ code: 'timeout' })
    else await (await opening).client.close()
    expect(exists(pidIn(stderr))).toBe(false)
  })

  it('that never answers ends connecting by its time-out, and is not left behind', async () => {
    const stderr: string[] = []
    const opening = open('silent', { probeTimeoutMs: 300, onStderr: line => stderr.push(line) }, { timeoutMs: 1000 })
    await expect(opening).rejects.toMatchObject({ code: 'timeout', detail: { method: 'initialize' } })
    expect(exists(pidIn(stderr))).toBe(false)
  })

  it('takes what it has started with it', async () => {
    const { client, stderr } = await open('family', { exitTimeoutMs: 20_000 })
    const child = pidIn(stderr, 'child')
    expect(exists(child)).toBe(true)
    await client.close()
    expect(exists(pidIn(stderr))).toBe(false)
    // Whose parent has ended is for init to take notice of.
    await expect.poll(() => stateOf(child)).toMatch(/^(?:Z|)$/)
  })

  it('that exits at once is told with its exit code and its last words, without secrets and control characters', async () => {
    const opening = open('fails', { env: { API_KEY: 'very-secret-value' } })
    await expect(opening).rejects.toMatchObject({
      code: 'closed',
      message:
        'The server process (node) ended with exit code 3 before initialize was answered: ' +
        '[31mError [0m: the key [redacted] is refused',
      detail: { received: '[31mError [0m: the key [redacted] is refused' },
    })
  })

  it('killed in the middle of a call fails the call at once, and says that it may have run', async () => {
    const { client, stderr } = await open('plain')
    const call = client.callTool('hang')
    process.kill(pidIn(stderr), 'SIGKILL')
    await expect(call).rejects.toMatchObject({
      code: 'closed',
      message: expect.stringContaining('was ended by SIGKILL'),
      detail: { mayHaveRun: true },
    })
    await expect(client.callTool('echo')).rejects.toMatchObject({ code: 'closed' })
  })

  it('killed in the middle of a call is started anew for the next one with a restart policy', async () => {
    const { client, errors } = await open('plain', { restart: { maxRestarts: 3 } })
    const first = await textOf(client, 'echo')
    await expect(client.callTool('abort')).rejects.toMatchObject({ code: 'closed' })
    await expect(client.callTool('exit', { code: 7 })).rejects.toMatchObject({
      message: expect.stringContaining('exit code 7'),
    })
    const last = await textOf(client, 'echo')
    expect(last).toMatch(/^echo \d+$/)
    expect(last).not.toBe(first)
    expect(errors).toHaveLength(2)
  })

  it('that closes its output has ended the conversation', async () => {
    const { client, stderr } = await open('plain', { exitTimeoutMs: 100 })
    await expect(client.callTool('close')).rejects.toMatchObject({ code: 'closed' })
    await expect.poll(() => exists(pidIn(stderr))).toBe(false)
  })

  it('may answer with 60 MB, and is ended over 100 MB', async () => {
    const { client, stderr } = await open('plain')
    expect(await textOf(client, 'large', { bytes: 60_000_000 })).toHaveLength(60_000_000)
    await expect(client.callTool('large', { bytes: 100_000_000 })).rejects.toMatchObject({
      code: 'message_too_large',
      detail: { mayHaveRun: true, hint: expect.stringContaining('maxMessageBytes') },
    })
    await expect.poll(() => exists(pidIn(stderr))).toBe(false)
  })

  it('gets a message that is larger than any pipe', async () => {
    const { client } = await open('plain')
    const calls = [1, 2, 3].map(each => client.callTool(`echo${each}`, { text: 'x'.repeat(3_000_000) }))
    expect((await Promise.all(calls)).map(({ content }) => content.length)).toEqual([1, 1, 1])
  })

  it('shows what it writes to stderr on the stderr of this process unless told otherwise', async () => {
    const shown: string[] = []
    const { write } = process.stderr
    process.stderr.write = ((chunk: string, done?: () => void) => {
      shown.push(chunk)
      done?.()
      return true
    }) as typeof process.stderr.write
    try {
      clients.push(await connectStdio({ command: process.execPath, args: [ODD_SERVER, 'plain'] }))
      clients.push(await connectStdio({ command: process.execPath, args: [ODD_SERVER, 'plain'], stderr: 'ignore' }))
    } finally {
      process.stderr.write = write
    }
    expect(shown.join('').match(/^pid \d+$/gm)).toHaveLength(1)
  })
})

describe('a program that cannot be started', () => {
  it('is told by name when there is none', async () => {
    await expect(connectStdio({ command: 'no-such-program-here' })).rejects.toMatchObject({
      code: 'configuration',
      message: 'no-such-program-here cannot be started: there is no such program',
    })
  })

  it('is told when program and arguments were given as one', async () => {
    await expect(connectStdio({ command: 'node server.js' })).rejects.toMatchObject({
      detail: { hint: expect.stringContaining('command and args') },
    })
  })

  it('is told when the working directory is missing, or the file is no program', async () => {
    await expect(connectStdio({ command: 'node', cwd: '/no/such/folder' })).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('/no/such/folder is no folder'),
    })
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-stdio-'))
    writeFileSync(join(folder, 'file.txt'), 'x')
    await expect(connectStdio({ command: join(folder, 'file.txt') })).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('it must not be run'),
    })
    rmSync(folder, { recursive: true })
  })

  it('is told without its arguments and variables, which may be secret', async () => {
    const secret = 'very-secret-value'
    for (const server of [
      { command: 'no-such-program-here', args: ['--token', secret] },
      { command: 'node', args: [`${secret}\0`] },
      { command: 'node', env: { KEY: `${secret}\0` } },
    ]) {
      const error: unknown = await connectStdio(server).catch((refused: unknown) => refused)
      expect(error).toMatchObject({ name: 'TransportError', code: 'configuration' })
      expect(inspect(error, { depth: 10 })).not.toContain(secret)
    }
  })

  it.each(['', 'a\0b'])('is told when its name is no name: %j', async command => {
    await expect(connectStdio({ command })).rejects.toMatchObject({ name: 'TransportError', code: 'configuration' })
  })
})

describe('many server processes', () => {
  it('leave no process, listener or handle behind after 100 connections, ten at once', {
    timeout: 120_000,
  }, async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    await (await open('plain')).client.close()
    const resources = process.getActiveResourcesInfo().sort()
    const listeners = ['exit', 'SIGINT', 'SIGTERM', 'SIGHUP'].map(name => process.listenerCount(name))
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const { client } = await open('plain')
          expect(await textOf(client, 'echo')).toMatch(/^echo/)
          await client.close()
        }),
      )
    }
    expect(childrenOfThis()).not.toContain('odd-server')
    expect(['exit', 'SIGINT', 'SIGTERM', 'SIGHUP'].map(name => process.listenerCount(name))).toEqual(listeners)
    await expect.poll(() => process.getActiveResourcesInfo().length).toBeLessThanOrEqual(resources.length + 2)
    expect(warnings).toEqual([])
    process.off('warning', onWarning)
  })
})

function stateOf(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .slice(0, 1)
  } catch {
    return ''
  }
}

function childrenOfThis(): string {
  return execFileSync('ps', ['-A', '-o', 'ppid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter(line => line.trim().startsWith(`${process.pid} `))
    .join('\n')
}
