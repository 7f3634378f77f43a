import { OAuthError } from './errors.ts'
import { toNetworkError } from './network-error.ts'
import { authorizationChallenge, type AuthorizationChallenge } from './protocol/challenge.ts'
import { displayUrl } from './protocol/display-text.ts'
import type { SessionContext } from './session-context.ts'

const PROBE_TIMEOUT_MS = 30_000

/** What a request without a token met. */
export interface Probe {
  /** True when the server asks for authorization. */
  readonly challenged: boolean
  readonly challenge?: AuthorizationChallenge
}

/**
 * Asks the MCP server for something harmless without a token, to learn how it asks for authorization: `ping`, which changes nothing
 * on any revision. The body of the answer is not read.
 *
 * @throws {OAuthError} `network`, `timeout`, `aborted`
 */
export async function probeServer(context: SessionContext, signal?: AbortSignal): Promise<Probe> {
  const timeout = AbortSignal.timeout(PROBE_TIMEOUT_MS)
  const url = context.server
  const shown = displayUrl(url)
  const startedAt = context.now()
  try {
    const response = await context.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 'login', method: 'ping' }),
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    const { status } = response
    const durationMs = context.now() - startedAt
    context.emit({ type: 'http', step: 'login probe', method: 'POST', url: shown, status, durationMs })
    await response.body?.cancel()
    const challenge = authorizationChallenge(response.headers)
    return { challenged: response.status === 401 || challenge !== undefined, ...(challenge && { challenge }) }
  } catch (cause) {
    const detail = { step: 'login probe', url: shown }
    if (signal?.aborted) throw new OAuthError('aborted', 'The caller stopped waiting.', detail, { cause })
    if (timeout.aborted)
      throw new OAuthError('timeout', `${shown} did not answer in ${PROBE_TIMEOUT_MS / 1000} s.`, detail, { cause })
    throw toNetworkError(cause, `The login probe to ${shown}`, detail)
  }
}
