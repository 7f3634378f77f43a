import { type ChildProcess, spawn } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { resolve } from 'node:path'

const ENTRY = resolve('node_modules/@modelcontextprotocol/server-everything/dist/index.js')
const READY = { streamableHttp: 'listening on port', sse: 'running on port' } as const

/** A process of `server-everything` on a port that outlives it, so that another can take its place. */
export interface EverythingProcess {
  readonly url: string
  /** Everything it has written so far. */
  readonly output: () => string
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function startEverything(mode: 'streamableHttp' | 'sse'): Promise<EverythingProcess> {
  const port = await freePort()
  let child: ChildProcess | undefined
  let output = ''

  async function start(): Promise<void> {
    const started = spawn(process.execPath, [ENTRY, mode], {
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    output = ''
    await new Promise<void>((ready, failed) => {
      const read = (chunk: Buffer): void => {
        output += chunk.toString()
        if (output.includes(`${READY[mode]} ${port}`)) ready()
      }
      started.stdout.on('data', read)
      started.stderr.on('data', read)
      started.once('exit', code => failed(new Error(`server-everything ended with ${code}: ${output}`)))
    })
  }

  async function stop(): Promise<void> {
    const running = child
    child = undefined
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    const ended = new Promise(done => running.once('exit', done))
    running.kill('SIGKILL')
    await ended
  }

  await start()
  return {
    url: `http://127.0.0.1:${port}/${mode === 'sse' ? 'sse' : 'mcp'}`,
    output: () => output,
    async restart() {
      await stop()
      await start()
    },
    stop,
  }
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>(done => probe.listen(0, done))
  const { port } = probe.address() as AddressInfo
  await new Promise(done => probe.close(done))
  return port
}
