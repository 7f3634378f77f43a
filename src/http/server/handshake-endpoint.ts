import { INVALID_REQUEST, RpcError } from '../../jsonrpc/errors.ts'
import { classifyMessage, type ClassifiedMessage, type JsonRpcRequest } from '../../jsonrpc/message.ts'
import { MAX_BATCH_LENGTH } from '../../jsonrpc/peer-options.ts'
import { PROTOCOL_VERSION_HEADER, SESSION_ID_HEADER } from '../../protocol/http-headers.ts'
import { type HandshakeRevision, isHandshakeRevision, REVISION_FEATURES } from '../../protocol/revisions.ts'
import type { AuthInfo } from '../../server/auth-info.ts'
import { createHandshakeSession, type HandshakeSession, shakeHands } from '../../server/handshake-session.ts'
import { isStatelessMessage, unsupportedRevision } from '../../server/incoming.ts'
import type { EndpointSurroundings } from './endpoint-surroundings.ts'
import type { HttpRequest, HttpResponse } from './http-message.ts'
import { readEventId } from './outgoing-stream.ts'
import { refuse, refuseCall, refuseInvalid, refuseRequest, unknownId } from './refusals.ts'
import { createResponseChannel } from './response-channel.ts'
import { createSessionRegistry, type HttpSession, type SessionOptions } from './session-registry.ts'
import { acceptsStream } from './stateless-endpoint.ts'

/** Until 2025-06-18 there was no header that named the revision. */
const UNNAMED_REVISION: HandshakeRevision = '2025-03-26'
const SESSION_NOT_FOUND = -32001

/** The handshake family over HTTP: sessions, streams that can be taken up again, batches. */
export interface HandshakeEndpoint {
  answer(request: HttpRequest, auth: AuthInfo | undefined, received: ClassifiedMessage): Promise<HttpResponse>
  answerBatch(request: HttpRequest, auth: AuthInfo | undefined, values: readonly unknown[]): Promise<HttpResponse>
  /** Answers a GET: a stream for what the server sends unasked, or one that is taken up again. */
  listen(request: HttpRequest, auth: AuthInfo | undefined): HttpResponse
  /** Answers a DELETE. */
  end(request: HttpRequest, auth: AuthInfo | undefined): HttpResponse
  drain(timeoutMs: number): Promise<void>
}

