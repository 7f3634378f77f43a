import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A child process that says things line by line. */
export interface StartedProcess {
  readonly process: ChildProcess
  /** What it said so far. */
  readonly lines: readonly string[]
  /** Resolves to the first line that `matches`, once it was said; rejects when the process ends before. */
  said(matches: (line: string) => boolean): Promise<string>
  /** Resolves once it has said `count` lines; rejects when the process ends before. */
  saidLines(count: number): Promise<void>
  tell(line: string): void
  kill(signal: NodeJS.Signals): void
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

const running = new Set<ChildProcess>()

/** Ends whatever a test left running. */
export function killAll(): void {
  for (const each of running) each.kill('SIGKILL')
}

/** Starts `node` with a script that needs no loader. */
export function startNode(script: string, args: readonly string[]): StartedProcess {
  const started = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  running.add(started)
  // Who was killed cannot be told anything.
  started.stdin.on('error', () => undefined)
  const lines: string[] = []
  const reader = createInterface({ input: started.stdout })
  reader.on('line', line => lines.push(line))
  const ended = Promise.all([once(started, 'exit'), once(reader, 'close')]).then(([[code, signal]]) => {
    running.delete(started)
    return (code ?? signal) as number | string
  })
  const said: StartedProcess['said'] = async matches => {
    const over = ended.then(() => 'over' as const)
    for (;;) {
      const found = lines.find(matches)
      if (found !== undefined) return found
      if ((await Promise.race([once(reader, 'line'), over])) === 'over' && !lines.some(matches))
        throw new Error(`It ended after ${lines.length} lines: ${lines.slice(-3).join(' | ')}`)
    }
  }
  return {
    process: started,
    lines,
    ended,
    said,
    async saidLines(count) {
      if (count > 0) await said(() => lines.length >= count)
    },
    tell: line => void started.stdin.write(`${line}\n`),
    kill: signal => void started.kill(signal),
  }
}
