import type { Changes } from '../../server/changes.ts'
import type { HandshakeSession } from '../../server/handshake-session.ts'
import { unref } from '../../server/unref.ts'
import { OutgoingStream } from './outgoing-stream.ts'

/** How sessions are kept. */
export interface SessionOptions {
  /** Milliseconds that a session may lie idle: nothing under way, no stream open. Default 30 minutes. */
  readonly idleMs?: number
  /**
   * Sessions at once. Beyond, one that lies idle ends: of the principal that has most of them, so that nobody can end those of others by opening many,
   * and of these the one that lay idle longest. Where none is idle a new client is refused. Default 10 000.
   */
  readonly maximum?: number
}

/** Streams of one session that are kept so that they can be taken up again. */
export const MAX_STREAMS = 32
/** Characters that the ended ones among them may hold; beyond, the oldest is forgotten. */
export const MAX_ENDED_LENGTH: number = 2 * 1024 * 1024
/** Milliseconds after the last use of a session in which a client that lost its connection may come back for an answer. */
const KEPT_FOR_MS = 5 * 60_000
/** Milliseconds between two looks at what lies idle. */
const SWEEP_MS = 30_000

/** One client's session over HTTP. */
export interface HttpSession {
  readonly id: string
  /**
   * Whether it is of use to a principal; empty for somebody who did not say who they are. What was begun so goes on as the session of whoever first
   * logs in, and whoever listened until then hears no more.
   */
  isFor(principal: string): boolean
  readonly conversation: HandshakeSession
  /** What the server sends unasked. */
  readonly unasked: OutgoingStream
  /** Makes the id of the stream of one POST. */
  nextStreamId(): string
  /** Keeps a stream so that it can be taken up again. */
  keep(stream: OutgoingStream): void
  /** A stream of a POST by its id. */
  find(streamId: string): OutgoingStream | undefined
  /** It is in use: it does not count as idle for a while. */
  touch(): void
}

/** The sessions of one endpoint. */
export interface SessionRegistry {
  /** Undefined when there is no room. */
  open(conversation: HandshakeSession, principal: string): HttpSession | undefined
  find(id: string): HttpSession | undefined
  /** Ends a session. Calls under way end with it; an `RpcError` is what they are answered with. */
  end(session: HttpSession, reason: unknown): void
  endAll(reason: unknown): void
  /** Ends what lay idle for too long. */
  sweep(): void
  readonly size: number
}

interface Entry {
  /** The principal that it is of use to. */
  owner: string
  readonly session: HttpSession
  readonly streams: Map<string, OutgoingStream>
  readonly stop: () => void
  usedAt: number
}

/** Keeps sessions, within limits. A session is of use only to the principal that opened it. */
export function createSessionRegistry(
  changes: Changes,
  options: SessionOptions & { readonly keepAliveMs: number; readonly now: () => number },
): SessionRegistry {
  const { idleMs = 30 * 60_000, maximum = 10_000, keepAliveMs, now } = options
  /** In the order of their last use. */
  const entries = new Map<string, Entry>()
  let timer: ReturnType<typeof setInterval> | undefined

  const touch = (entry: Entry): void => {
    entry.usedAt = now()
    if (entries.delete(entry.session.id)) entries.set(entry.session.id, entry)
  }
  const end = (entry: Entry, reason: unknown): void => {
    if (!entries.delete(entry.session.id)) return
    entry.stop()
    // The streams of calls end with their answers.
    entry.session.conversation.close(reason)
    entry.session.unasked.end()
    if (entries.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  const sweep = (): void => {
    const at = now()
    // A copy, for `touch` puts entries at the end.
    for (const entry of Array.from(entries.values())) {
      if (!isIdle(entry)) touch(entry)
      else if (at - entry.usedAt >= idleMs) end(entry, new Error('The session lay idle'))
      else if (at - entry.usedAt >= KEPT_FOR_MS) entry.streams.clear()
    }
  }
  const makeRoom = (): boolean => {
    if (entries.size < maximum) return true
    const dispensable = findDispensable(entries.values())
    if (dispensable) end(dispensable, new Error('The session made room for another'))
    return dispensable !== undefined
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
        isFor: asking => {
          if (entry.owner === '' && asking !== '') {
            entry.owner = asking
            if (unasked.isConnected) unasked.disconnect()
          }
          return entry.owner === asking
        },
        conversation,
        unasked,
        nextStreamId: () => `post${++lastStream}`,
        keep: stream => {
          if (stream.id === undefined) return
          streams.set(stream.id, stream)
          forgetEnded(streams)
        },
        find: streamId => streams.get(streamId),
        touch: () => touch(entry),
      }
      const stop = changes.subscribe(change => {
        const told = conversation.tellOf(change)
        const uri = change.kind === 'resource' ? change.uri : undefined
        if (told) unasked.send(JSON.stringify({ jsonrpc: '2.0', ...told }), false, uri)
      })
      const entry: Entry = { owner: principal, session, streams, stop, usedAt: now() }
      entries.set(id, entry)
      if (!timer) {
        timer = setInterval(sweep, Math.min(idleMs, SWEEP_MS))
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

function isIdle({ session, streams }: Entry): boolean {
  return (
    session.conversation.running === 0 &&
    !session.unasked.isConnected &&
    ![...streams.values()].some(stream => stream.isConnected)
  )
}

/** The idle session that is missed least. `entries`: in the order of their last use. */
function findDispensable(entries: Iterable<Entry>): Entry | undefined {
  const all = [...entries]
  const counts = new Map<string, number>()
  for (const { owner } of all) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  let found: Entry | undefined
  let most = 0
  for (const entry of all) {
    const count = counts.get(entry.owner) ?? 0
    if (count <= most || !isIdle(entry)) continue
    found = entry
    most = count
  }
  return found
}

/** Forgets the oldest streams that have ended, when there are too many or they hold too much. Those that have not are bounded by the calls of a session. */
function forgetEnded(streams: Map<string, OutgoingStream>): void {
  let length = 0
  for (const stream of streams.values()) if (stream.isEnded) length += stream.keptLength
  for (const [id, stream] of streams) {
    if (streams.size <= MAX_STREAMS && length <= MAX_ENDED_LENGTH) return
    if (!stream.isEnded) continue
    streams.delete(id)
    length -= stream.keptLength
  }
}