/** Answers clients of revisions 2025-03-26 to 2025-11-25. */
export function createHandshakeEndpoint(
  surroundings: EndpointSurroundings,
  sessionOptions: SessionOptions | false,
): HandshakeEndpoint {
  const { server, keepAliveMs, now, authorize, holds } = surroundings
  const sessions = sessionOptions ? createSessionRegistry(server, { ...sessionOptions, ...surroundings }) : undefined
  let underWay = 0
  let onIdle: (() => void) | undefined

  const find = (http: HttpRequest, auth: AuthInfo | undefined): HttpSession | HttpResponse => {
    const id = http.header(SESSION_ID_HEADER)
    if (id === undefined)
      return refuseRequest(
        400,
        `Bad Request: ${SESSION_ID_HEADER} is missing; begin with initialize, or use revision 2026-07-28`,
      )
    const session = sessions?.find(id)
    // Somebody else's session is as good as none: whoever asks learns nothing.
    if (!session || session.principal !== principalOf(auth))
      return refuse(
        404,
        { code: SESSION_NOT_FOUND, message: 'Session not found: begin with initialize' },
        { id: { id: null } },
      )
    session.touch()
    return session
  }
  /** What a client is known as where nothing is remembered. */
  const passing = (http: HttpRequest): HandshakeSession => {
    const version = http.header(PROTOCOL_VERSION_HEADER)
    const revision = isHandshakeRevision(version) ? version : UNNAMED_REVISION
    return createHandshakeSession(server, { revision, features: REVISION_FEATURES[revision], capabilities: {} }, now)
  }

  const initialize = (auth: AuthInfo | undefined, request: JsonRpcRequest): HttpResponse => {
    const { client, result } = shakeHands(server, request)
    const opened = sessions?.open(createHandshakeSession(server, client, now), principalOf(auth))
    if (sessions && !opened)
      return refuseRequest(503, 'This server has too many sessions; try again later', { 'retry-after': '30' })
    return {
      status: 200,
      headers: { 'content-type': 'application/json', ...(opened && { [SESSION_ID_HEADER]: opened.id }) },
      body: JSON.stringify({ jsonrpc: '2.0', id: request.id, result }),
    }
  }

  const run = async (
    http: HttpRequest,
    auth: AuthInfo | undefined,
    session: HttpSession | undefined,
    messages: readonly ClassifiedMessage[],
    isBatch: boolean,
  ): Promise<HttpResponse> => {
    const conversation = session?.conversation ?? passing(http)
    const version = http.header(PROTOCOL_VERSION_HEADER)
    const requests = messages.flatMap(received => (received.kind === 'request' ? [received.message] : []))
    const refused = await authorize(requests, auth)
    if (refused) return refused
    const invalid = messages.flatMap(received => (received.kind === 'invalid' ? [received] : []))
    for (const received of messages) {
      if (received.kind === 'notification') conversation.notice(received.message)
      else if (received.kind === 'result' || received.kind === 'error') conversation.settle(received.message)
    }
    const expected = requests.length + invalid.length
    if (expected === 0) return { status: 202, headers: {} }
    const channel = createResponseChannel({
      expected,
      isBatch,
      acceptsStream: acceptsStream(http),
      headers: {},
      keepAliveMs,
      streamId: session?.nextStreamId(),
      primes: session !== undefined && conversation.client.features.primesStreams,
      onStream: stream => session?.keep(stream),
      // A lost connection cancels nothing in this family: the client may come back.
      onGone: () => undefined,
    })
    for (const { id, code, reason } of invalid) {
      const error = { code, message: `Invalid Request: ${reason}` }
      channel.answer({ jsonrpc: '2.0', ...(id === undefined ? unknownId(version) : { id }), error })
    }
    for (const request of requests) {
      underWay += 1
      const carrier = {
        auth,
        send: channel.send,
        drained: channel.drained,
        holds: holds(auth),
        ...(session && { closeStream: channel.closeStream }),
      }
      void conversation.handle(request, carrier).then(answer => {
        channel.answer(answer)
        session?.touch()
        underWay -= 1
        if (underWay === 0) onIdle?.()
      })
    }
    return channel.response
  }

  return {
    answer: async (http, auth, received) => {
      const version = http.header(PROTOCOL_VERSION_HEADER)
      if (received.kind === 'invalid' || received.kind === 'invalidResponse') return refuseInvalid(received, version)
      const isInitialize = received.kind === 'request' && received.message.method === 'initialize'
      if (isInitialize) return initialize(auth, received.message)
      if (version !== undefined && !isHandshakeRevision(version)) {
        const error = unsupportedRevision(version)
        return received.kind === 'request' ? refuseCall(400, received.message, error) : refuse(400, error)
      }
      const session = sessions && find(http, auth)
      if (session && 'status' in session) return session
      return run(http, auth, session, [received], false)
    },
    answerBatch: async (http, auth, values) => {
      const version = http.header(PROTOCOL_VERSION_HEADER)
      const session = sessions && find(http, auth)
      if (session && 'status' in session) return session
      const { features } = (session?.conversation ?? passing(http)).client
      const why = !features.batches
        ? 'this revision has no batches: send every message by itself'
        : values.length === 0
          ? 'the batch is empty'
          : `a batch holds at most ${MAX_BATCH_LENGTH} messages`
      if (!features.batches || values.length === 0 || values.length > MAX_BATCH_LENGTH)
        return refuse(400, { code: INVALID_REQUEST, message: `Invalid Request: ${why}` }, { id: unknownId(version) })
      const messages = values
        .map(value => classifyMessage(value))
        .map(received => {
          const isOut =
            received.kind === 'request' &&
            (received.message.method === 'initialize' || isStatelessMessage(received.message))
          return isOut
            ? ({
                kind: 'invalid',
                id: received.message.id,
                code: INVALID_REQUEST,
                reason: `${received.message.method} cannot be part of a batch`,
              } as const)
            : received
        })
      return run(http, auth, session, messages, true)
    },
    listen: (http, auth) => {
      if (!sessions) return refuseRequest(405, 'Method not allowed: this server keeps no sessions', { allow: 'POST' })
      if (!acceptsStream(http)) return refuseRequest(406, 'Not acceptable: a GET is answered with text/event-stream')
      const session = find(http, auth)
      if ('status' in session) return session
      const last = readEventId(http.header('last-event-id') ?? '')
      const stream = (last && session.find(last.stream)) ?? session.unasked
      const after = last && stream.id === last.stream ? last.number : undefined
      return {
        status: 200,
        headers: {
          'content-type': 'text/event-stream',
          'cache-control': 'no-cache, no-transform',
          'x-accel-buffering': 'no',
        },
        body: sink => stream.attach(sink, after),
      }
    },
    end: (http, auth) => {
      if (!sessions) return refuseRequest(405, 'Method not allowed: this server keeps no sessions', { allow: 'POST' })
      const session = find(http, auth)
      if ('status' in session) return session
      sessions.end(session, new Error('The client ended the session'))
      return { status: 204, headers: {} }
    },
    drain: async timeoutMs => {
      if (underWay > 0)
        await new Promise<void>(resolve => {
          const timer = setTimeout(resolve, timeoutMs)
          onIdle = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      sessions?.endAll(new RpcError(-32603, 'The server is closing'))
    },
  }
}

function principalOf(auth: AuthInfo | undefined): string {
  return auth?.principal ?? ''
}
