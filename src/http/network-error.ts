import { TransportError } from '../jsonrpc/errors.ts'
import { findCodedError } from '../network/error-code.ts'
import { networkFailure } from '../network/network-failure.ts'

/** What a kept connection that the other side had already given up ends with. */
const DROPPED: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** Whether the connection broke before any answer came, as a connection kept for too long does (RFC 9112 §9.3.1). */
export function isDroppedConnection(error: unknown): boolean {
  return DROPPED.has(findCodedError(error)?.code ?? '')
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
  const { code, words, hint, nothingSent } = networkFailure(error)
  const problem = code === undefined ? error.message : `${words} (${code})`
  const detail = { url, mayHaveRun: !nothingSent, hint }
  return new TransportError('network', `No answer from ${url}: ${problem}`, detail, { cause: error })
}
