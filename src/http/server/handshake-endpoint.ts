import { INTERNAL_ERROR, INVALID_REQUEST, RpcError } from '../../jsonrpc/errors.ts'
import { type ClassifiedMessage, isObject, type JsonRpcRequest } from '../../jsonrpc/message.ts'
import { PROTOCOL_VERSION_HEADER, SESSION_ID_HEADER } from '../../protocol/http-headers.ts'
import { type HandshakeRevision, isHandshakeRevision, REVISION_FEATURES } from '../../protocol/revisions.ts'
import type { AuthInfo } from '../../server/auth-info.ts'
import { createHandshakeSession, type HandshakeSession, shakeHands } from '../../server/handshake-session.ts'
import { unsupportedRevision } from '../../server/incoming.ts'
import { acceptsStream } from './accepts-stream.ts'
import { readBatch } from './batch.ts'
import type { EndpointSurroundings } from './endpoint-surroundings.ts'
import type { HttpRequest, HttpResponse } from './http-message.ts'
import { readEventId } from './outgoing-stream.ts'
import { withoutSessions } from './passing-capabilities.ts'
import { type ErrorId, refuse, refuseInvalid, refuseRequest, unknownId } from './refusals.ts'
import { createResponseChannel, STREAM_HEADERS } from './response-channel.ts'
import { createSessionRegistry, type HttpSession, type SessionOptions } from './session-registry.ts'
import { endAtExpiry } from './stream-expiry.ts'

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
  /** Ends every session. */
  close(): void
}

/** What a request belongs to. `session` is absent where none are kept. */
interface Place {
  readonly conversation: HandshakeSession
  readonly session: HttpSession | undefined
}

