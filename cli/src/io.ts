import type { Readable } from 'node:stream'

/** Where text goes: a process stream, or a buffer in a test. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(data: string | Uint8Array): unknown
}

/** Everything a command takes from the outside world. Tests hand in their own. */
export interface Io {
  /** Data only. */
  readonly stdout: Output
  /** Everything meant for people. */
  readonly stderr: Output
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Waits between two questions to a server. Default: a timer. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
  /** The folder that relative paths start from. Default: that of the process. */
  readonly cwd?: string
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
}

/** Whether a person can be asked something: both ends of the conversation are a terminal. */
export function isInteractive(io: Io): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true
}

/** The folder that relative paths start from. */
export function currentFolder(io: Io): string {
  return io.cwd ?? process.cwd()
}
