import type { HandshakeSession } from '../../server/handshake-session.ts'
import type { Server } from '../../server/server.ts'
import { OutgoingStream, unref } from './outgoing-stream.ts'
import { tooLong } from './refusals.ts'

/** How sessions are kept. */
export interface SessionOptions {
  /** Milliseconds that a session may lie idle: nothing under way, no stream open. Default 30 minutes. */
  readonly idleMs?: number
  /** Sessions at once; beyond, the one that lay idle longest ends, and where none is idle a new client is refused. Default 10 000. */
  readonly maximum?: number
}

/** Streams of one session that are kept so that they can be taken up again. */
const MAX_STREAMS = 32

/** One client's session over HTTP. */
export interface HttpSession {
  readonly id: string
  /** Whose it is; empty where nobody has to say who they are. */
  readonly principal: string
  readonly conversation: HandshakeSession
  /** What the server sends unasked. */
  readonly unasked: OutgoingStream
  /** Makes the id of the stream of one POST. */
  nextStreamId(): string
  /** Keeps a stream so that it can be taken up again. */
  keep(stream: OutgoingStream): void
  /** A stream by its id. */
  find(streamId: string): OutgoingStream | undefined
  /** It is in use: it does not count as idle for a while. */
  touch(): void
}

/** The sessions of one endpoint. */
export interface SessionRegistry {
  /** Undefined when there is no room. */
  open(conversation: HandshakeSession, principal: string): HttpSession | undefined
  find(id: string): HttpSession | undefined
  end(session: HttpSession, reason: unknown): void
  endAll(reason: unknown): void
  /** Ends what lay idle for too long, and what runs for too long. */
  sweep(): void
  readonly size: number
}

interface Entry {
  readonly session: HttpSession
  readonly streams: Map<string, OutgoingStream>
  readonly stop: () => void
  usedAt: number
}

/** Keeps sessions, within limits. A session is of use only to the principal that opened it. */
export function createSessionRegistry(
  server: Server,
  options: SessionOptions & {
    readonly keepAliveMs: number
    readonly requestTimeoutMs: number
    readonly now: () => number
  },
): SessionRegistry {
  const { idleMs = 30 * 60_000, maximum = 10_000, keepAliveMs, requestTimeoutMs, now } = options
  const entries = new Map<string, Entry>()
  let timer: ReturnType<typeof setInterval> | undefined

  const isIdle = ({ session, streams }: Entry): boolean =>
    session.conversation.running === 0 &&
    !session.unasked.isConnected &&
    ![...streams.values()].some(stream => stream.isConnected)

  const end = (entry: Entry, reason: unknown): void => {
    if (!entries.delete(entry.session.id)) return
    entry.stop()
    entry.session.conversation.close(reason)
    entry.session.unasked.end()
    for (const stream of entry.streams.values()) stream.end()
    if (entries.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  const sweep = (): void => {
    const at = now()
    for (const entry of entries.values()) {
      entry.session.conversation.abortOlderThan(at - requestTimeoutMs, tooLong(requestTimeoutMs))
      if (!isIdle(entry)) entry.usedAt = at
      else if (at - entry.usedAt >= idleMs) end(entry, new Error('The session lay idle'))
    }
  }
  const makeRoom = (): boolean => {
    if (entries.size < maximum) return true
    const idle = [...entries.values()].filter(isIdle).sort((a, b) => a.usedAt - b.usedAt)[0]
    if (idle) end(idle, new Error('The session made room for another'))
    return idle !== undefined
  }

  return {
    get size() {
      return entries.size
    },
    open: (conversation, principal) => {
      if (!makeRoom()) return undefined
      const id = crypto.randomUUID()
      const streams = new Map<string, OutgoingStream>()
      const unasked = new OutgoingStream({ id: 'unasked', keepAliveMs, onGone: () => undefined })
      let lastStream = 0
      const session: HttpSession = {
        id,
        principal,
        conversation,
        unasked,
        nextStreamId: () => `post${++lastStream}`,
        keep: stream => {
          if (stream.id === undefined) return
          streams.set(stream.id, stream)
          for (const [oldest, { isEnded }] of streams) {
            if (streams.size <= MAX_STREAMS) break
            if (isEnded) streams.delete(oldest)
          }
        },
        find: streamId => (streamId === unasked.id ? unasked : streams.get(streamId)),
        touch: () => {
          entry.usedAt = now()
        },
      }
      const stop = server.internals.changes.subscribe(change => {
        const told = conversation.tellOf(change)
        if (told) unasked.send(JSON.stringify({ jsonrpc: '2.0', ...told }))
      })
      const entry: Entry = { session, streams, stop, usedAt: now() }
      entries.set(id, entry)
      if (!timer) {
        timer = setInterval(sweep, Math.min(idleMs, 30_000))
        unref(timer)
      }
      return session
    },
    find: id => entries.get(id)?.session,
    end: ({ id }, reason) => {
      const entry = entries.get(id)
      if (entry) end(entry, reason)
    },
    endAll: reason => {
      for (const entry of entries.values()) end(entry, reason)
    },
    sweep,
  }
}
