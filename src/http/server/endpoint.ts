import { INTERNAL_ERROR, INVALID_REQUEST } from '../../jsonrpc/errors.ts'
import type { ClassifiedMessage, JsonRpcRequest } from '../../jsonrpc/message.ts'
import { PROTOCOL_VERSION_HEADER } from '../../protocol/http-headers.ts'
import { isStatelessRevision } from '../../protocol/revisions.ts'
import type { AuthInfo } from '../../server/auth-info.ts'
import { classifyIncoming, isStatelessMessage } from '../../server/incoming.ts'
import type { Server } from '../../server/server.ts'
import type { AppOptions } from './app.ts'
import { MAX_BATCH_MESSAGES } from './batch.ts'
import { createCallsUnderWay } from './calls-under-way.ts'
import type { EndpointSurroundings } from './endpoint-surroundings.ts'
import { createHandshakeEndpoint } from './handshake-endpoint.ts'
import type { HttpGuard } from './http-guard.ts'
import { HttpBodyError, type HttpRequest, type HttpResponse } from './http-message.ts'
import { parseBody } from './json-body.ts'
import { PARSE_ERROR, refuse, refuseRequest, unknownId } from './refusals.ts'
import { createStatelessEndpoint } from './stateless-endpoint.ts'

const MAX_BODY_BYTES = 4 * 1024 * 1024
const BODY_TIMEOUT_MS = 30_000
const REQUEST_TIMEOUT_MS = 3_600_000
/** Bun drops connections on which nothing was said for ten seconds, and most proxies do later. */
const KEEP_ALIVE_MS = 8_000
const DRAIN_MS = 10_000

/** One endpoint: what answers when host, origin and token are in order. */
export interface Endpoint {
  answer(request: HttpRequest, auth: AuthInfo | undefined): Promise<HttpResponse>
  /** Safe to call twice. */
  close(): Promise<void>
}

