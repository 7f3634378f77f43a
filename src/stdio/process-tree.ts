import { spawn, spawnSync } from 'node:child_process'

/** Everything that one started process consists of: on POSIX its process group, on Windows its tree. */
export interface ProcessTree {
  readonly pid: number
  /** Asks it to end (SIGTERM), or ends it (SIGKILL). On Windows both end it. Never throws. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void
  /** The same, done when it returns. */
  signalSync(signal: 'SIGTERM' | 'SIGKILL'): void
  /** Whether any process of it is left; on Windows, where nobody can tell, false. */
  isAlive(): boolean
}

/** The tree of the group leader `pid`. */
export function processTree(pid: number): ProcessTree {
  if (process.platform === 'win32') {
    const args = ['/pid', String(pid), '/T', '/F']
    return {
      pid,
      signal: () => {
        spawn('taskkill', args, { stdio: 'ignore', windowsHide: true }).on('error', () => undefined)
      },
      signalSync: () => void spawnSync('taskkill', args, { stdio: 'ignore', windowsHide: true }),
      isAlive: () => false,
    }
  }
  const send = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-pid, signal)
    } catch {
      return false
    }
  }
  return { pid, signal: send, signalSync: send, isAlive: () => send(0) }
}