/** Answers clients of revisions 2025-03-26 to 2025-11-25. */
export function createHandshakeEndpoint(
  surroundings: EndpointSurroundings,
  sessionOptions: SessionOptions | false,
): HandshakeEndpoint {
  const {
    server,
    keepAliveMs,
    now,
    underWay,
    admit,
    authorize,
    holds,
    filtersLists,
    principalOf: sharerOf,
  } = surroundings
  const sessions = sessionOptions
    ? createSessionRegistry(server.internals.changes, { ...sessionOptions, keepAliveMs, now })
    : undefined

  const findSession = (http: HttpRequest, auth: AuthInfo | undefined): HttpSession | HttpResponse | undefined => {
    if (!sessions) return undefined
    const id = http.header(SESSION_ID_HEADER)
    if (id === undefined)
      return refuseRequest(
        400,
        `Bad Request: ${SESSION_ID_HEADER} is missing; begin with initialize, or use revision 2026-07-28`,
      )
    const session = sessions.find(id)
    if (session?.isFor(principalOf(auth))) return session
    // Somebody else's session is as good as none: whoever asks learns nothing.
    const error = { code: SESSION_NOT_FOUND, message: 'Session not found: begin with initialize' }
    return refuse(404, error, { id: unknownId(http.header(PROTOCOL_VERSION_HEADER)) })
  }
  /** `id`: of the request that a refusal answers. */
  const locate = (http: HttpRequest, auth: AuthInfo | undefined, id?: ErrorId): Place | HttpResponse => {
    const version = http.header(PROTOCOL_VERSION_HEADER)
    if (version !== undefined && !isHandshakeRevision(version)) return refuse(400, unsupportedRevision(version), { id })
    const session = findSession(http, auth)
    if (session && 'status' in session) return session
    session?.touch()
    return { session, conversation: session?.conversation ?? passing(version ?? UNNAMED_REVISION) }
  }
  /** What a client is known as where nothing is remembered. */
  const passing = (revision: HandshakeRevision): HandshakeSession =>
    createHandshakeSession(server, { revision, features: REVISION_FEATURES[revision], capabilities: {} }, now)

  const initialize = async (auth: AuthInfo | undefined, request: JsonRpcRequest): Promise<HttpResponse> => {
    const admitted = await admit([request], auth)
    if ('status' in admitted) return admitted
    const shaken = shakeHands(server, request)
    const { client } = shaken
    const { capabilities } = shaken.result
    const result =
      sessions || !isObject(capabilities)
        ? shaken.result
        : { ...shaken.result, capabilities: withoutSessions(capabilities) }
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
    { conversation, session }: Place,
    messages: readonly ClassifiedMessage[],
    isBatch: boolean,
  ): Promise<HttpResponse> => {
    const requests = messages.flatMap(received => (received.kind === 'request' ? [received.message] : []))
    const admitted = await admit(requests, auth)
    if ('status' in admitted) return admitted
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
      keepAliveMs,
      streamId: session?.nextStreamId(),
      scopes: admitted,
      primes: session !== undefined && conversation.client.features.primesStreams,
      onStream: stream => session?.keep(stream),
      // A lost connection cancels nothing in this family: the client may come back.
      onGone: () => undefined,
      report: error => server.internals.report(error, requests[0] ? { request: requests[0] } : {}),
    })
    const { revision } = conversation.client
    const isPassing = session === undefined
    for (const { id, code, reason } of invalid) {
      const error = { code, message: `Invalid Request: ${reason}` }
      channel.answer({ jsonrpc: '2.0', ...(id === undefined ? unknownId(revision) : { id }), error })
    }
    for (const request of requests) {
      const finish = underWay.begin({
        startedAt: now(),
        principal: sharerOf(auth),
        isSubscription: false,
        abort: reason => conversation.abort(request.id, reason),
      })
      const carrier = {
        auth,
        send: channel.send,
        drained: channel.drained,
        holds: holds(auth),
        neededScopes: admitted,
        filtersLists,
        isPassing,
        // A question travels on the answer's stream.
        canAsk: !isPassing && acceptsStream(http),
        ...(session && { closeStream: channel.closeStream }),
      }
      void conversation.handle(request, carrier).then(answer => {
        channel.answer(answer)
        session?.touch()
        finish()
      })
    }
    return channel.response
  }

  return {
    answer: async (http, auth, received) => {
      if (received.kind === 'request' && received.message.method === 'initialize')
        return initialize(auth, received.message)
      const place = locate(http, auth, received.kind === 'request' ? { id: received.message.id } : undefined)
      if (received.kind === 'invalid' || received.kind === 'invalidResponse') {
        const version = http.header(PROTOCOL_VERSION_HEADER)
        return refuseInvalid(received, 'status' in place ? version : place.conversation.client.revision)
      }
      return 'status' in place ? place : run(http, auth, place, [received], false)
    },
    answerBatch: async (http, auth, values) => {
      const place = locate(http, auth)
      if ('status' in place) return place
      const { features, revision } = place.conversation.client
      const batch = readBatch(values, features)
      if (batch.ok) return run(http, auth, place, batch.messages, true)
      const error = { code: INVALID_REQUEST, message: `Invalid Request: ${batch.why}` }
      return refuse(400, error, { id: unknownId(revision) })
    },
    listen: (http, auth) => {
      if (!sessions) return refuseRequest(405, 'Method not allowed: this server keeps no sessions', { allow: 'POST' })
      if (!acceptsStream(http)) return refuseRequest(406, 'Not acceptable: a GET is answered with text/event-stream')
      const place = locate(http, auth)
      if ('status' in place) return place
      const unasked = place.session?.unasked
      const last = readEventId(http.header('last-event-id') ?? '')
      const stream = last && last.stream !== unasked?.id ? place.session?.find(last.stream) : unasked
      // On another stream the client would wait for its answer in vain.
      if (!stream) return refuseRequest(400, 'Bad Request: the stream that Last-Event-ID names is not kept any more')
      // Its answer may be of a call that needed more than this token has.
      const refused = authorize(auth, stream.scopes)
      if (refused) return refused
      const after = last?.stream === stream.id ? last?.number : undefined
      // Whoever subscribed may have had a token for more.
      const caller = { auth, holds: holds(auth) }
      const mayHear = (uri: string): boolean => server.internals.mayHear(uri, caller)
      return {
        status: 200,
        headers: STREAM_HEADERS,
        body: sink => stream.attach(endAtExpiry(sink, auth?.expiresAt, now), after, mayHear),
      }
    },
    end: (http, auth) => {
      if (!sessions) return refuseRequest(405, 'Method not allowed: this server keeps no sessions', { allow: 'POST' })
      const place = locate(http, auth)
      if ('status' in place) return place
      if (place.session)
        sessions.end(place.session, new RpcError(INTERNAL_ERROR, 'The session was ended by its client'))
      return { status: 204, headers: {} }
    },
    close: () => sessions?.endAll(new RpcError(INTERNAL_ERROR, 'The server is closing')),
  }
}

function principalOf(auth: AuthInfo | undefined): string {
  return auth?.principal ?? ''
}