/** Reads what comes, and hands it to the family that it is of. */
export function createEndpoint(server: Server, guard: HttpGuard | undefined, options: AppOptions): Endpoint {
  const { maxBodyBytes = MAX_BODY_BYTES, bodyTimeoutMs = BODY_TIMEOUT_MS, drainMs = DRAIN_MS } = options
  const { keepAliveMs = KEEP_ALIVE_MS, requestTimeoutMs = REQUEST_TIMEOUT_MS, now = Date.now } = options
  const underWay = createCallsUnderWay(requestTimeoutMs, now)
  let closed: Promise<void> | undefined

  const authorize: EndpointSurroundings['authorize'] = (auth, needed) =>
    guard ? guard.authorize(auth, needed) : refuseScopes(server, needed)
  const admit: EndpointSurroundings['admit'] = async (requests, auth) => {
    const all = new Set<string>()
    for (const request of requests) {
      const scopes = await scopesOf(server, request, auth)
      if ('status' in scopes) return scopes
      for (const scope of scopes) all.add(scope)
    }
    const needed = [...all]
    const refused = authorize(auth, needed)
    if (refused) return refused
    // It may have closed while the body came, or while scopes were looked up.
    if (closed) return refuseClosing()
    return requests.length > 0 && underWay.isFullFor(principalOf(auth))
      ? refuseRequest(503, 'This server has too many requests under way; try again later', { 'retry-after': '5' })
      : needed
  }
  // Without a guard nobody is told apart.
  const principalOf = (auth: AuthInfo | undefined): string | undefined => (guard ? (auth?.principal ?? '') : undefined)
  const surroundings: EndpointSurroundings = {
    server,
    principalOf,
    keepAliveMs,
    now,
    underWay,
    admit,
    authorize,
    // Without a guard nobody holds anything.
    holds: auth => needed => (guard ? guard.holds(auth, needed) : needed.length === 0),
    filtersLists: guard?.filtersLists ?? false,
  }
  const answerStateless = createStatelessEndpoint(surroundings)
  const handshake = createHandshakeEndpoint(surroundings, options.sessions ?? {})

  const post = async (request: HttpRequest, auth: AuthInfo | undefined): Promise<HttpResponse> => {
    const type = request.header('content-type') ?? ''
    if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type))
      return refuseRequest(415, `Unsupported media type: the body should be application/json`)
    const text = await request.readBody({ maxBytes: maxBodyBytes, timeoutMs: bodyTimeoutMs })
    const parsed = parseBody(text)
    const version = request.header(PROTOCOL_VERSION_HEADER)
    if (!parsed.ok) return refuseParsing(parsed.why, version)
    const { value } = parsed
    const isStateless = version !== undefined && isStatelessRevision(version)
    if (Array.isArray(value)) {
      if (!isStateless) return handshake.answerBatch(request, auth, value.slice(0, MAX_BATCH_MESSAGES + 1))
      const message = 'Invalid Request: this revision has no batches: send every message by itself'
      return refuse(400, { code: INVALID_REQUEST, message })
    }
    const received = classifyIncoming(value)
    return isStateless || saysStateless(received)
      ? answerStateless(request, auth, received)
      : handshake.answer(request, auth, received)
  }
  const listenOrEnd = async (request: HttpRequest, auth: AuthInfo | undefined): Promise<HttpResponse> => {
    const version = request.header(PROTOCOL_VERSION_HEADER)
    // Sessions are not for the stateless family, whose clients have no use for either method.
    if (version !== undefined && isStatelessRevision(version))
      return refuseRequest(405, 'Method not allowed', { allow: 'POST' })
    const admitted = await admit([], auth)
    if ('status' in admitted) return admitted
    return request.method === 'GET' ? handshake.listen(request, auth) : handshake.end(request, auth)
  }
  const close = async (): Promise<void> => {
    await Promise.all([underWay.drain(drainMs), server.close()])
    handshake.close()
  }

  return {
    answer: async (request, auth) => {
      if (closed) return refuseClosing()
      if (request.method !== 'POST') return listenOrEnd(request, auth)
      try {
        return await post(request, auth)
      } catch (error) {
        if (error instanceof HttpBodyError) return refuseBody(error, request.header(PROTOCOL_VERSION_HEADER))
        throw error
      }
    },
    // Everything later finds it closed before the first handler hears of it.
    close: () => (closed ??= Promise.resolve().then(close)),
  }
}

/** Whether a message says itself that it is of the stateless family. */
function saysStateless(received: ClassifiedMessage): boolean {
  const isCall = received.kind === 'request' || received.kind === 'notification'
  return isCall && isStatelessMessage(received.message)
}

/** The scopes that a request needs, or the answer when they cannot be told. */
async function scopesOf(
  server: Server,
  request: JsonRpcRequest,
  auth: AuthInfo | undefined,
): Promise<readonly string[] | HttpResponse> {
  try {
    return await server.internals.scopesOf(request.method, request.params ?? {}, auth)
  } catch (error) {
    server.internals.report(error, { request })
    return refuse(500, { code: INTERNAL_ERROR, message: 'Internal error' }, { id: { id: request.id } })
  }
}

function refuseScopes(server: Server, needed: readonly string[]): HttpResponse | undefined {
  if (needed.length === 0) return undefined
  const scopes = needed.join(' ')
  server.internals.report(new Error(`A call needs the scopes ${scopes}: serve the server through protect(…)`), {})
  return refuseRequest(403, 'Forbidden: this needs authorization, and the server is served without it')
}

function refuseClosing(): HttpResponse {
  return refuseRequest(503, 'The server is closing', { 'retry-after': '5', connection: 'close' })
}

function refuseParsing(why: string, version: string | undefined): HttpResponse {
  return refuse(400, { code: PARSE_ERROR, message: `Parse error: ${why}` }, { id: unknownId(version) })
}

function refuseBody({ reason, message }: HttpBodyError, version: string | undefined): HttpResponse {
  if (reason === 'not_utf8') return refuseParsing(message, version)
  if (reason === 'lost') return refuseRequest(400, message)
  return refuseRequest(reason === 'too_slow' ? 408 : 413, message, { connection: 'close' })
}
