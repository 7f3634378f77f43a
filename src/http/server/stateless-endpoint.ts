import { METHOD_NOT_FOUND, RpcError } from '../../jsonrpc/errors.ts'
import type { ClassifiedMessage, JsonRpcRequest } from '../../jsonrpc/message.ts'
import { isStatelessErrorCode } from '../../protocol/errors.ts'
import { PROTOCOL_VERSION_HEADER } from '../../protocol/http-headers.ts'
import type { AuthInfo } from '../../server/auth-info.ts'
import type { CallingClient } from '../../server/call.ts'
import { readStatelessClient } from '../../server/incoming.ts'
import { type CallAnswer, type CallCarrier, RunningCall } from '../../server/running-call.ts'
import type { EndpointSurroundings } from './endpoint-surroundings.ts'
import type { HttpRequest, HttpResponse } from './http-message.ts'
import { findHeaderMismatch, findVersionMismatch } from './message-headers.ts'
import { unref } from './outgoing-stream.ts'
import { refuseCall, refuseInvalid, refuseRequest, tooLong } from './refusals.ts'
import { createResponseChannel } from './response-channel.ts'

/** The stateless family over HTTP: every POST stands for itself. */
export interface StatelessEndpoint {
  answer(request: HttpRequest, auth: AuthInfo | undefined, received: ClassifiedMessage): Promise<HttpResponse>
  /** Waits until nothing is under way, then ends what still is. */
  drain(timeoutMs: number): Promise<void>
}

/** Milliseconds between two looks at what takes too long. */
const SWEEP_MS = 1000

/** Answers requests of revision 2026-07-28. */
export function createStatelessEndpoint(surroundings: EndpointSurroundings): StatelessEndpoint {
  const { server, keepAliveMs, requestTimeoutMs, now, authorize, holds } = surroundings
  const running = new Set<RunningCall>()
  let sweeper: ReturnType<typeof setInterval> | undefined
  let onIdle: (() => void) | undefined

  const sweep = (): void => {
    const oldest = now() - requestTimeoutMs
    for (const call of running)
      if (call.startedAt < oldest && call.method !== 'subscriptions/listen') call.abort(tooLong(requestTimeoutMs))
  }
  const begin = (call: RunningCall): void => {
    running.add(call)
    if (sweeper) return
    sweeper = setInterval(sweep, Math.min(SWEEP_MS, requestTimeoutMs))
    unref(sweeper)
  }
  const finish = (call: RunningCall): void => {
    running.delete(call)
    if (running.size > 0) return
    clearInterval(sweeper)
    sweeper = undefined
    onIdle?.()
  }

  const run = async (
    http: HttpRequest,
    auth: AuthInfo | undefined,
    request: JsonRpcRequest,
    client: CallingClient,
  ): Promise<HttpResponse> => {
    const channel = createResponseChannel({
      expected: 1,
      isBatch: false,
      acceptsStream: acceptsStream(http),
      headers: {},
      keepAliveMs,
      primes: false,
      onGone: () => call.abort(undefined),
    })
    const carrier: CallCarrier = {
      auth,
      notify: (method, params) => channel.send({ jsonrpc: '2.0', method, params }),
      drained: channel.drained,
      holds: holds(auth),
    }
    const call = new RunningCall(request, client, carrier, now())
    const onDisconnect = http.onDisconnect(() => call.abort(undefined))
    begin(call)
    const answered = call.run(server).then(answer => {
      onDisconnect()
      finish(call)
      channel.answer(answer)
      return answer
    })
    const response = await channel.response
    // Only what is not a stream has a status of its own.
    return typeof response.body === 'function' ? response : withStatus(response, await answered)
  }

  return {
    answer: async (http, auth, received) => {
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
        const refused = await authorize([request], auth)
        return refused ?? (await run(http, auth, request, client))
      } catch (error) {
        if (error instanceof RpcError) return refuseCall(400, request, error)
        throw error
      }
    },
    drain: async timeoutMs => {
      if (running.size === 0) return
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, timeoutMs)
        onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      for (const call of running) call.abort(new RpcError(-32603, 'The server is closing'))
    },
  }
}

/** The HTTP status that an error has in this revision. */
function withStatus(response: HttpResponse, answer: CallAnswer | undefined): HttpResponse {
  const code = answer && 'error' in answer ? answer.error.code : undefined
  if (code === METHOD_NOT_FOUND) return { ...response, status: 404 }
  return code !== undefined && isStatelessErrorCode(code) ? { ...response, status: 400 } : response
}

/** Whether the client reads streams: it says so, or says nothing about what it reads. */
export function acceptsStream(http: HttpRequest): boolean {
  const accept = http.header('accept')
  return accept === undefined || /text\/event-stream|text\/\*|\*\/\*/i.test(accept)
}
