import { classifyMessage, type ClassifiedMessage } from '../../jsonrpc/message.ts'
import { MAX_BATCH_LENGTH } from '../../jsonrpc/peer-options.ts'
import { PROTOCOL_VERSION_HEADER } from '../../protocol/http-headers.ts'
import { isStatelessRevision } from '../../protocol/revisions.ts'
import type { AuthInfo } from '../../server/auth-info.ts'
import { isStatelessMessage } from '../../server/incoming.ts'
import type { Server } from '../../server/server.ts'
import type { AppOptions } from './app.ts'
import { createHandshakeEndpoint } from './handshake-endpoint.ts'
import type { HttpGuard } from './http-guard.ts'
import { HttpBodyError, type HttpRequest, type HttpResponse } from './http-message.ts'
import { parseBody } from './json-body.ts'
import type { EndpointSurroundings } from './endpoint-surroundings.ts'
import { PARSE_ERROR, refuse, refuseRequest, unknownId } from './refusals.ts'
import { createStatelessEndpoint } from './stateless-endpoint.ts'

const MAX_BODY_BYTES = 4 * 1024 * 1024
const BODY_TIMEOUT_MS = 30_000
const REQUEST_TIMEOUT_MS = 3_600_000
const KEEP_ALIVE_MS = 15_000
const DRAIN_MS = 10_000

/** One endpoint: what answers when host, origin and token are in order. */
export interface Endpoint {
  answer(request: HttpRequest, auth: AuthInfo | undefined): Promise<HttpResponse>
  close(): Promise<void>
}

/** Reads what comes, and hands it to the family that it is of. */
export function createEndpoint(server: Server, guard: HttpGuard | undefined, options: AppOptions): Endpoint {
  const { maxBodyBytes = MAX_BODY_BYTES, bodyTimeoutMs = BODY_TIMEOUT_MS, drainMs = DRAIN_MS } = options
  const surroundings: EndpointSurroundings = {
    server,
    keepAliveMs: options.keepAliveMs ?? KEEP_ALIVE_MS,
    requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    now: options.now ?? Date.now,
    authorize: async (requests, auth) => {
      const needed = new Set<string>()
      for (const { method, params = {} } of requests)
        for (const scope of await server.internals.scopesOf(method, params, auth)) needed.add(scope)
      if (guard) return guard.authorize(auth, [...needed])
      if (needed.size === 0) return undefined
      const scopes = [...needed].join(' ')
      server.internals.report(new Error(`A call needs the scopes ${scopes}: serve the server through protect(…)`), {})
      return refuseRequest(403, 'Forbidden: this needs authorization, and the server is served without it')
    },
    holds: auth => (guard?.filtersLists ? needed => guard.holds(auth, needed) : undefined),
  }
  const stateless = createStatelessEndpoint(surroundings)
  const handshake = createHandshakeEndpoint(surroundings, options.sessions ?? {})
  let isClosing = false

  const post = async (request: HttpRequest, auth: AuthInfo | undefined): Promise<HttpResponse> => {
    const type = request.header('content-type') ?? ''
    if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type))
      return refuseRequest(415, `Unsupported media type: the body should be application/json`)
    const text = await request.readBody({ maxBytes: maxBodyBytes, timeoutMs: bodyTimeoutMs })
    const parsed = parseBody(text)
    const version = request.header(PROTOCOL_VERSION_HEADER)
    if (!parsed.ok)
      return refuse(400, { code: PARSE_ERROR, message: `Parse error: ${parsed.why}` }, { id: unknownId(version) })
    const { value } = parsed
    if (Array.isArray(value)) return handshake.answerBatch(request, auth, value.slice(0, MAX_BATCH_LENGTH + 1))
    const received = classifyMessage(value)
    return isStateless(received, version)
      ? stateless.answer(request, auth, received)
      : handshake.answer(request, auth, received)
  }

  return {
    answer: async (request, auth) => {
      if (isClosing) return refuseRequest(503, 'The server is closing', { 'retry-after': '5', connection: 'close' })
      const version = request.header(PROTOCOL_VERSION_HEADER)
      if (request.method !== 'POST') {
        // Sessions are not for the stateless family, whose clients have no use for either method.
        if (version !== undefined && isStatelessRevision(version))
          return refuseRequest(405, 'Method not allowed', { allow: 'POST' })
        return request.method === 'GET' ? handshake.listen(request, auth) : handshake.end(request, auth)
      }
      try {
        return await post(request, auth)
      } catch (error) {
        if (!(error instanceof HttpBodyError)) throw error
        const status = { too_large: 413, too_slow: 408, lost: 400 }[error.reason]
        return refuseRequest(status, error.message, error.reason === 'lost' ? {} : { connection: 'close' })
      }
    },
    close: async () => {
      if (isClosing) return
      isClosing = true
      const closed = server.close()
      await Promise.all([stateless.drain(drainMs), handshake.drain(drainMs), closed])
    },
  }
}

/** Whether a message is of the stateless family: it says so itself, or its header does. */
function isStateless(received: ClassifiedMessage, version: string | undefined): boolean {
  if (version !== undefined && isStatelessRevision(version)) return true
  const isCall = received.kind === 'request' || received.kind === 'notification'
  return isCall && isStatelessMessage(received.message)
}
