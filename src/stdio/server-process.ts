import { setTimeout as delay } from 'node:timers/promises'
import { TransportError } from '../jsonrpc/errors.ts'
import { secretsIn } from './environment.ts'
import { readErrorOutput } from './error-output.ts'
import { createLineFraming } from './line-framing.ts'
import { endWithThisProcess } from './orphans.ts'
import { type ProcessTree, processTree } from './process-tree.ts'
import { settlesWithin } from './settles-within.ts'
import { type ServerCommand, spawnServer } from './spawn.ts'

/** What happens to what the server writes to stderr. */
export type StderrMode = 'inherit' | 'pipe' | 'ignore'

export interface ServerProcessOptions {
  readonly maxMessageBytes: number
  readonly stderr: StderrMode
  readonly onStderr?: ((line: string) => void) | undefined
  /** Milliseconds the server has to exit: once after its input was closed, and once more after SIGTERM. */
  readonly exitTimeoutMs: number
}

/** Where a server process delivers what it writes. None of these throws. */
export interface ServerListener {
  message(value: unknown): void
  noise(line: string): void
  error(error: unknown): void
}

/** How a server process ended. */
export interface ProcessEnd {
  /** In words: `ended with exit code 1`. */
  readonly how: string
  readonly exitCode?: number
  /** The last it wrote to stderr, fit to be shown; empty when there was nothing. */
  readonly stderr: string
  /** Why this side ended it, when it did. */
  readonly problem?: TransportError
}

/** A running server, as a conversation with it sees it: a process, or whatever else carries lines both ways. */
export interface ServerProcess {
  /** Resolves when the line was taken; rejects when it provably did not get there. */
  write(line: string): Promise<void>
  /** Resolves once when the server has ended, and everything it wrote was delivered. */
  readonly ended: Promise<ProcessEnd>
  /** Ends it in the order of the protocol: closes its input, waits, SIGTERM, waits, SIGKILL. Never rejects, may be called twice. */
  close(): Promise<void>
}

/** How long the pipes of an ended process are read on: what it started may hold them open for ever. */
const DRAIN_MS = 250
/** How long what an ended process left behind has to end after SIGTERM. */
const LEFTOVER_MS = 500
const POLL_MS = 20
/** How long an end by SIGKILL is waited for. */
const KILL_MS = 2000

/**
 * Starts a server process and reads it until it has ended.
 *
 * @throws {TransportError} `configuration` when it cannot be started
 * @see MCP 2026-07-28, stdio, Shutdown
 */
export async function startServerProcess(
  command: ServerCommand,
  options: ServerProcessOptions,
  listener: ServerListener,
): Promise<ServerProcess> {
  const { maxMessageBytes, stderr: mode, onStderr, exitTimeoutMs } = options
  const { child, pid, stdin, stdout, stderr } = await spawnServer(command, mode !== 'ignore')
  const tree = processTree(pid)
  const release = endWithThisProcess(tree)
  const errorOutput = readErrorOutput(stderr, {
    isShown: mode === 'inherit',
    onLine: onStderr,
    secrets: secretsIn(command.env ?? {}, command.args ?? []),
    onError: error => listener.error(error),
  })
  let problem: TransportError | undefined

  const framing = createLineFraming({
    maxLineBytes: maxMessageBytes,
    onMessage: value => listener.message(value),
    onNoise: line => listener.noise(line),
  })
  stdout.on('data', (chunk: Uint8Array) => {
    try {
      framing.push(chunk)
    } catch (error) {
      if (error instanceof TransportError) problem = error
      stdout.destroy()
      void close()
    }
  })
  stdout.on('end', () => {
    framing.end()
    // A server may end the conversation so; one that then stays is of no use.
    void close()
  })
  // A broken pipe is told to who writes, and by the exit.
  stdout.on('error', () => undefined)
  stdin.on('error', () => undefined)

  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const drained = new Promise<void>(resolve => child.once('close', () => resolve()))
  const ended = (async (): Promise<ProcessEnd> => {
    await exited
    await settlesWithin(drained, DRAIN_MS)
    for (const stream of [stdin, stdout, stderr]) stream?.destroy()
    const { exitCode, signalCode } = child
    return {
      how: exitCode === null ? `was ended by ${signalCode ?? 'a signal'}` : `ended with exit code ${exitCode}`,
      stderr: errorOutput.tail(),
      ...(exitCode !== null && { exitCode }),
      ...(problem && { problem }),
    }
  })()
  const gone = exited.then(() => endLeftovers(tree)).then(release)

  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      stdin.end()
      if (!(await settlesWithin(exited, exitTimeoutMs))) tree.signal('SIGTERM')
      if (!(await settlesWithin(exited, exitTimeoutMs))) tree.signal('SIGKILL')
      await settlesWithin(Promise.all([gone, ended]), KILL_MS)
    })()
    return closing
  }

  return {
    ended,
    close,
    write: line =>
      new Promise((resolve, reject) => {
        stdin.write(line, error => (error ? reject(error) : resolve()))
      }),
  }
}

/** Ends what an ended process has started and left behind. What means to live on, a daemon, is in a group of its own. */
async function endLeftovers(tree: ProcessTree): Promise<void> {
  if (!tree.isAlive()) return
  tree.signal('SIGTERM')
  for (let waited = 0; waited < LEFTOVER_MS && tree.isAlive(); waited += POLL_MS) await delay(POLL_MS)
  if (tree.isAlive()) tree.signal('SIGKILL')
}
