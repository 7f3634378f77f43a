import { COMPLETE_COMMAND } from './completion/shells.ts'
import type { Io } from './io.ts'

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const

/** Runs the `latchkey` command of this process and ends the process with its exit code. */
export async function main(): Promise<void> {
  const argv = process.argv.slice(2)
  if (argv[0] === COMPLETE_COMMAND) {
    // A key press waits for it: nothing else is loaded.
    const { complete } = await import('./completion/complete.ts')
    await complete(argv.slice(1), process)
    return
  }
  const controller = new AbortController()
  let interrupted: number | undefined
  for (const [signal, exitCode] of SIGNALS) {
    process.on(signal, () => {
      // The first waits for a token that is being redeemed, which would be lost otherwise; the second does not.
      if (interrupted !== undefined) process.exit(exitCode)
      interrupted = exitCode
      controller.abort()
    })
  }
  // A reader that has seen enough (`| head`) is no failure.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  const io: Io = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    now: Date.now,
    signal: controller.signal,
  }
  const { runCommandLine } = await import('./command-line.ts')
  const exitCode = await runCommandLine(argv, io)
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  // Idle connections and an open stdin would keep the process alive.
  process.exit(interrupted ?? exitCode)
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise(resolve => {
    if (!stream.writable) return resolve()
    stream.write('', () => resolve())
  })
}
