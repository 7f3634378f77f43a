import type { AuthInfo } from '../../server/auth-info.ts'

/** One HTTP request, as the server's core sees it: cheap to make from anything. */
export interface HttpRequest {
  /** In upper case. */
  readonly method: string
  /** The path and query as they came, beginning with `/`. */
  readonly target: string
  /** The value of a header, its name given in lower case; several values joined by `, `. */
  header(name: string): string | undefined
  /** Reads the body as text, once. Rejects with `HttpBodyError` beyond `maxBytes`, when it takes longer than `timeoutMs`, or when it is not UTF-8. */
  readBody(limits: { readonly maxBytes: number; readonly timeoutMs: number }): Promise<string>
  /** Calls `listener` when the connection is lost before the answer is complete, also when it is lost already. Returns the way to stop listening. */
  onDisconnect(listener: () => void): () => void
  /** The connection came in on a loopback address; undefined where that is not known. */
  readonly isLoopback?: boolean | undefined
  /** Set by `protect` when the token was verified. */
  readonly auth?: AuthInfo | undefined
}

/** Where a streamed answer goes. */
export interface StreamSink {
  /** Writes text. False: the other side does not keep up; `onDrain` tells when it does. */
  write(text: string): boolean
  /** Ends the answer once everything is written. */
  end(): void
  /** Breaks the answer off at once, so that the other side sees that something is missing. */
  cut(): void
  /** Called once the sink takes more after a `write` that returned false. */
  onDrain(listener: () => void): void
  /** Called once when the connection is lost or the stream has ended. */
  onClose(listener: () => void): void
}

/** One HTTP answer. */
export interface HttpResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Text; a function that is given the sink once, to stream; or nothing. */
  readonly body?: string | ((sink: StreamSink) => void) | undefined
}

/** Why a request's body could not be read. */
export class HttpBodyError extends Error {
  override readonly name = 'HttpBodyError'
  readonly reason: 'too_large' | 'too_slow' | 'lost' | 'not_utf8'

  constructor(reason: HttpBodyError['reason'], options?: ErrorOptions) {
    super(`the request's body is ${reason === 'not_utf8' ? 'not UTF-8' : reason.replace('_', ' ')}`, options)
    this.reason = reason
  }
}
