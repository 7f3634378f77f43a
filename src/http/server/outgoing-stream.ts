import { createEventHistory, type EventHistory, type StreamEvent } from './event-history.ts'
import { unref } from '../../server/unref.ts'
import type { StreamSink } from './http-message.ts'

/** Characters that may wait for a client that does not keep up; then what matters least is dropped, and at last the stream is cut. */
export const MAX_WAITING_LENGTH: number = 4 * 1024 * 1024
/** Characters that are written at once when a connection takes more. */
const PORTION_LENGTH = 64 * 1024

export interface OutgoingStreamOptions {
  /** Given for a stream that can be taken up again: its events carry ids that begin with this. */
  readonly id?: string | undefined
  /** Without them nobody may take it up again. Default none. */
  readonly scopes?: readonly string[]
  /** A connection is about to come; until then more is kept. */
  readonly isAwaited?: boolean
  /** Milliseconds between two comments that keep the connection open. */
  readonly keepAliveMs: number
  /** Called when the client is gone, or was cut off. */
  readonly onGone: () => void
}

/**
 * A stream of events to one client. It may outlive its connection: what is sent meanwhile is kept, within limits, and given out to whoever takes it
 * up again with the id of the last event that arrived.
 *
 * @see {@link https://html.spec.whatwg.org/multipage/server-sent-events.html | HTML, server-sent events}
 */
export class OutgoingStream {
  readonly id: string | undefined
  /** Without them nobody may take it up again. */
  readonly scopes: readonly string[]
  readonly #options: OutgoingStreamOptions
  readonly #history: EventHistory | undefined
  #sink: StreamSink | undefined
  #keepAlive: ReturnType<typeof setInterval> | undefined
  #isAwaited: boolean
  #isBlocked = false
  #isEnded = false
  #isLettingGo = false
  /** Of which resources the connection may be told; undefined: of all. */
  #mayHear: ((uri: string) => boolean) | undefined
  /** Something is missing, and nobody can come back for it. */
  #isCut = false
  /** The number of the newest event, and of the newest that a connection has taken. */
  #number = 0
  #written = 0
  /** What the connection has not taken yet. */
  #waiting: StreamEvent[] = []
  #waitingLength = 0
  #drained: Promise<void> | undefined
  #onDrained: (() => void) | undefined

