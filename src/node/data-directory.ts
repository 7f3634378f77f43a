import { homedir } from 'node:os'
import { join } from 'node:path'

/** The parts of the surroundings that say where data belongs. */
export interface DataDirectorySurroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  readonly home: string
}

/**
 * The folder that holds all state: `LATCHKEY_HOME`, else `latchkey` in the platform's data directory (`XDG_DATA_HOME` or
 * `~/.local/share`, `~/Library/Application Support`, `%LOCALAPPDATA%`). Nothing is created.
 */
export function dataDirectory(
  { env, platform, home }: DataDirectorySurroundings = {
    env: process.env,
    platform: process.platform,
    home: homedir(),
  },
): string {
  if (env['LATCHKEY_HOME']) return env['LATCHKEY_HOME']
  if (platform === 'win32') return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'latchkey')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'latchkey')
  return join(env['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'latchkey')
}
