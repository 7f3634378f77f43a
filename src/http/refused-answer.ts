import { type ChallengeDetail, RpcError, TransportError } from '../jsonrpc/errors.ts'
import { classifyMessage } from '../jsonrpc/message.ts'
import { authorizationChallenge } from '../oauth/protocol/challenge.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { mediaType, readExcerpt, readText } from './response-body.ts'

const MAX_ERROR_BYTES = 1024 * 1024

/** What was asked of the server. */
export interface RefusedRequest {
  readonly url: string
  readonly method: string
  /** The request carried a session id. */
  readonly inSession: boolean
  /** Takes the secrets that were sent out of what came back. */
  readonly redact: (text: string) => string
}

/**
 * Says what an HTTP error means. A JSON-RPC error in its body is an `RpcError`; 401 and 403 are `unauthorized` and `forbidden` with
 * the challenge; a 404 or 410 to a request with a session id is `session_lost`, and so is a 400 whose error is about the session. Anything else
 * is `http_status`. Reads the body; never throws.
 */
export async function readRefusedAnswer(
  response: Response,
  request: RefusedRequest,
): Promise<RpcError | TransportError> {
  const { status } = response
  const contentType = mediaType(response)
  const text = request.redact(
    contentType.endsWith('json')
      ? await readText(response, MAX_ERROR_BYTES).catch(() => '')
      : await readExcerpt(response),
  )
  const rpcError = readRpcError(text, status)
  const challenge = readChallenge(response.headers, request.redact)
  const retryAfterMs = readRetryAfter(response.headers.get('retry-after'))
  const received = displayText(rpcError?.message ?? text)
  const detail = {
    url: request.url,
    method: request.method,
    status,
    ...(contentType !== '' && { contentType: displayText(contentType, 100) }),
    ...(received !== '' && { received }),
    ...(challenge && { challenge }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  }
  const at = `${request.method} at ${request.url}`
  if (status === 401) return new TransportError('unauthorized', `${at} needs authorization (HTTP 401)`, detail)
  if (status === 403)
    return new TransportError('forbidden', `${at} was refused (HTTP 403)${received && `: ${received}`}`, detail)
  if (request.inSession && isSessionLoss(status, rpcError)) {
    return new TransportError(
      'session_lost',
      `The server no longer knows the session (HTTP ${status}); ${request.method} was not handled`,
      detail,
    )
  }
  if (rpcError) return rpcError
  return new TransportError('http_status', `${at} was answered with HTTP ${status}${received && `: ${received}`}`, {
    ...detail,
    ...(status >= 500 && { mayHaveRun: true }),
  })
}

function isSessionLoss(status: number, error: RpcError | undefined): boolean {
  // A 404 with "method not found" is about the method, whatever the session.
  if (status === 404) return error?.code !== -32601
  if (status === 410) return true
  // Servers after the official SDK's examples (−32000), and others of their own making: "session not found", "server not initialized".
  return status === 400 && error !== undefined && /\bsession\b|not initialized/i.test(error.message)
}

function readRpcError(text: string, status: number): RpcError | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const answer = classifyMessage(value)
  if (answer.kind !== 'error') return undefined
  const { code, message, data } = answer.message.error
  return new RpcError(code, message, { data, status })
}

function readChallenge(headers: Headers, redact: RefusedRequest['redact']): ChallengeDetail | undefined {
  const challenge = authorizationChallenge(headers)
  if (!challenge) return undefined
  const { scheme, scope, resourceMetadata, error, errorDescription } = challenge
  return {
    scheme,
    ...(scope !== undefined && { scope: displayText(scope) }),
    ...(resourceMetadata !== undefined && { resourceMetadata: displayText(resourceMetadata) }),
    ...(error !== undefined && { error: displayText(error) }),
    ...(errorDescription !== undefined && { errorDescription: displayText(redact(errorDescription)) }),
  }
}

function readRetryAfter(value: string | null): number | undefined {
  return value !== null && /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1000 : undefined
}
