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
 * Whether a process is certainly gone: its number is free, or belongs to one that started at another time. False whenever that cannot be
 * known, as for a process on another host.
 */
export async function isCertainlyGone({ host, pid, started }: ProcessIdentity): Promise<boolean> {
  if (host !== hostname()) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
  const now = await startTimeOf(pid)
  return started !== '' && now !== '' && now !== started
}

async function startTimeOf(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') return linuxStartTime(await readFile(`/proc/${pid}/stat`, 'utf8'))
    if (process.platform === 'win32') return ''
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)])
    return stdout.trim()
  } catch {
    return ''
  }
}

/** Field 22, counted after the command name, which may itself hold spaces and parentheses. */
function linuxStartTime(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
