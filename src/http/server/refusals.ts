import { INVALID_REQUEST, type RpcError } from '../../jsonrpc/errors.ts'
import type { ClassifiedMessage, JsonRpcErrorResponse, JsonRpcRequest, RequestId } from '../../jsonrpc/message.ts'
import { isProtocolRevision, REVISION_FEATURES } from '../../protocol/revisions.ts'
import { toErrorResponse } from '../../server/incoming.ts'
import type { HttpResponse } from './http-message.ts'

/** JSON that is none. */
export const PARSE_ERROR = -32700

/** Whom an error answers: a request by its id; `null` or nothing where it could not be read (R-RPC-1). */
export type ErrorId = { readonly id: RequestId | null } | Record<string, never>

/** An HTTP error with a JSON-RPC error in its body (R-HTTP-1). */
export function refuse(
  status: number,
  error: { readonly code: number; readonly message: string; readonly data?: unknown },
  options: { readonly id?: ErrorId | undefined; readonly headers?: Readonly<Record<string, string>> } = {},
): HttpResponse {
  const { code, message, data } = error
  const body: JsonRpcErrorResponse = {
    jsonrpc: '2.0',
    ...options.id,
    error: data === undefined ? { code, message } : { code, message, data },
  }
  return {
    status,
    // Caches keep a 404 or 405 to a GET unless they are told not to, and may give it to whoever asks in another revision.
    headers: { 'cache-control': 'no-store', ...options.headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}

/** An HTTP error about the request as such. */
export function refuseRequest(status: number, why: string, headers?: Readonly<Record<string, string>>): HttpResponse {
  return refuse(status, { code: INVALID_REQUEST, message: why }, headers ? { headers } : {})
}

/** The id of an error about a message whose id could not be read. */
export function unknownId(version: string | undefined): ErrorId {
  const features = REVISION_FEATURES[isProtocolRevision(version) ? version : '2025-03-26']
  return features.omitUnknownErrorId ? {} : { id: null }
}

/** An HTTP error that answers a request with a JSON-RPC error. */
export function refuseCall(status: number, request: JsonRpcRequest, error: RpcError): HttpResponse {
  return refuse(status, toErrorResponse(request.id, error).error, { id: { id: request.id } })
}

/** An error about a message that is no message. */
export function refuseInvalid(
  received: Extract<ClassifiedMessage, { kind: 'invalid' | 'invalidResponse' }>,
  version: string | undefined,
): HttpResponse {
  const id: ErrorId = received.id === undefined ? unknownId(version) : { id: received.id }
  const code = received.kind === 'invalid' ? received.code : INVALID_REQUEST
  return refuse(400, { code, message: `Invalid Request: ${received.reason}` }, { id })
}
