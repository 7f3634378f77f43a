import { INVALID_PARAMS, INVALID_REQUEST } from './errors.ts'

/** Identifies one request of one sender. MCP forbids `null`. */
export type RequestId = string | number

export interface JsonRpcRequest {
  readonly jsonrpc: '2.0'
  readonly id: RequestId
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
}

export interface JsonRpcNotification {
  readonly jsonrpc: '2.0'
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
}

export interface JsonRpcResult {
  readonly jsonrpc: '2.0'
  readonly id: RequestId
  readonly result: Readonly<Record<string, unknown>>
}

/** The error member of a response. */
export interface JsonRpcErrorObject {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

export interface JsonRpcErrorResponse {
  readonly jsonrpc: '2.0'
  /** `null` (up to 2025-06-18) or absent (from 2025-11-25 on) when the request's id could not be read. */
  readonly id?: RequestId | null
  readonly error: JsonRpcErrorObject
}

export type JsonRpcMessage = JsonRpcRequest | JsonRpcNotification | JsonRpcResult | JsonRpcErrorResponse

/** What one received value is. */
export type ClassifiedMessage =
  | { readonly kind: 'request'; readonly message: JsonRpcRequest }
  | { readonly kind: 'notification'; readonly message: JsonRpcNotification }
  | { readonly kind: 'result'; readonly message: JsonRpcResult }
  | { readonly kind: 'error'; readonly message: JsonRpcErrorResponse }
  /** Meant as a response, but without a usable result or error. `id` when one could be read. */
  | { readonly kind: 'invalidResponse'; readonly id?: RequestId; readonly reason: string }
  /** Anything else. `code` is what an answer to it carries, `id` the request's own when it was valid. */
  | { readonly kind: 'invalid'; readonly id?: RequestId; readonly code: number; readonly reason: string }

export interface ClassifyOptions {
  /** Refuses string ids of incoming requests that do not match, for receivers that log or store them. Default: any string. */
  readonly idPattern?: RegExp
}

/** True for objects that are neither `null` nor an array. Never throws. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** True for a string or an integer: what MCP allows as a request id. */
export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value))
}

/**
 * Says what a received value is: the guard in front of everything that comes from a peer. Checks version, id, method in this
 * order; a method is a string that does not start with `rpc.`; `params: null` counts as absent. Never throws.
 *
 * @see {@link https://www.jsonrpc.org/specification | JSON-RPC 2.0}
 */
export function classifyMessage(value: unknown, options: ClassifyOptions = {}): ClassifiedMessage {
  if (!isObject(value)) return { kind: 'invalid', code: INVALID_REQUEST, reason: 'the message is not an object' }
  return asPlainRequest(value, options) ?? judge(value, options)
}

/** What nearly every message is, without a detour. */
function asPlainRequest(
  value: Readonly<Record<string, unknown>>,
  { idPattern }: ClassifyOptions,
): ClassifiedMessage | undefined {
  const { jsonrpc, id, method, params } = value
  const isPlain = jsonrpc === '2.0' && isRequestId(id) && typeof method === 'string' && !method.startsWith('rpc.')
  if (!isPlain || !isObject(params) || (typeof id === 'string' && idPattern)) return undefined
  return { kind: 'request', message: { jsonrpc, id, method, params } }
}

function judge(value: Readonly<Record<string, unknown>>, options: ClassifyOptions): ClassifiedMessage {
  const { id } = value
  const known = isRequestId(id) ? { id } : {}
  if (value['method'] === undefined && (value['result'] !== undefined || value['error'] !== undefined)) {
    return classifyResponse(value, known)
  }
  const invalid = (reason: string, code = INVALID_REQUEST): ClassifiedMessage => ({
    kind: 'invalid',
    ...known,
    code,
    reason,
  })
  if (value['jsonrpc'] !== '2.0') return invalid('jsonrpc is not "2.0"')
  if (id !== undefined && !isRequestId(id)) return invalid('id is neither a string nor an integer')
  if (typeof id === 'string' && options.idPattern && !options.idPattern.test(id)) {
    return { kind: 'invalid', code: INVALID_REQUEST, reason: 'id has a form that is not accepted here' }
  }
  const { method, params } = value
  if (typeof method !== 'string') return invalid('method is not a string')
  if (method.startsWith('rpc.')) return invalid('methods that start with "rpc." are reserved')
  if (params !== undefined && params !== null && !isObject(params))
    return invalid('params is not an object', INVALID_PARAMS)
  const call = isObject(params) ? { jsonrpc: '2.0' as const, method, params } : { jsonrpc: '2.0' as const, method }
  return id === undefined ? { kind: 'notification', message: call } : { kind: 'request', message: { ...call, id } }
}

function classifyResponse(
  value: Readonly<Record<string, unknown>>,
  known: { readonly id?: RequestId },
): ClassifiedMessage {
  const invalid = (reason: string): ClassifiedMessage => ({ kind: 'invalidResponse', ...known, reason })
  const { id, error, result } = value
  if (value['jsonrpc'] !== '2.0') return invalid('jsonrpc is not "2.0"')
  if (id !== undefined && id !== null && !isRequestId(id)) return invalid('id is neither a string nor an integer')
  // Several servers send `error: null` beside a result.
  if (error !== undefined && error !== null) {
    if (!isObject(error)) return invalid('error is not an object')
    const { code, message, data } = error
    if (typeof code !== 'number' || !Number.isInteger(code)) return invalid('error.code is not an integer')
    if (typeof message !== 'string') return invalid('error.message is not a string')
    const object = data === undefined ? { code, message } : { code, message, data }
    return { kind: 'error', message: { jsonrpc: '2.0', ...known, error: object } }
  }
  if (!isObject(result)) return invalid('result is not an object')
  if (known.id === undefined) return invalid('a result has no id')
  return { kind: 'result', message: { jsonrpc: '2.0', id: known.id, result } }
}

/**
 * Builds the answer to an invalid message. When its id could not be read the answer carries `id: null`, or, with
 * `omitUnknownId`, none: the published schemas allow only the first up to 2025-06-18 and only the second from 2025-11-25 on.
 */
export function invalidMessageAnswer(
  invalid: { readonly id?: RequestId; readonly code: number; readonly reason: string },
  options: { readonly omitUnknownId: boolean },
): JsonRpcErrorResponse {
  const name = invalid.code === INVALID_PARAMS ? 'Invalid params' : 'Invalid Request'
  const error = { code: invalid.code, message: `${name}: ${invalid.reason}` }
  if (invalid.id !== undefined) return { jsonrpc: '2.0', id: invalid.id, error }
  return options.omitUnknownId ? { jsonrpc: '2.0', error } : { jsonrpc: '2.0', id: null, error }
}
