import { homedir } from 'node:os'
import { posix, win32 } from 'node:path'
import type { Io } from '../io.ts'

/**
 * The folder that holds all state, as `dataDirectory` of `latchkey/node` finds it: a key press must not wait for the library to load.
 */
export function cacheDirectory(env: Io['env'], platform: NodeJS.Platform = process.platform, home?: string): string {
  if (env['LATCHKEY_HOME']) return env['LATCHKEY_HOME']
  const at = (): string => home ?? homedir()
  if (platform === 'win32') return win32.join(env['LOCALAPPDATA'] || win32.join(at(), 'AppData', 'Local'), 'latchkey')
  if (platform === 'darwin') return posix.join(at(), 'Library', 'Application Support', 'latchkey')
  const data = env['XDG_DATA_HOME']
  return posix.join(data?.startsWith('/') ? data : posix.join(at(), '.local', 'share'), 'latchkey')
}