  constructor(options: OutgoingStreamOptions) {
    this.#options = options
    this.id = options.id
    this.scopes = options.scopes ?? []
    this.#isAwaited = options.id === undefined || options.isAwaited === true
    this.#history = options.id === undefined ? undefined : createEventHistory()
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  get isConnected(): boolean {
    return this.#sink !== undefined
  }

  /** Characters that are kept for whoever takes the stream up again. */
  get keptLength(): number {
    return this.#history?.length ?? 0
  }

  /** Sends an event without data, so that the client knows an id to come back with, and how long to wait before. */
  prime(retryAfterMs?: number): void {
    this.#emit(retryAfterMs === undefined ? 'data: \n\n' : `retry: ${retryAfterMs}\ndata: \n\n`, false)
  }

  /** Sends one message. `mayDrop`: it is left out where the client does not keep up. `uri`: the resource that it tells of. */
  send(json: string, mayDrop = false, uri?: string): void {
    if (mayDrop && this.#waitingLength > MAX_WAITING_LENGTH / 4) return
    this.#emit(`event: message\ndata: ${json}\n\n`, mayDrop, uri)
  }

  #emit(data: string, mayDrop: boolean, uri?: string): void {
    if (this.#isEnded || this.#isCut) return
    this.#number += 1
    const text = this.id === undefined ? data : `id: ${this.id}_${this.#number}\n${data}`
    const event = { number: this.#number, text, mayDrop, uri }
    if (this.#history) {
      this.#history.add(event)
      if (this.#isAwaited) this.#history.trim(Number.POSITIVE_INFINITY, MAX_WAITING_LENGTH)
      else this.#history.trim()
    }
    if (this.#sink) this.#write(event)
    // Whoever comes for a stream that is kept gets it from there, and for another nobody comes twice.
    else if (!this.#history && this.#isAwaited) this.#wait(event)
  }

  #write(event: StreamEvent): void {
    if (event.uri !== undefined && this.#mayHear?.(event.uri) === false) return
    if (this.#isBlocked) return this.#wait(event)
    this.#written = event.number
    if (this.#sink?.write(event.text) === false) this.#isBlocked = true
  }

  #wait(event: StreamEvent): void {
    // One message may exceed the limit, for it may be the answer.
    if (this.#waitingLength >= MAX_WAITING_LENGTH) return this.#cut()
    this.#waiting.push(event)
    this.#waitingLength += event.text.length
  }

  /** The client does not keep up at all: it may come back where the stream is kept. */
  #cut(): void {
    const sink = this.#sink
    this.#isCut = !this.#history
    this.#detach()
    sink?.cut()
    this.#options.onGone()
  }

  /**
   * Connects a client; one that was connected is let go. `after`: the number of the last event that it has, else it gets what no connection has taken.
   * `mayHear`: of which resources it may be told; default all.
   */
  attach(sink: StreamSink, after: number = this.#written, mayHear?: (uri: string) => boolean): void {
    if (this.#isCut) return sink.cut()
    const former = this.#sink
    this.#detach()
    former?.end()
    this.#sink = sink
    this.#mayHear = mayHear
    sink.onDrain(() => {
      if (this.#sink === sink) this.#flush()
    })
    sink.onClose(() => {
      if (this.#sink !== sink) return
      this.#detach()
      if (!this.#isEnded) this.#options.onGone()
    })
    if (this.#history) {
      for (const event of this.#history.after(after)) if (this.#sink === sink) this.#write(event)
      this.#history.trim()
    } else this.#flush()
    this.#isAwaited = false
    if (this.#sink !== sink) return
    if (this.#isEnded) return this.#finish()
    if (this.#isLettingGo) return this.disconnect()
    // A comment also makes a lost connection known.
    this.#keepAlive = setInterval(() => {
      if (!this.#isBlocked) this.#isBlocked = !sink.write(':\n\n')
    }, this.#options.keepAliveMs)
    unref(this.#keepAlive)
  }

  #flush(): void {
    this.#isBlocked = false
    while (this.#waiting.length > 0 && !this.#isBlocked) {
      let portion = ''
      let taken = 0
      for (; taken < this.#waiting.length && portion.length < PORTION_LENGTH; taken += 1) {
        portion += this.#waiting[taken]?.text
        this.#written = this.#waiting[taken]?.number ?? this.#written
      }
      // Before it is written: a connection may take more at once.
      this.#waiting.splice(0, taken)
      this.#waitingLength -= portion.length
      if (this.#sink?.write(portion) === false) this.#isBlocked = true
    }
    if (this.#isBlocked) return
    this.#releaseDrained()
    if (this.#isEnded) this.#finish()
  }

  #finish(): void {
    if (this.#waiting.length > 0) return
    const sink = this.#sink
    this.#detach()
    sink?.end()
  }

  #detach(): void {
    clearInterval(this.#keepAlive)
    const wasConnected = this.#sink !== undefined
    this.#sink = undefined
    this.#isBlocked = false
    // What is kept is given out anew to whoever comes back.
    if (this.#history || wasConnected || this.#isCut) {
      this.#waiting = []
      this.#waitingLength = 0
    }
    this.#releaseDrained()
  }

  #releaseDrained(): void {
    this.#onDrained?.()
    this.#onDrained = undefined
    this.#drained = undefined
  }

  /** Resolves once the connection takes more. */
  drained(): Promise<void> {
    if (!this.#isBlocked) return Promise.resolve()
    // One promise for all who wait: a handler that does not wait may ask any number of times.
    this.#drained ??= new Promise(resolve => {
      this.#onDrained = resolve
    })
    return this.#drained
  }

  /** Lets the connection go, or the first one once it is there and has what was sent; the stream goes on. */
  disconnect(): void {
    const sink = this.#sink
    this.#isLettingGo = !sink && !this.#isEnded
    if (!sink) return
    this.#detach()
    sink.end()
  }

  /** Nothing more will be sent. What waits is still delivered. */
  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    if (!this.#isBlocked) this.#finish()
  }
}

/** The stream and event that a `Last-Event-ID` names. */
export function readEventId(value: string): { readonly stream: string; readonly number: number } | undefined {
  const match = /^([\w-]{1,64})_(\d{1,12})$/.exec(value)
  return match ? { stream: match[1] ?? '', number: Number(match[2]) } : undefined
}
