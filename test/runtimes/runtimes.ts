import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { bundleProgram } from '../interop/bundled-program.ts'

/** A server on another runtime. */
export interface RuntimeServer {
  readonly url: string
  /** What it wrote to its error output. */
  readonly complaints: () => string
  readonly stop: () => Promise<void>
}

const program = (name: string): string =>
  resolve('test/runtimes/node_modules/.bin', process.platform === 'win32' ? `${name}.cmd` : name)

/** Serves on one runtime. `library`: the folder of the built library. */
export type StartOnRuntime = (library: string) => Promise<RuntimeServer>

export const startOnBun: StartOnRuntime = async library => {
  const child = spawn(program('bun'), [resolve('test/runtimes/bun-server.mjs'), library])
  return listening(child, child.stdout)
}

export const startOnDeno: StartOnRuntime = async library => {
  // Without the last, Deno warns that it aborts the signals of requests that went well.
  const settings = ['--no-lock', '--no-config', '--node-modules-dir=manual', '--unstable-no-legacy-abort']
  // Nothing but reading itself and listening: no environment, no system calls, no other hosts.
  const permissions = ['--allow-read', '--allow-net=127.0.0.1', '--no-prompt']
  const script = resolve('test/runtimes/deno-server.mjs')
  const child = spawn(program('deno'), ['run', ...settings, ...permissions, script, library])
  return listening(child, child.stdout)
}

export const startOnWorkerd: StartOnRuntime = async library => {
  const bundled = await bundleProgram('test/runtimes/worker.mjs', {
    target: 'worker',
    alias: { 'latchkey-under-test': library },
  })
  const config = join(bundled.file, '../config.capnp')
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const worker :Workerd.Worker = (
  modules = [(name = "program.mjs", esModule = embed "program.mjs")],
  compatibilityDate = "2026-01-01"
);
`,
  )
  const child = spawn(program('workerd'), ['serve', config, '--control-fd=3'], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  return listening(child, child.stdio[3] as Readable, bundled.remove)
}

/** Waits for a line that names the port. */
async function listening(child: ChildProcess, output: Readable, clean?: () => void): Promise<RuntimeServer> {
  let complaints = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  const ended = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
    clean?.()
  }
  const lines = createInterface({ input: output })
  const [line] = (await Promise.race([
    once(lines, 'line'),
    ended.then(([code]) => Promise.reject(new Error(`It ended with ${code}: ${complaints}`))),
  ])) as [string]
  const { port } = JSON.parse(line) as { readonly port: number }
  return { url: `http://127.0.0.1:${port}/mcp`, complaints: () => complaints, stop }
}
