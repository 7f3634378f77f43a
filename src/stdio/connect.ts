import { basename } from 'node:path'
import type { Client } from '../client/client.ts'
import { type ClientOptions, openClient } from '../client/open-client.ts'
import { TransportError } from '../jsonrpc/errors.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { createStdioClientTransport, type RestartPolicy } from './client-transport.ts'
import { startServerProcess, type StderrMode } from './server-process.ts'
import type { ServerCommand } from './spawn.ts'

/** Bytes of one message, unless an option says otherwise. */
const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024
const DEFAULT_EXIT_TIMEOUT_MS = 2000

/** A server to start, and how to treat it. */
export interface StdioServer extends ServerCommand {
  /**
   * What happens to what the server writes to stderr. `inherit` (default): it appears on this process's stderr as it comes. `pipe`: only
   * `onStderr` gets it. `ignore`: nobody, and errors cannot quote it. It is for people: much of it is no error.
   */
  readonly stderr?: StderrMode
  /** Hears of every line the server writes to stderr, as it is: control characters included. Makes `pipe` the default. */
  readonly onStderr?: (line: string) => void
  /**
   * Starts the server anew when it ended by itself. Requests under way then fail with `closed`, since they may have run; the next one
   * starts it, agrees on the revision that was agreed before, and is answered as if nothing had been. Default: the client is closed.
   */
  readonly restart?: RestartPolicy
  /** Milliseconds a server may take to answer `server/discover` before the handshake of older revisions is tried. Default 10 000. */
  readonly probeTimeoutMs?: number
  /** Milliseconds a server has to exit once its input is closed, before SIGTERM, and again before SIGKILL. Default 2000. */
  readonly exitTimeoutMs?: number
  /** Bytes that one message may hold. A longer one ends the server. Default 64 MiB. */
  readonly maxMessageBytes?: number
}

/**
 * Starts an MCP server as a child process and connects to it over its standard streams. `close()` ends the process, and so does the end
 * of this one.
 *
 * ```ts
 * const client = await connectStdio({ command: 'npx', args: ['-y', '@modelcontextprotocol/server-everything'] })
 * ```
 *
 * @throws {TransportError} `configuration` when the program cannot be started; `closed` when it ends, with its exit code and the last it
 * wrote to stderr; `timeout` when it never answers; `unsupported_revision`, `invalid_response` and others
 * @throws {RpcError} the server's own error
 */
export async function connectStdio(server: StdioServer, options: ClientOptions = {}): Promise<Client> {
  const { command, args, env, cwd, onStderr, stderr = onStderr ? 'pipe' : 'inherit', restart } = server
  const {
    exitTimeoutMs = DEFAULT_EXIT_TIMEOUT_MS,
    maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES,
    probeTimeoutMs,
  } = server
  if (command === '') throw new TransportError('configuration', 'The command of the server is empty')
  const wanted = { command, ...(args && { args }), ...(env && { env }), ...(cwd !== undefined && { cwd }) }
  const isKnown = options.revision !== undefined && options.revision !== 'auto'
  const transport = createStdioClientTransport({
    start: listener => startServerProcess(wanted, { maxMessageBytes, stderr, onStderr, exitTimeoutMs }, listener),
    name: displayText(basename(command), 80),
    restart,
    ...(isKnown ? { probeTimeoutMs: Number.POSITIVE_INFINITY } : probeTimeoutMs !== undefined && { probeTimeoutMs }),
  })
  return await openClient(transport, options)
}
