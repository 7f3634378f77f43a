import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { promisify } from 'node:util'

/** Names a process beyond the reuse of its number. What cannot be found out is empty. */
export interface ProcessIdentity {
  /** Host name and machine id. */
  readonly host: string
  /** This run of the machine: after a restart every process from before is gone. */
  readonly boot: string
  /** Where `pid` counts: containers and sandboxes number their processes anew. */
  readonly namespace: string
  readonly pid: number
  /** When it started, in words of the platform. */
  readonly started: string
}

/** This process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const [machine, boot, namespace, state] = await Promise.all([
    orEmpty(() => readFile('/etc/machine-id', 'utf8')),
    orEmpty(() => readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
    orEmpty(() => readlink('/proc/self/ns/pid')),
    stateOf(process.pid),
  ])
  return { host: `${hostname()} ${machine}`.trim(), boot, namespace, pid: process.pid, started: state.started }
}

/**
 * Whether a process is certainly gone, as seen from `own`: the machine was restarted, the number is free, or it belongs to a process that
 * started at another time. False whenever that cannot be known: for a process on another host or in another container.
 */
export async function isCertainlyGone(other: ProcessIdentity, own: ProcessIdentity): Promise<boolean> {
  if (other.host !== own.host) return false
  if (other.boot !== '' && own.boot !== '' && other.boot !== own.boot) return true
  if (other.namespace !== own.namespace) return false
  try {
    process.kill(other.pid, 0)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return true
    // EPERM: the number belongs to somebody else's process, perhaps a later one.
  }
  const { started, ended } = await stateOf(other.pid)
  return ended || (other.started !== '' && started !== '' && started !== other.started)
}

interface ProcessState {
  readonly started: string
  /** Killed, though its parent has not collected it yet. */
  readonly ended: boolean
}

async function stateOf(pid: number): Promise<ProcessState> {
  if (process.platform === 'linux') return linuxState(await orEmpty(() => readFile(`/proc/${pid}/stat`, 'utf8')))
  if (process.platform === 'win32') return { started: '', ended: false }
  const line = await orEmpty(async () => {
    // A fixed language and time zone: the words are compared between processes.
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
    return (await promisify(execFile)('/bin/ps', ['-o', 'state=,lstart=', '-p', String(pid)], { env })).stdout
  })
  const [state = '', ...started] = line.split(/\s+/)
  return { started: started.join(' '), ended: state.startsWith('Z') }
}

/** Fields 3 and 22, counted after the command name, which may itself hold spaces and parentheses. */
function linuxState(stat: string): ProcessState {
  const [state = '', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { started: rest[18] ?? '', ended: state === 'Z' || state === 'X' }
}

async function orEmpty(read: () => Promise<string>): Promise<string> {
  try {
    return (await read()).trim()
  } catch {
    return ''
  }
}
