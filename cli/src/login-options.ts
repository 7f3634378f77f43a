import type { CommandOptions } from './command-context.ts'

/** The options of `latchkey login`. */
export interface LoginOptions extends CommandOptions {
  readonly scope?: string
  readonly clientId?: string
  readonly clientSecretEnv?: string
  readonly clientMetadataUrl?: string
  readonly redirectPort?: number
  readonly callbackHost?: 'localhost' | '127.0.0.1'
  readonly callbackPath?: string
  /** False with `--no-browser`. */
  readonly browser: boolean
  readonly force?: boolean
  /** Seconds. */
  readonly timeout?: number
}
