import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { promisify } from 'node:util'

/** Names a process beyond the reuse of its number. */
export interface ProcessIdentity {
  readonly host: string
  readonly pid: number
  /** When it started, in words of the platform; empty where that cannot be found out. */
  readonly started: string
}

/** This process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  return { host: hostname(), pid: process.pid, started: await startTimeOf(process.pid) }
}

/**
 * Whether a process is certainly gone: its number is free, or belongs to one that has ended or started at another time. False whenever that
 * cannot be known, as for a process on another host.
 */
export async function isCertainlyGone({ host, pid, started }: ProcessIdentity): Promise<boolean> {
  if (host !== hostname()) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return true
  }
  const now = await startTimeOf(pid)
  return started !== '' && now !== '' && now !== started
}

const ENDED = 'ended'
const LINUX_BOOT_ID = '/proc/sys/kernel/random/boot_id'

async function startTimeOf(pid: number): Promise<string> {
  try {
    if (process.platform === 'win32') return ''
    if (process.platform === 'linux') {
      const [stat, boot] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile(LINUX_BOOT_ID, 'utf8')])
      return linuxStartTime(stat, boot)
    }
    // Its words depend on language and time zone, which differ from one terminal to the next.
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
    const { stdout } = await promisify(execFile)('/bin/ps', ['-o', 'lstart=', '-p', String(pid)], { env })
    return stdout.trim()
  } catch {
    return ''
  }
}

/**
 * Counted from the boot, hence that with it. A process killed and not yet waited for by its parent still has a number: it has ended all the
 * same. Fields are counted after the command name, which may itself hold spaces and parentheses.
 */
function linuxStartTime(stat: string, boot: string): string {
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === 'Z' || state === 'X' ? ENDED : `${boot.trim()} ${fields[18] ?? ''}`
}
