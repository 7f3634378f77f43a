import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import type { Io } from '../io.ts'

/** Asks a person for lines, one after the other. */
export interface PromptLines {
  /** Writes whole lines. */
  say(...lines: readonly string[]): void
  /** Resolves to the line that was typed; undefined when there is none any more: Ctrl-D, or nobody waits for it. */
  ask(prompt: string): Promise<string | undefined>
  close(): void
}

/** Opens a conversation on stdin and stderr, until it is closed or `signal` ends it. Ctrl-C still interrupts the process. */
export function openPromptLines(io: Io, signal: AbortSignal): PromptLines {
  const output = io.stdin.isTTY === true && io.stderr instanceof Writable ? io.stderr : undefined
  const lines = createInterface({ input: io.stdin, terminal: output !== undefined, ...(output && { output }) })
  const typed: string[] = []
  let waiting: ((line: string | undefined) => void) | undefined
  let over = false
  const settle = (line: string | undefined): void => {
    const resolve = waiting
    waiting = undefined
    resolve?.(line)
  }
  const close = (): void => {
    if (over) return
    over = true
    signal.removeEventListener('abort', close)
    // Leaves the line of the prompt, so that what is said next begins one of its own.
    if (waiting) io.stderr.write('\n')
    lines.close()
    settle(undefined)
  }
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  lines.on('line', line => {
    if (waiting) settle(line)
    else typed.push(line)
  })
  lines.on('close', close)
  if (signal.aborted) close()
  else signal.addEventListener('abort', close, { once: true })
  return {
    say: (...text) => void io.stderr.write(text.map(line => `${line}\n`).join('')),
    ask(prompt) {
      const ahead = typed.shift()
      if (ahead !== undefined || over) return Promise.resolve(over ? undefined : ahead)
      return new Promise(resolve => {
        waiting = resolve
        if (!output) {
          io.stderr.write(prompt)
          return
        }
        lines.setPrompt(prompt)
        lines.prompt()
      })
    },
    close,
  }
}
