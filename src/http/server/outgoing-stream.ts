import type { StreamSink } from './http-message.ts'

/** Characters that may wait for a client that does not keep up; then what matters least is dropped, and at last the stream is cut. */
export const MAX_WAITING_LENGTH: number = 4 * 1024 * 1024
/** Characters that a stream keeps so that it can be taken up again. */
const MAX_KEPT_LENGTH = 1024 * 1024
/** Events that it keeps. */
const MAX_KEPT_EVENTS = 256

export interface OutgoingStreamOptions {
  /** Given for a stream that can be taken up again: its events carry ids that begin with this. */
  readonly id?: string | undefined
  /** Milliseconds between two comments that keep the connection open. */
  readonly keepAliveMs: number
  /** Called when the client is gone, or was cut off. */
  readonly onGone: () => void
}

interface KeptEvent {
  readonly number: number
  readonly text: string
}

/**
 * A stream of events to one client. It may outlive its connection: what is sent meanwhile is kept, within limits, and given out to whoever takes it
 * up again with the id of the last event that arrived.
 *
 * @see {@link https://html.spec.whatwg.org/multipage/server-sent-events.html | HTML, server-sent events}
 */
export class OutgoingStream {
  readonly id: string | undefined
  readonly #options: OutgoingStreamOptions
  #sink: StreamSink | undefined
  #keepAlive: ReturnType<typeof setInterval> | undefined
  #isBlocked = false
  #isEnded = false
  #isLettingGo = false
  #number = 0
  /** What the connection has not taken yet. */
  #waiting: string[] = []
  #waitingLength = 0
  readonly #kept: KeptEvent[] = []
  #keptLength = 0
  #drained: (() => void)[] = []

  constructor(options: OutgoingStreamOptions) {
    this.#options = options
    this.id = options.id
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  get isConnected(): boolean {
    return this.#sink !== undefined
  }

  /** Sends an event without data, so that the client knows an id to come back with, and how long to wait before. */
  prime(retryAfterMs?: number): void {
    this.#emit(retryAfterMs === undefined ? 'data: \n\n' : `retry: ${retryAfterMs}\ndata: \n\n`)
  }

  /** Sends one message. `mayDrop`: it is left out where the client does not keep up. */
  send(json: string, mayDrop = false): void {
    if (mayDrop && this.#waitingLength > MAX_WAITING_LENGTH / 4) return
    this.#emit(`event: message\ndata: ${json}\n\n`)
  }

  #emit(event: string): void {
    if (this.#isEnded) return
    this.#number += 1
    const text = this.id === undefined ? event : `id: ${this.id}_${this.#number}\n${event}`
    if (this.id !== undefined) this.#keep(text)
    if (this.#sink) this.#write(text)
    else if (this.id === undefined) this.#wait(text)
  }

  #keep(text: string): void {
    this.#kept.push({ number: this.#number, text })
    this.#keptLength += text.length
    while (this.#kept.length > 1 && (this.#kept.length > MAX_KEPT_EVENTS || this.#keptLength > MAX_KEPT_LENGTH))
      this.#keptLength -= this.#kept.shift()?.text.length ?? 0
  }

  #wait(text: string): void {
    this.#waiting.push(text)
    this.#waitingLength += text.length
    if (this.#waitingLength > MAX_WAITING_LENGTH) this.#cut()
  }

  #write(text: string): void {
    if (this.#isBlocked) this.#wait(text)
    else if (this.#sink?.write(text) === false) this.#isBlocked = true
  }

  /** The client does not keep up at all: it may come back. */
  #cut(): void {
    const sink = this.#sink
    this.#detach()
    sink?.end()
    this.#options.onGone()
  }

  /**
   * Connects a client; one that was connected is let go. `after`: the number of the last event that it has, else it gets everything that is kept.
   */
  attach(sink: StreamSink, after?: number): void {
    const former = this.#sink
    this.#detach()
    former?.end()
    this.#sink = sink
    sink.onDrain(() => {
      if (this.#sink === sink) this.#flush()
    })
    sink.onClose(() => {
      if (this.#sink !== sink) return
      this.#detach()
      if (!this.#isEnded) this.#options.onGone()
    })
    if (this.id === undefined) this.#flush()
    else for (const { number, text } of this.#kept) if (number > (after ?? 0)) this.#write(text)
    if (this.#isEnded) {
      this.#finish()
      return
    }
    if (this.#isLettingGo) {
      this.#isLettingGo = false
      this.disconnect()
      return
    }
    // A comment also makes a lost connection known.
    this.#keepAlive = setInterval(() => {
      if (!this.#isBlocked) this.#write(':\n\n')
    }, this.#options.keepAliveMs)
    unref(this.#keepAlive)
  }

  #flush(): void {
    this.#isBlocked = false
    while (this.#waiting.length > 0 && !this.#isBlocked) {
      const text = this.#waiting.shift() ?? ''
      this.#waitingLength -= text.length
      this.#write(text)
    }
    if (this.#isBlocked) return
    for (const resolve of this.#drained.splice(0)) resolve()
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
    this.#sink = undefined
    this.#isBlocked = false
    // What is kept is given out anew to whoever comes back.
    if (this.id !== undefined || this.#waitingLength > MAX_WAITING_LENGTH) {
      this.#waiting = []
      this.#waitingLength = 0
    }
    for (const resolve of this.#drained.splice(0)) resolve()
  }

  /** Resolves once the connection takes more. */
  drained(): Promise<void> {
    if (!this.#isBlocked) return Promise.resolve()
    return new Promise(resolve => this.#drained.push(resolve))
  }

  /** Lets the connection go, or the first one once it is there and has what was sent; the stream goes on. */
  disconnect(): void {
    if (!this.#sink) {
      this.#isLettingGo = true
      return
    }
    const sink = this.#sink
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

/** A timer that does not keep a process alive, where there is such a thing. */
export function unref(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
}
