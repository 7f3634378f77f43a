import type { ClientTransport } from '../client/transport.ts'
import { TransportError } from '../jsonrpc/errors.ts'
import type { TransportReceiver } from '../jsonrpc/transport.ts'
import { type Conversation, isOpening, type LostMessage, openConversation } from './conversation.ts'
import type { ProcessEnd, ServerListener, ServerProcess } from './server-process.ts'

/** How long a server may leave `server/discover` unanswered before it is taken for one that knows only the handshake. */
export const DEFAULT_PROBE_TIMEOUT_MS = 10_000
/** Characters of the server's stderr that an error's message repeats; `detail.received` has more. */
const QUOTED_LENGTH = 300

/** When a server that ended by itself is started anew. */
export interface RestartPolicy {
  /** How often, within {@link RestartPolicy.withinMs}. A server that ends more often is left alone, and the client is closed. */
  readonly maxRestarts: number
  /** Milliseconds. Default 60 000. */
  readonly withinMs?: number
}

export interface StdioClientTransportOptions {
  /** Starts the server, or connects to it. */
  readonly start: (listener: ServerListener) => Promise<ServerProcess>
  /** How errors name the server. */
  readonly name: string
  /** Milliseconds. Default 10 000. `Infinity` where the server's revision is known. */
  readonly probeTimeoutMs?: number
  /** Default: a server that ended closes the client. */
  readonly restart?: RestartPolicy | undefined
}

/**
 * Carries messages over the standard streams of a server process, one JSON value a line. A server that ends, or stays silent, at the first
 * request is taken for one that knows only the handshake; it is started once more for that.
 *
 * With a restart policy, what was under way when a server ended fails with `closed`, and the next request starts a new process. Where the
 * revision has a handshake that request is told `session_lost` first, so that the handshake comes before it. So is
 * `subscriptions/listen`, which does no harm twice, and what provably did not reach the server.
 *
 * @see {@link https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/stdio | stdio}
 */
export function createStdioClientTransport(options: StdioClientTransportOptions): ClientTransport {
  const { start, name, probeTimeoutMs = DEFAULT_PROBE_TIMEOUT_MS, restart } = options
  const ends: number[] = []
  let receiver: TransportReceiver | undefined
  let current: Conversation | undefined
  let starting: Promise<Conversation> | undefined
  let isProbing = probeTimeoutMs !== Number.POSITIVE_INFINITY
  let hasSessions = true
  let over: TransportError | undefined

  /** Counts an end, and says whether it may be followed by a start. */
  const mayRestart = (): boolean => {
    if (!restart) return false
    const now = performance.now()
    const { maxRestarts, withinMs = 60_000 } = restart
    ends.push(now)
    while (ends.length > 0 && (ends[0] ?? now) <= now - withinMs) ends.shift()
    return ends.length <= maxRestarts
  }

  const onEnd = (end: ProcessEnd): ((lost: LostMessage) => TransportError) => {
    current = undefined
    if (over) return ({ method, mayHaveArrived }) => endError(name, end, { method, mayHaveArrived })
    if (isProbing && !end.problem) {
      isProbing = false
      return lost => endError(name, end, lost, 'invalid_response')
    }
    const restarts = mayRestart()
    const error = endError(name, end)
    if (restarts) {
      receiver?.error(error)
    } else {
      over = error
      // After what is under way has failed with an error that names it.
      setImmediate(() => receiver?.closed(error))
    }
    return lost => {
      const isLostSession = restarts && (!lost.mayHaveArrived || lost.method === 'subscriptions/listen')
      return endError(name, end, lost, isLostSession ? 'session_lost' : undefined)
    }
  }

  const begin = (): Promise<Conversation> => {
    starting ??= (async () => {
      if (!receiver) throw new TransportError('configuration', 'The transport was not opened')
      let isOver = false
      const onItsEnd: typeof onEnd = end => {
        isOver = true
        return onEnd(end)
      }
      try {
        const conversation = await openConversation({ start, receiver, onEnd: onItsEnd })
        if (!isOver) current = conversation
        return conversation
      } finally {
        starting = undefined
      }
    })()
    return starting
  }

  return {
    exchangePerRequest: false,
    sessionId: undefined,
    useFamily: ({ messages }) => {
      hasSessions = messages.opensWithInitialize
    },
    open: async given => {
      receiver = given
      await begin()
    },
    send: async (message, { signal } = {}) => {
      if (over) throw over
      const method = 'method' in message ? message.method : undefined
      if (!current && !starting) {
        // An answer for the process that ended, and the end of what ended with it.
        if (method === undefined || method === 'notifications/cancelled') return
        if (hasSessions && !isOpening(method)) {
          const hint = 'A new handshake starts the server anew'
          throw new TransportError('session_lost', `The server process (${name}) has ended`, { method, hint })
        }
      }
      const conversation = current ?? (await begin())
      const isProbe = isProbing && method === 'server/discover'
      if (!isProbe) isProbing = false
      await conversation.send(message, { signal, answerWithinMs: isProbe ? probeTimeoutMs : undefined })
      // It answered: what it is asked from now on may take as long as anything.
      isProbing = false
    },
    close: async () => {
      over ??= new TransportError('closed', 'The connection is closed')
      const conversation = current ?? (await starting?.catch(() => undefined))
      await conversation?.close()
    },
  }
}

function endError(
  name: string,
  { how, stderr, problem, exitCode }: ProcessEnd,
  lost?: LostMessage,
  code: TransportError['code'] = problem?.code ?? 'closed',
): TransportError {
  const when = lost ? ` before ${lost.method} was answered` : ''
  const said = stderr === '' ? '' : `: ${stderr.length > QUOTED_LENGTH ? '…' : ''}${stderr.slice(-QUOTED_LENGTH)}`
  const message = problem
    ? `${problem.message}; the process (${name}) was ended`
    : `The server process (${name}) ${how}`
  const hint =
    problem?.detail.hint ??
    (exitCode === 0 && stderr === ''
      ? 'It ended by itself and without a word: is it an MCP server over stdio?'
      : undefined)
  const detail = {
    ...(lost && { method: lost.method }),
    ...(lost?.mayHaveArrived && { mayHaveRun: true }),
    ...(stderr !== '' && { received: stderr }),
    ...(hint !== undefined && { hint }),
  }
  return new TransportError(code, `${message}${when}${said}`, detail, problem && { cause: problem })
}
