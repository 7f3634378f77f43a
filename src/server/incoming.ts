import { INTERNAL_ERROR, INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import {
  classifyMessage,
  type ClassifiedMessage,
  isObject,
  type JsonRpcErrorResponse,
  type JsonRpcRequest,
  type JsonRpcResult,
} from '../jsonrpc/message.ts'
import type { ClientCapabilities } from '../protocol/capabilities.ts'
import { UNSUPPORTED_PROTOCOL_VERSION } from '../protocol/errors.ts'
import type { Implementation } from '../protocol/implementation.ts'
import { LOGGING_LEVELS } from '../protocol/logging.ts'
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  LOG_LEVEL_META_KEY,
  PROTOCOL_VERSION_META_KEY,
} from '../protocol/meta.ts'
import { implementation } from '../protocol/result-shapes.ts'
import {
  isStatelessRevision,
  PROTOCOL_REVISIONS,
  type ProtocolRevision,
  REVISION_FEATURES,
  type RevisionFeatures,
} from '../protocol/revisions.ts'
import type { WireObject } from '../protocol/revisions/family.ts'
import { readShape } from '../protocol/shape.ts'
import type { CallingClient, ServerCall } from './call.ts'
import { ResourceNotFoundError } from './errors.ts'
import { isGivenUp } from './given-up.ts'
import type { Server } from './server.ts'

/** Every revision that a server speaks, the newest first. */
export const SUPPORTED_REVISIONS: readonly ProtocolRevision[] = [...PROTOCOL_REVISIONS].sort((a, b) =>
  b.localeCompare(a),
)

/** Characters of a request's id, and of its progress token: both go back with everything that is told of the request. */
export const MAX_ID_LENGTH = 1024
const ACCEPTED_ID = new RegExp(`^.{0,${MAX_ID_LENGTH}}$`, 's')

/** Says what a client's message is. An id of more than {@link MAX_ID_LENGTH} characters makes it invalid. */
export function classifyIncoming(value: unknown): ClassifiedMessage {
  return classifyMessage(value, { idPattern: ACCEPTED_ID })
}

const NOTHING: WireObject = Object.freeze({})

/** A request's `_meta`; empty when it has none. */
export function metaOfRequest(request: JsonRpcRequest): WireObject {
  const meta = request.params?.['_meta']
  return isObject(meta) ? meta : NOTHING
}

/** Whether a message says that it is of the stateless family: its `_meta` names a revision. */
export function isStatelessMessage(message: { readonly params?: WireObject }): boolean {
  const meta = message.params?.['_meta']
  return isObject(meta) && meta[PROTOCOL_VERSION_META_KEY] !== undefined
}

/**
 * Who sends a stateless request, as its `_meta` says.
 *
 * @throws {RpcError} −32602 what must be there is missing, −32022 the revision is not spoken here
 * @see MCP 2026-07-28, `RequestMetaObject`
 */
export function readStatelessClient(request: JsonRpcRequest): CallingClient {
  const meta = metaOfRequest(request)
  const revision = meta[PROTOCOL_VERSION_META_KEY]
  if (typeof revision !== 'string') throw missing(PROTOCOL_VERSION_META_KEY, 'a revision of the protocol')
  if (!isStatelessRevision(revision)) throw unsupportedRevision(revision)
  const capabilities = meta[CLIENT_CAPABILITIES_META_KEY]
  if (!isObject(capabilities)) throw missing(CLIENT_CAPABILITIES_META_KEY, 'an object')
  const level = meta[LOG_LEVEL_META_KEY]
  if (level !== undefined && !(LOGGING_LEVELS as readonly unknown[]).includes(level))
    throw missing(LOG_LEVEL_META_KEY, `one of ${LOGGING_LEVELS.join(', ')}`)
  const features = REVISION_FEATURES[revision]
  return {
    revision,
    features,
    capabilities: readCapabilities(capabilities),
    info: readInfo(meta[CLIENT_INFO_META_KEY]),
  }
}

/** The error for a revision that is not spoken here. It names those that are. */
export function unsupportedRevision(requested: string): RpcError {
  return new RpcError(UNSUPPORTED_PROTOCOL_VERSION, `Unsupported protocol version: ${requested.slice(0, 80)}`, {
    data: { supported: SUPPORTED_REVISIONS, requested },
  })
}

/** Capabilities as a client declares them: what is not an object, or `true` instead of one, counts as not declared. */
export function readCapabilities(value: WireObject): ClientCapabilities {
  const entries = Object.entries(value).flatMap(([name, each]) => {
    const settings = each === true ? {} : each
    return isObject(settings) ? [[name, settings]] : []
  })
  return Object.fromEntries(entries) as ClientCapabilities
}

/** The client's name and version; undefined when they cannot be read, for they are only shown. */
export function readInfo(value: unknown): Implementation | undefined {
  const read = value === undefined ? undefined : readShape(implementation, value, 'clientInfo')
  return read?.ok ? read.value : undefined
}

/** Answers one request: with the result, or with the error that the client may know of; the rest goes to `onError`. Never rejects. */
export async function answerCall(server: Server, call: ServerCall): Promise<JsonRpcResult | JsonRpcErrorResponse> {
  try {
    return { jsonrpc: '2.0', id: call.id, result: await server.internals.answer(call) }
  } catch (error) {
    const isFailure = !(error instanceof RpcError) && !isGivenUp(error, call.signal)
    if (isFailure) server.internals.report(error, { request: call.request })
    else if (error instanceof RpcError && error.cause !== undefined)
      server.internals.report(error.cause, { request: call.request })
    return toErrorResponse(call.id, error, call.client.features)
  }
}

/** An error as the client is told it: a failure of ours only in general words. */
export function toErrorResponse(
  id: JsonRpcRequest['id'],
  error: unknown,
  features?: RevisionFeatures,
): JsonRpcErrorResponse {
  if (!(error instanceof RpcError))
    return { jsonrpc: '2.0', id, error: { code: INTERNAL_ERROR, message: 'Internal error' } }
  const { message, data } = error
  const code = error instanceof ResourceNotFoundError && features ? features.resourceNotFoundCode : error.code
  return { jsonrpc: '2.0', id, error: data === undefined ? { code, message } : { code, message, data } }
}

function missing(key: string, expected: string): RpcError {
  return new RpcError(INVALID_PARAMS, `Invalid params: _meta should have ${key}: ${expected}`)
}
