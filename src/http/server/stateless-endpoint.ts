import { INVALID_REQUEST, METHOD_NOT_FOUND, RpcError } from '../../jsonrpc/errors.ts'
import type { ClassifiedMessage, JsonRpcRequest } from '../../jsonrpc/message.ts'
import { isStatelessErrorCode } from '../../protocol/errors.ts'
import { PROTOCOL_VERSION_HEADER } from '../../protocol/http-headers.ts'
import type { AuthInfo } from '../../server/auth-info.ts'
import type { CallingClient } from '../../server/call.ts'
import { readStatelessClient } from '../../server/incoming.ts'
import { type CallAnswer, type CallCarrier, RunningCall } from '../../server/running-call.ts'
import { acceptsStream } from './accepts-stream.ts'
import type { EndpointSurroundings } from './endpoint-surroundings.ts'
import type { HttpRequest, HttpResponse } from './http-message.ts'
import { findHeaderMismatch, findVersionMismatch } from './message-headers.ts'
import { refuseCall, refuseInvalid, refuseRequest } from './refusals.ts'
import { createResponseChannel } from './response-channel.ts'

/** The stateless family over HTTP: every POST stands for itself. */
export type StatelessEndpoint = (
  request: HttpRequest,
  auth: AuthInfo | undefined,
  received: ClassifiedMessage,
) => Promise<HttpResponse>

const SUBSCRIBE = 'subscriptions/listen'
const NOT_STREAMED = `Not acceptable: ${SUBSCRIBE} is answered with text/event-stream`

/** A request that may run. */
interface Admitted {
  readonly http: HttpRequest
  readonly auth: AuthInfo | undefined
  readonly request: JsonRpcRequest
  readonly client: CallingClient
  readonly neededScopes: readonly string[]
}

/** Answers requests of revision 2026-07-28. */
export function createStatelessEndpoint(surroundings: EndpointSurroundings): StatelessEndpoint {
  const { server, keepAliveMs, now, underWay, admit, holds, filtersLists, principalOf } = surroundings

  const run = async ({ http, auth, request, client, neededScopes }: Admitted): Promise<HttpResponse> => {
    const channel = createResponseChannel({
      expected: 1,
      isBatch: false,
      acceptsStream: acceptsStream(http),
      keepAliveMs,
      primes: false,
      onGone: () => call.abort(undefined),
      report: error => server.internals.report(error, { request }),
    })
    const sharer = principalOf(auth)
    const carrier: CallCarrier = {
      auth,
      sharer,
      notify: (method, params) => channel.send({ jsonrpc: '2.0', method, params }),
      drained: channel.drained,
      holds: holds(auth),
      neededScopes,
      filtersLists,
    }
    const call = new RunningCall(request, client, carrier, now())
    const finish = underWay.begin({
      startedAt: call.startedAt,
      principal: sharer,
      isSubscription: request.method === SUBSCRIBE,
      abort: reason => call.abort(reason),
    })
    // In this family a lost connection is how a client cancels.
    const stopListening = http.onDisconnect(() => call.abort(undefined))
    const answered = call.run(server).then(answer => {
      stopListening()
      channel.answer(answer)
      finish()
      return answer
    })
    const response = await channel.response
    // Only what is not a stream has a status of its own.
    return typeof response.body === 'function' ? response : withStatus(response, await answered)
  }

  return async (http, auth, received) => {
    if (received.kind === 'invalid' || received.kind === 'invalidResponse')
      return refuseInvalid(received, http.header(PROTOCOL_VERSION_HEADER))
    if (received.kind === 'notification') return { status: 202, headers: {} }
    if (received.kind !== 'request') return refuseRequest(400, 'Clients of this revision send no responses')
    const request = received.message
    try {
      const wrongVersion = findVersionMismatch(http, request)
      if (wrongVersion) return refuseCall(400, request, wrongVersion)
      const client = readStatelessClient(request)
      const wrong = findHeaderMismatch(server, http, request)
      if (wrong) return refuseCall(400, request, wrong)
      if (request.method === SUBSCRIBE && !acceptsStream(http))
        return refuseCall(406, request, new RpcError(INVALID_REQUEST, NOT_STREAMED))
      const admitted = await admit([request], auth)
      return 'status' in admitted ? admitted : await run({ http, auth, request, client, neededScopes: admitted })
    } catch (error) {
      if (error instanceof RpcError) return refuseCall(400, request, error)
      throw error
    }
  }
}

/** The HTTP status that an error has in this revision. */
function withStatus(response: HttpResponse, answer: CallAnswer | undefined): HttpResponse {
  const code = answer && 'error' in answer ? answer.error.code : undefined
  if (code === METHOD_NOT_FOUND) return { ...response, status: 404 }
  return code !== undefined && isStatelessErrorCode(code) ? { ...response, status: 400 } : response
}
