import { homedir } from 'node:os'
import { posix, win32 } from 'node:path'

/** The parts of the surroundings that say where data belongs. */
export interface DataDirectorySurroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  readonly home: string
}

/**
 * The folder that holds all state: `LATCHKEY_HOME`, else `latchkey` in the platform's data directory (`XDG_DATA_HOME` if absolute, or
 * `~/.local/share`, `~/Library/Application Support`, `%LOCALAPPDATA%`). Nothing is created.
 */
export function dataDirectory(
  surroundings: DataDirectorySurroundings = {
    env: process.env,
    platform: process.platform,
    // Looked up only when it is needed: a container's user may have none.
    get home() {
      return homedir()
    },
  },
): string {
  const { env, platform } = surroundings
  if (env['LATCHKEY_HOME']) return env['LATCHKEY_HOME']
  if (platform === 'win32') {
    return win32.join(env['LOCALAPPDATA'] || win32.join(surroundings.home, 'AppData', 'Local'), 'latchkey')
  }
  if (platform === 'darwin') return posix.join(surroundings.home, 'Library', 'Application Support', 'latchkey')
  const data = env['XDG_DATA_HOME']
  return posix.join(data?.startsWith('/') ? data : posix.join(surroundings.home, '.local', 'share'), 'latchkey')
}
