import type { HttpRequest, HttpResponse } from './http-message.ts'

/** What a page may read of an answer besides the body (field V4). */
const EXPOSED = 'mcp-session-id, mcp-protocol-version, www-authenticate, dpop-nonce, retry-after'
/** What a page may send. `Mcp-Param-*` have any name, so the names that a page asks for are granted, when they are the protocol's. */
const ALLOWED_HEADER =
  /^(?:accept|authorization|baggage|content-type|dpop|last-event-id|mcp-[a-z0-9!#$%&'*+.^_`|~-]+|traceparent|tracestate)$/
const METHODS = 'GET, POST, DELETE, OPTIONS'

/**
 * The headers that let a page of a permitted origin read the answer; undefined for a request without an origin. Ask only after the origin was checked.
 * Credentials are never allowed: tokens travel in a header that pages set themselves.
 */
export function corsHeaders(request: HttpRequest): Readonly<Record<string, string>> | undefined {
  const origin = request.header('origin')
  if (origin === undefined) return undefined
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED, vary: 'Origin' }
}

/** The answer to a preflight, besides `corsHeaders`. It carries no token and asks for none. */
export function preflight(request: HttpRequest): HttpResponse {
  const wanted = (request.header('access-control-request-headers') ?? '').toLowerCase().split(',')
  const allowed = wanted.map(name => name.trim()).filter(name => ALLOWED_HEADER.test(name))
  return {
    status: 204,
    headers: {
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': allowed.length > 0 ? allowed.join(', ') : 'content-type, authorization',
      'access-control-max-age': '7200',
    },
  }
}
