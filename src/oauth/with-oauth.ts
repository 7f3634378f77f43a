import { operationOf } from './attempts.ts'
import type { RequestMarks } from './challenge-recovery.ts'
import { readOutgoingRequest, type OutgoingRequest } from './outgoing-request.ts'
import type { RequestAuthorization, RequestSigner } from './request-authorization.ts'
import { requestAuthorization, type OAuthSession } from './session.ts'

/** What a transport may know about the authorization behind its `fetch`. */
export interface AuthorizationContext {
  /** Names the login in use; caches of private answers are keyed by it. */
  grantId(): string | undefined
  /** `text` without the tokens of the login, which servers repeat in their errors. To be applied before a text is cut. */
  redact(text: string): string
  /** Tells when a person begins and ends logging in; a call's own time-out should stand still meanwhile. Returns how to stop listening. */
  onInteraction(listener: (active: boolean) => void): () => void
}

/** A `fetch` that authorizes what goes to one MCP server. */
export type AuthorizedFetch = ((input: string | URL | Request, init?: RequestInit) => Promise<Response>) & {
  readonly authorization: AuthorizationContext
}

const MAX_REDIRECTS = 5
/** A nonce may be used up by another request before it is sent, or be good at only one of several servers behind one name. */
const MAX_SIGNATURES = 4

/**
 * Wraps `fetch` so that requests to the session's MCP server are signed, and a 401 or an insufficient scope is answered by refreshing
 * or logging in, and sending the request again.
 *
 * - Only https-or-loopback requests at the server's own origin and path are signed; everything else passes through untouched.
 * - An `Authorization` header of the caller wins: OAuth stays out.
 * - Redirects are followed within the server only, so that a token never travels along one; any other is returned as it is.
 * - Only a body that can be sent twice (string, `URLSearchParams`, buffer, `Blob`, none, a `Request` up to 4 MiB) is sent again;
 *   for others, and for DELETE, which only ends something, the 401 is returned as it is.
 *
 * @throws {OAuthError} from the returned function, when a request cannot be authorized
 * @see RFC 6750 §2.1
 */
export function withOAuth(fetch: typeof globalThis.fetch, session: OAuthSession): AuthorizedFetch {
  const authorization = requestAuthorization(session)
  const authorizedFetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input)
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    if (!authorization.covers(url) || headers.has('authorization')) return fetch(input, init)
    const request = await readOutgoingRequest(input, init)
    try {
      return await sendAuthorized(fetch, authorization, request)
    } catch (error) {
      // Who aborts a fetch expects what fetch rejects with.
      throw request.signal?.aborted ? request.signal.reason : error
    }
  }
  return Object.assign(authorizedFetch, {
    authorization: {
      grantId: () => authorization.grantId(),
      redact: (text: string) => authorization.redact(text),
      onInteraction: (listener: (active: boolean) => void) => authorization.onInteraction(listener),
    },
  })
}

/** Whether a `fetch` comes from {@link withOAuth}. */
export function isAuthorizedFetch(value: unknown): value is AuthorizedFetch {
  if (typeof value !== 'function' || !('authorization' in value)) return false
  const { authorization } = value
  return typeof authorization === 'object' && authorization !== null && 'onInteraction' in authorization
}

async function sendAuthorized(
  fetch: typeof globalThis.fetch,
  authorization: RequestAuthorization,
  request: OutgoingRequest,
): Promise<Response> {
  const { method, url, headers, signal } = request
  const operation = operationOf(method, url, headers)
  const marks: RequestMarks = { recovered: false, steppedUp: false, adoptions: 0 }
  for (;;) {
    const { signer, failure } = await authorization.prepare(signal)
    const response = await sendWithinServer(fetch, authorization, request, signer)
    const accessToken = signer?.accessToken
    if (response.ok) {
      authorization.succeeded(operation, accessToken)
      return response
    }
    // Who ends a session must not be asked to log in for it.
    if (!request.replayable || method === 'DELETE') return response
    try {
      if (!(await authorization.recover({ response, url, accessToken, failure, operation, marks, signal })))
        return response
    } catch (error) {
      await discard(response)
      throw error
    }
    await discard(response)
  }
}

/** Left unread, a body would hold its connection. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined)
}

async function sendWithinServer(
  fetch: typeof globalThis.fetch,
  authorization: RequestAuthorization,
  request: OutgoingRequest,
  signer: RequestSigner | undefined,
): Promise<Response> {
  let { url } = request
  let signatures = 0
  for (let redirects = 0; ; ) {
    const headers = new Headers(request.headers)
    await signer?.sign(headers, { method: request.method, url })
    signatures++
    const response = await fetch(url.href, request.initWith(headers))
    if ((signer?.answered(response, url) ?? false) && request.replayable && signatures < MAX_SIGNATURES) {
      await discard(response)
      continue
    }
    const next = redirectTarget(response, url, request)
    if (!next || redirects === MAX_REDIRECTS || !authorization.covers(next)) return request.asRedirectMode(response)
    await discard(response)
    url = next
    redirects++
  }
}

/** Where `fetch` itself would go next with the same method and body. */
function redirectTarget(
  response: Response,
  url: URL,
  { method, redirect, replayable }: OutgoingRequest,
): URL | undefined {
  const keepsMethod = response.status === 307 || response.status === 308
  const simple = [301, 302, 303].includes(response.status) && (method === 'GET' || method === 'HEAD')
  const location = response.headers.get('location')
  if (redirect !== 'follow' || !(simple || (keepsMethod && replayable))) return undefined
  return location !== null && URL.canParse(location, url) ? new URL(location, url) : undefined
}
