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
  /** The command of a server to start, instead of a URL. */
  readonly stdio?: string
  /** Names of variables for the server of `stdio`. */
  readonly env?: readonly string[]
  /** `name=value` answers to what the server may ask. */
  readonly answer?: readonly string[]
  readonly login?: boolean
}

/** What a command works with. */
export interface CommandContext {
  readonly io: Io
  readonly terminal: Terminal
  readonly options: CommandOptions
}
