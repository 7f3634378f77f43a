import type { CommandOptions } from './command-context.ts'

/** How a login is made: through a browser here, by a machine as itself, or with a code on another device. */
export const GRANTS = ['authorization-code', 'client-credentials', 'device'] as const

/** The options of `latchkey login`. */
export interface LoginOptions extends CommandOptions {
  readonly scope?: string
  readonly grant?: (typeof GRANTS)[number]
  /** The same as the grant `device`. */
  readonly device?: boolean
  readonly clientId?: string
  readonly clientSecretEnv?: string
  /** A file. */
  readonly clientKey?: string
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
