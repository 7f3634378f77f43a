import { homedir } from 'node:os'
import type { Io } from './io.ts'

/** The folder that holds all state of this environment: `LATCHKEY_HOME`, or the platform's data directory. */
export async function stateDirectory(io: Io): Promise<string> {
  const { dataDirectory } = await import('latchkey/node')
  return dataDirectory({ env: io.env, platform: process.platform, home: homedir() })
}
