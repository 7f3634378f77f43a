import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import type { Io } from './io.ts'

/** Lines of stdin until it ends or `signal` does. On a terminal long lines can be pasted whole, and Ctrl-C still interrupts. */
export async function* pastedLines(io: Io, signal: AbortSignal): AsyncGenerator<string, void, void> {
  const output = io.stdin.isTTY === true && io.stderr instanceof Writable ? io.stderr : undefined
  // Without `terminal` the system's own line editor cuts a line after 1024 to 4096 characters, which addresses exceed.
  const lines = createInterface({
    input: io.stdin,
    terminal: output !== undefined,
    prompt: '> ',
    ...(output && { output }),
  })
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const stop = (): void => {
    // Leaves the line of the prompt, so that what is said next begins one of its own.
    output?.write('\n')
    lines.close()
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) return
    if (output) lines.prompt()
    for await (const line of lines) {
      yield line
      if (output && !signal.aborted) lines.prompt()
    }
  } finally {
    signal.removeEventListener('abort', stop)
    lines.close()
  }
}
