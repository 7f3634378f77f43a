import { isObject } from '../../jsonrpc/message.ts'
import { PROTOCOL_VERSION_HEADER, SESSION_ID_HEADER } from '../http-headers.ts'
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  LOG_LEVEL_META_KEY,
  mergeMeta,
  PROTOCOL_VERSION_META_KEY,
} from '../meta.ts'
import type { MetaObject, RequestMetaObject } from '../meta.ts'
import { CLIENT_NOTIFICATION_FAMILIES, CLIENT_REQUEST_FAMILIES } from '../methods.ts'
import { readResult } from '../result-shapes.ts'
import type { ClientResult } from '../result-shapes.ts'
import { REVISION_FEATURES } from '../revisions.ts'
import type { HandshakeRevision } from '../revisions.ts'
import { familyHas, metaOf, withMeta } from './family.ts'
import type { DecodedResult, OutgoingMessage, RequestMetaOptions, RevisionFamily, WireObject } from './family.ts'

const NAME = 'handshake'

/**
 * The revisions that open with `initialize` (2024-11-05 to 2025-11-25). Before the server has answered `initialize`, use the family
 * of the revision that is offered; afterwards, of the one the server chose.
 */
export function handshakeFamily(revision: HandshakeRevision): RevisionFamily {
  const features = REVISION_FEATURES[revision]
  const streamable = features.httpTransport === 'streamable-http'
  return {
    name: NAME,
    revision,
    features,
    messages: {
      opensWithInitialize: true,
      allowsRequest: method => familyHas(NAME, CLIENT_REQUEST_FAMILIES, method),
      allowsNotification: method => familyHas(NAME, CLIENT_NOTIFICATION_FAMILIES, method),
      encodeRequest,
      encodeNotification: (params, meta) => withMeta(params, mergeMeta(withoutStatelessKeys(metaOf(params, meta)), {})),
      decodeResult,
    },
    http: {
      sessions: streamable,
      getStream: true,
      resumption: streamable,
      disconnectCancels: false,
      postsResponses: true,
      notFound: 'session-lost',
      headers: (message, sessionId) => headers(message, sessionId, features.versionHeader ? revision : undefined),
    },
    interaction: { style: 'nested', elicitationModes: features.elicitationModes },
    subscriptions: { style: 'session' },
  }
}

function encodeRequest(params?: object, options: RequestMetaOptions = {}): WireObject | undefined {
  const own: RequestMetaObject = options.progressToken === undefined ? {} : { progressToken: options.progressToken }
  return withMeta(params, mergeMeta(withoutStatelessKeys(metaOf(params, options.meta)), own))
}

const STATELESS_KEYS: readonly string[] = [
  PROTOCOL_VERSION_META_KEY,
  CLIENT_INFO_META_KEY,
  CLIENT_CAPABILITIES_META_KEY,
  LOG_LEVEL_META_KEY,
]

/** A server of both families takes a request with these keys for a stateless one: a bridge must not pass them on. */
function withoutStatelessKeys(meta: MetaObject): MetaObject {
  if (!STATELESS_KEYS.some(key => Object.hasOwn(meta, key))) return meta
  return Object.fromEntries(Object.entries(meta).filter(([key]) => !STATELESS_KEYS.includes(key)))
}

/** These revisions have no result types: a `resultType` is one more unknown member. */
function decodeResult<Method extends string>(method: Method, result: unknown): DecodedResult<ClientResult<Method>> {
  const read = readResult(method, method === 'tools/call' ? withoutNullStructure(result) : result)
  return read.ok ? { kind: 'complete', result: read.value } : { kind: 'invalid', issue: read.issue }
}

/** Structured content is an object here, and servers that write null for every absent member mean none; later null is a value. */
function withoutNullStructure(result: unknown): unknown {
  if (!isObject(result) || result['structuredContent'] !== null) return result
  const { structuredContent: _absent, ...rest } = result
  return rest
}

/** Nothing is agreed yet when `initialize` is sent: it carries neither version nor session. */
function headers(
  message: OutgoingMessage | undefined,
  sessionId: string | undefined,
  version: string | undefined,
): Readonly<Record<string, string>> {
  if (message?.method === 'initialize') return {}
  return {
    ...(version === undefined ? {} : { [PROTOCOL_VERSION_HEADER]: version }),
    ...(sessionId === undefined ? {} : { [SESSION_ID_HEADER]: sessionId }),
  }
}
