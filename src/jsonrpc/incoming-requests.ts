import { INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, RpcError, TransportError } from './errors.ts'
import type { JsonRpcErrorObject, JsonRpcMessage, JsonRpcRequest, RequestId } from './message.ts'
import { MAX_INCOMING_IN_FLIGHT, type PeerRequestHandler } from './peer-options.ts'

export interface IncomingRequestsOptions {
  readonly onRequest: PeerRequestHandler | undefined
  readonly maxIncoming: number | undefined
  /** Sends an answer nobody waits for. Never throws. */
  readonly send: (message: JsonRpcMessage) => void
  /** Never throws. */
  readonly report: (error: unknown) => void
}

/** The requests of the other side that are being handled. */
export interface IncomingRequests {
  /** Handles a request and answers it; refuses one too many, and an id that is in use. */
  handle(request: JsonRpcRequest): void
  /** Aborts the signal of a handler, whose answer is then not sent. Unknown ids are ignored: the request may just have ended. */
  cancel(id: RequestId): void
  cancelAll(reason: unknown): void
}

/** Runs handlers, bounded, each with a signal of its own. */
export function createIncomingRequests(options: IncomingRequestsOptions): IncomingRequests {
  const { onRequest, maxIncoming = MAX_INCOMING_IN_FLIGHT, send, report } = options
  const running = new Map<RequestId, AbortController>()

  const run = async (request: JsonRpcRequest, handler: PeerRequestHandler): Promise<void> => {
    const { id } = request
    const controller = new AbortController()
    running.set(id, controller)
    let answer: JsonRpcMessage
    try {
      answer = { jsonrpc: '2.0', id, result: await handler(request, { signal: controller.signal }) }
    } catch (error) {
      if (!(error instanceof RpcError)) report(error)
      answer = { jsonrpc: '2.0', id, error: toErrorObject(error) }
    }
    running.delete(id)
    if (!controller.signal.aborted) send(answer)
  }

  return {
    handle: request => {
      const refuse = (code: number, message: string): void =>
        send({ jsonrpc: '2.0', id: request.id, error: { code, message } })
      if (running.has(request.id)) refuse(INVALID_REQUEST, 'Invalid Request: this id is already in use')
      else if (running.size >= maxIncoming) refuse(INTERNAL_ERROR, 'Too many requests at once')
      else if (!onRequest) refuse(METHOD_NOT_FOUND, 'Method not found')
      else void run(request, onRequest)
    },
    cancel: id => running.get(id)?.abort(new TransportError('aborted', 'The other side cancelled the request')),
    cancelAll: reason => {
      for (const controller of running.values()) controller.abort(reason)
    },
  }
}

function toErrorObject(error: unknown): JsonRpcErrorObject {
  if (!(error instanceof RpcError)) return { code: INTERNAL_ERROR, message: 'Internal error' }
  const { code, message, data } = error
  return data === undefined ? { code, message } : { code, message, data }
}
