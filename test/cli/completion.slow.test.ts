import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildCommandLine } from './built-cli.ts'
import { runBinary } from './world.ts'

const run = promisify(execFile)
const SERVER = resolve('node_modules/@modelcontextprotocol/server-everything/dist/index.js')
const STDIO = `node ${SERVER}`
/** Of util-linux: runs a command on a terminal of its own. */
const PSEUDO_TERMINAL = 'script'
const has = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some(folder => existsSync(join(folder, program)))

let built: ReturnType<typeof buildCommandLine>
let home = ''
let env: Record<string, string> = {}
beforeAll(async () => {
  built = buildCommandLine()
  home = await mkdtemp(join(tmpdir(), 'latchkey-processes-'))
  await mkdir(join(home, 'bin'))
  await symlink(built.binary, join(home, 'bin', 'latchkey'))
  env = {
    LATCHKEY_HOME: join(home, 'state'),
    LATCHKEY_STORE: 'file',
    PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    TERM: 'xterm',
    NO_COLOR: '1',
  }
}, 60_000)
afterAll(async () => {
  built.remove()
  await rm(home, { recursive: true, force: true })
})

const latchkey = (...args: string[]): ReturnType<typeof runBinary> => runBinary(built.binary, args, { env })

/** What bash would offer for a line, word breaks and all. */
async function bashOffers(line: string): Promise<readonly string[]> {
  const script = `
    source <(latchkey completion bash)
    COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDS=(latchkey)
    _latchkey_complete
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await run('bash', ['-c', script, 'bash', line], { env })
  return stdout.split('\n').filter(Boolean)
}

describe('the built command line', () => {
  it('lists and calls over stdio and leaves no process behind', async () => {
    const sum = await latchkey('call', '--stdio', `${STDIO} stdio ${home}`, 'get-sum', 'a=2', 'b=40')
    expect(sum).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('42'), stderr: '' })
    const { stdout } = await run('ps', ['-eo', 'args'])
    expect(stdout.split('\n').filter(line => line.includes(SERVER) && line.includes(home))).toEqual([])
  })

  it.runIf(has('bash'))('completes in bash: commands, servers, tools, arguments and their values', async () => {
    await latchkey('tools', '--stdio', STDIO)
    expect(await bashOffers('latchkey to')).toEqual(['token ', 'tools '])
    expect(await bashOffers(`latchkey call --stdio "${STDIO}" get-s`)).toEqual(['get-structured-content ', 'get-sum '])
    expect(await bashOffers(`latchkey call --stdio "${STDIO}" get-sum `)).toEqual(['a=', 'b='])
    expect(await bashOffers(`latchkey call --stdio "${STDIO}" get-structured-content location=New`)).toEqual([
      'New\\ York ',
    ])
  })

  it('answers a key press without the library, a network or a word about errors', async () => {
    const answer = await runBinary(built.binary, ['__complete', 'fish', 'call', 'x', ''], {
      env: { ...env, LATCHKEY_HOME: join(home, 'no', 'such') },
    })
    expect(answer).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  })

  it.runIf(has(PSEUDO_TERMINAL))('asks on a real terminal, where Enter takes defaults and Ctrl-C ends it', async () => {
    const answered = await onTerminal(
      ['call', '--stdio', STDIO, 'trigger-elicitation-request'],
      [
        [/String › \S*$/, 'Ada\r'],
        [/Boolean › \S*$/, ':decline\r'],
      ],
    )
    expect(answered).toMatchObject({ exitCode: 0, text: expect.stringContaining('"action": "decline"') })
    const stopped = await onTerminal(
      ['call', '--stdio', STDIO, 'trigger-elicitation-request'],
      [[/String › \S*$/, '\u0003']],
    )
    expect(stopped).toMatchObject({ exitCode: 130, text: expect.stringContaining('cancelled') })
  })
})

describe('server-everything over HTTP', () => {
  it('is used like one over stdio, questions included', async () => {
    const port = await freePort()
    const server = spawn(process.execPath, [SERVER, 'streamableHttp'], {
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    try {
      await new Promise<void>((listening, failed) => {
        const read = (chunk: Buffer): void => void (chunk.toString().includes(`port ${port}`) && listening())
        server.stdout.on('data', read)
        server.stderr.on('data', read)
        server.once('exit', () => failed(new Error('server-everything ended')))
      })
      const url = `http://127.0.0.1:${port}/mcp`
      const form = ['call', url, 'trigger-elicitation-request']
      expect(await latchkey(...form)).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('--answer name=') })
      expect((await latchkey(...form, '--answer', 'name=Ada')).stdout).toContain('"name": "Ada"')
      const { stdout } = await latchkey('resources', url, '--json')
      const [resource] = (JSON.parse(stdout) as { resources: { uri: string }[] }).resources
      expect((await latchkey('read', url, resource?.uri ?? '')).stdout.length).toBeGreaterThan(100)
      expect(await bashOffers(`latchkey read http://127.0.0.1:${port}/mcp demo:`)).toContain(
        '//resource/static/document/structure.md ',
      )
    } finally {
      server.kill('SIGKILL')
    }
  })
})

/** Runs the command line on a terminal of its own, and types when a prompt is seen. */
function onTerminal(
  args: readonly string[],
  answers: readonly (readonly [prompt: RegExp, keys: string])[],
): Promise<{ readonly exitCode: number | null; readonly text: string }> {
  const command = [process.execPath, built.binary, ...args].map(word => `'${word}'`).join(' ')
  return new Promise((ended, failed) => {
    const child = spawn(PSEUDO_TERMINAL, ['-qec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    let text = ''
    let seen = ''
    let next = 0
    child.stdout.on('data', chunk => {
      text += String(chunk)
      seen += String(chunk)
      const answer = answers[next]
      if (!answer?.[0].test(seen)) return
      seen = ''
      next++
      child.stdin.write(answer[1])
    })
    child.on('error', failed)
    child.on('close', exitCode => ended({ exitCode, text }))
  })
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>(done => probe.listen(0, '127.0.0.1', done))
  const { port } = probe.address() as AddressInfo
  await new Promise(done => probe.close(done))
  return port
}
