import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { TransportError } from '../jsonrpc/errors.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { type Environment, safeEnvironment } from './environment.ts'
import { resolveWindowsCommand } from './windows-command.ts'

/** A program that is an MCP server. */
export interface ServerCommand {
  /** The program, found as a shell would find it; on Windows a batch file such as `npx` too. There never is a shell: no `|`, `~` or `$`. */
  readonly command: string
  readonly args?: readonly string[]
  /** Variables for the server besides the few that are safe to pass on (`HOME`, `PATH`, …). `process.env` passes on everything. */
  readonly env?: Environment
  /** Default: the working directory of this process. */
  readonly cwd?: string
}

/** A started child with pipes. `stderr` is absent when it is ignored. */
export interface StartedChild {
  readonly child: ChildProcess
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable | undefined
}

/**
 * Starts a server as a child of this process; on POSIX in a process group of its own, so that a Ctrl-C in the terminal is for the host to
 * handle, and what the server started in turn (behind `npx` there are three processes) can be ended with it.
 *
 * @throws {TransportError} `configuration` when there is no such program or working directory, or it must not be run
 */
export async function spawnServer(server: ServerCommand, keepStderr: boolean): Promise<StartedChild> {
  const { command, cwd = process.cwd() } = server
  const environment = { ...safeEnvironment(process.env, process.platform), ...server.env }
  const { file, args, verbatimArguments } =
    process.platform === 'win32'
      ? resolveWindowsCommand(command, server.args ?? [], { environment, cwd, isFile })
      : { file: command, args: server.args ?? [], verbatimArguments: false }
  let child: ChildProcess | undefined
  try {
    child = spawn(file, args, {
      cwd,
      env: environment,
      shell: false,
      stdio: ['pipe', 'pipe', keepStderr ? 'pipe' : 'ignore'],
      detached: process.platform !== 'win32',
      windowsHide: true,
      windowsVerbatimArguments: verbatimArguments,
    })
    await once(child, 'spawn')
    child.on('error', () => undefined)
  } catch (cause) {
    throw spawnError(command, cwd, cause)
  }
  const { pid, stdin, stdout, stderr } = child
  if (pid === undefined || !stdin || !stdout) throw spawnError(command, cwd, undefined)
  return { child, pid, stdin, stdout, stderr: stderr ?? undefined }
}

/** Without the cause: it repeats the arguments and variables, which hold keys more often than not. */
function spawnError(command: string, cwd: string, cause: unknown): TransportError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const name = displayText(command, 200) || 'The empty string'
  const refuse = (why: string, hint: string): TransportError =>
    new TransportError('configuration', `${name} cannot be started: ${why}`, { hint })
  // An absent working directory is reported as an absent program.
  if (code === 'ENOENT' && !isFolder(cwd)) return refuse(`${displayText(cwd, 200)} is no folder`, 'Check cwd')
  if (code === 'ENOENT') {
    const spaced = /\s/.test(command) ? 'The program and its arguments are given apart: command and args' : undefined
    return refuse('there is no such program', spaced ?? 'Is it installed, and on the PATH that the server gets?')
  }
  if (code === 'EACCES') return refuse('it must not be run', 'Is it a program, with permission to run it?')
  return refuse(
    code || 'the system refused',
    'Are command, args and env texts without null characters, and not too many of them?',
  )
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
