import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What a run of the command line came to. */
export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const LATCHKEY = fileURLToPath(new URL('../../cli/bin/latchkey.js', import.meta.url))

/** Longer than any command of the demo can take; then something hangs. */
const TIMEOUT_MS = 60_000

/** Runs the real `latchkey` binary, with nobody at a terminal. */
export async function runLatchkey(
  args: readonly string[],
  options: { env: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<CommandResult> {
  const child = spawn(process.execPath, [LATCHKEY, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    timeout: TIMEOUT_MS,
  })
  const stop = (): void => void child.kill('SIGTERM')
  options.signal.addEventListener('abort', stop, { once: true })
  try {
    return await result(child)
  } finally {
    options.signal.removeEventListener('abort', stop)
  }
}

function result(child: ChildProcess): Promise<CommandResult> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ exitCode: code ?? -1, stdout, stderr }))
  })
}
