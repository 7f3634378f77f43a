/** JSON, but not a JSON-RPC message. */
export const INVALID_REQUEST = -32600
export const METHOD_NOT_FOUND = -32601
export const INVALID_PARAMS = -32602
export const INTERNAL_ERROR = -32603

const CONTROL_CHARACTERS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu
const MAX_MESSAGE_LENGTH = 2000

/**
 * A JSON-RPC error: what the peer answered, or what a handler throws to answer with it. `code` and `data` are as on the wire;
 * control characters are stripped from `message`, and it is cut after 2000 characters, since it comes from elsewhere.
 *
 * @see {@link https://www.jsonrpc.org/specification#error_object | JSON-RPC 2.0 §5.1}
 */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: number
  readonly data: unknown
  /** Status of the HTTP answer that carried the error, when it was not 2xx. */
  readonly status: number | undefined

  constructor(
    code: number,
    message: string,
    options: ErrorOptions & { readonly data?: unknown; readonly status?: number } = {},
  ) {
    super(message.replace(CONTROL_CHARACTERS, ' ').slice(0, MAX_MESSAGE_LENGTH), options)
    this.code = code
    this.data = options.data
    this.status = options.status
  }
}

/** What went wrong with carrying messages, as a closed list that callers may switch on. */
export type TransportErrorCode =
  /** An option or URL cannot be used; nothing was sent. */
  | 'configuration'
  /** The connection was closed, by `close()` or by the other side, before the answer came. */
  | 'closed'
  /** No answer in time. */
  | 'timeout'
  /** The caller's signal ended the wait. */
  | 'aborted'
  /** Too many requests are in flight; nothing was sent. */
  | 'in_flight_limit'
  /** DNS, connection or TLS failure. */
  | 'network'
  /** A redirect off the origin, or one that would lose the message. */
  | 'redirect_refused'
  /** HTTP 401 and no authorization is attached, or it was not enough. `detail.challenge` says what is asked for. */
  | 'unauthorized'
  /** HTTP 403. */
  | 'forbidden'
  /** An HTTP error without a JSON-RPC error in its body. */
  | 'http_status'
  /** The server no longer knows the session, also after one new session was opened. */
  | 'session_lost'
  /** The answer's stream ended before the answer. */
  | 'stream_lost'
  | 'message_too_large'
  /** An answer that is not what the protocol allows: HTML, broken JSON, a result that is no object. */
  | 'invalid_response'
  /** No protocol revision in common. `detail.supported` names the server's. */
  | 'unsupported_revision'
  /** The server asks for input (elicitation, sampling, roots) that this client cannot give yet. */
  | 'input_required'
  /** The task that a request became was cancelled. */
  | 'task_cancelled'
  /** Content is not what its manifest says that it is. It must not be used. */
  | 'unverified_content'
  /** A message that belongs to nothing; only ever reported to `onError`. */
  | 'unexpected_message'

/** What a server asked for with a 401 or 403 (`WWW-Authenticate`). */
export interface ChallengeDetail {
  readonly scheme: string
  readonly scope?: string
  readonly resourceMetadata?: string
  readonly error?: string
  readonly errorDescription?: string
}

/** Where it happened and what was seen. Never holds a secret; text of the server has no control characters and is cut. */
export interface TransportErrorDetail {
  readonly url?: string
  readonly method?: string
  readonly status?: number
  readonly contentType?: string
  /** The beginning of what came. */
  readonly received?: string
  readonly challenge?: ChallengeDetail
  /** The request may have taken effect on the server: do not repeat it blindly. */
  readonly mayHaveRun?: boolean
  readonly retryAfterMs?: number
  readonly supported?: readonly string[]
  readonly hint?: string
}

/** A failure of carrying messages: `code` to switch on, `detail` to show. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly code: TransportErrorCode
  readonly detail: TransportErrorDetail

  constructor(code: TransportErrorCode, message: string, detail: TransportErrorDetail = {}, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.detail = detail
  }
}
