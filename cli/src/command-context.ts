import type { Io } from './io.ts'
import type { Terminal } from './terminal.ts'

/** The options every command has. */
export interface CommandOptions {
  /** The server as the person wrote it, for hints. */
  readonly server?: string
  readonly profile: string
  readonly header: readonly string[]
  readonly verbose?: boolean
  readonly json?: boolean
}

/** What a command works with. */
export interface CommandContext {
  readonly io: Io
  readonly terminal: Terminal
  readonly options: CommandOptions
}
