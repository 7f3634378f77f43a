import { TransportError } from '../jsonrpc/errors.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { discardBody } from './response-body.ts'

/** The part of `fetch` that is used; anything that wraps it fits. */
export type Fetch = (input: string | URL, init?: RequestInit) => Promise<Response>

const MAX_REDIRECTS = 3
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * Fetches, and follows at most three redirects that stay within the origin and keep the method (307, 308). Others are refused:
 * what the request carries (credentials, session id, arguments) was meant for this origin, and a GET is not the message.
 *
 * @throws {TransportError} `redirect_refused`; and what `fetch` throws
 */
export async function fetchWithinOrigin(fetch: Fetch, url: URL, init: RequestInit): Promise<Response> {
  let target = url
  for (let redirects = 0; ; redirects += 1) {
    const response = await fetch(target, { ...init, redirect: 'manual' })
    const isOpaque = response.type === 'opaqueredirect'
    if (!isOpaque && !REDIRECTS.has(response.status)) return response
    discardBody(response)
    const location = response.headers.get('location')
    const next = location !== null && URL.canParse(location, target) ? new URL(location, target) : undefined
    const keepsMethod = response.status === 307 || response.status === 308
    if (isOpaque || !next || next.origin !== url.origin || !keepsMethod || redirects === MAX_REDIRECTS) {
      throw refused(target, response.status, next)
    }
    target = next
  }
}

function refused(url: URL, status: number, next: URL | undefined): TransportError {
  const at = url.origin + url.pathname
  const to = next && displayText(next.origin + next.pathname)
  return new TransportError(
    'redirect_refused',
    `${at} redirects${to ? ` to ${to}` : ''} (HTTP ${status}), which is not followed`,
    {
      url: at,
      status,
      ...(to && { received: to, hint: `If you trust it, use ${to} as the server URL` }),
    },
  )
}
