import { TransportError } from '../jsonrpc/errors.ts'

const IN_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'the host name does not resolve',
  EAI_AGAIN: 'the host name could not be resolved now',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'the server sent no answer',
  UND_ERR_SOCKET: 'the connection was closed',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate chain holds a self-signed certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate cannot be verified',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
}

/** Nothing was sent yet when these happen. */
const BEFORE_SENDING =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|.*CERT.*|UNABLE_TO_VERIFY.*)$/

/** What a kept connection that the other side had already given up ends with. */
const DROPPED = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** Whether the connection broke before any answer came, as a connection kept for too long does (RFC 9112 §9.3.1). */
export function isDroppedConnection(error: unknown): boolean {
  return error instanceof Error && DROPPED.has(findCode(error) ?? '')
}

/** The families whose errors already say what happened; a `fetch` that authorizes throws them. */
const TYPED = new Set(['TransportError', 'RpcError', 'OAuthError', 'StoreError'])

/**
 * Turns what `fetch` or a body reader threw into a `TransportError` that says in words what happened. Errors of our families, as
 * an authorized `fetch` throws them, stay what they are.
 */
export function toNetworkError(error: unknown, url: string): unknown {
  if (!(error instanceof Error) || TYPED.has(error.name)) return error
  if (error.name === 'AbortError')
    return new TransportError('aborted', `The request to ${url} was ended`, { url }, { cause: error })
  const code = findCode(error)
  const words = code === undefined ? error.message : `${IN_WORDS[code] ?? 'the connection failed'} (${code})`
  const mayHaveRun = code === undefined || !BEFORE_SENDING.test(code)
  return new TransportError('network', `No answer from ${url}: ${words}`, { url, mayHaveRun }, { cause: error })
}

function findCode(error: Error): string | undefined {
  let current: unknown = error
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) {
    if ('code' in current && typeof current.code === 'string') return current.code
    current = current instanceof AggregateError ? current.errors[0] : current.cause
  }
  return undefined
}
