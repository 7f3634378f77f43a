import type { RequestId } from '../jsonrpc/message.ts'
import type { ClientCapabilities } from './capabilities.ts'
import type { Implementation } from './implementation.ts'
import type { LoggingLevel } from './logging.ts'
import type { ProgressToken } from './progress.ts'

/** The revision of a request. Required on every stateless request; equals the `MCP-Protocol-Version` header. */
export const PROTOCOL_VERSION_META_KEY = 'io.modelcontextprotocol/protocolVersion'

/** The client's name and version on a stateless request. Self-reported: for display only. */
export const CLIENT_INFO_META_KEY = 'io.modelcontextprotocol/clientInfo'

/** The client's capabilities for one stateless request. Required there. */
export const CLIENT_CAPABILITIES_META_KEY = 'io.modelcontextprotocol/clientCapabilities'

/** The lowest log level the client wants to hear about one stateless request; without it the server sends none. */
export const LOG_LEVEL_META_KEY = 'io.modelcontextprotocol/logLevel'

/** The server's name and version on a stateless result. Self-reported: for display only. */
export const SERVER_INFO_META_KEY = 'io.modelcontextprotocol/serverInfo'

/** The id of the `subscriptions/listen` request that a notification, or the final result, belongs to. */
export const SUBSCRIPTION_ID_META_KEY = 'io.modelcontextprotocol/subscriptionId'

/** Additional data on a message, by namespaced key. */
export interface MetaObject {
  readonly [key: string]: unknown
}

/** `_meta` of a request. The `io.modelcontextprotocol/` members belong to the stateless family (since 2026-07-28). */
export interface RequestMetaObject extends MetaObject {
  /** Asks for progress notifications that carry this token. Unique among the sender's open requests. */
  readonly progressToken?: ProgressToken
  readonly 'io.modelcontextprotocol/protocolVersion'?: string
  readonly 'io.modelcontextprotocol/clientInfo'?: Implementation
  readonly 'io.modelcontextprotocol/clientCapabilities'?: ClientCapabilities
  readonly 'io.modelcontextprotocol/logLevel'?: LoggingLevel
}

/** `_meta` of a notification. */
export interface NotificationMetaObject extends MetaObject {
  /** Since 2026-07-28, on every notification of a `subscriptions/listen` stream. */
  readonly 'io.modelcontextprotocol/subscriptionId'?: RequestId
}

/** `_meta` of a result. */
export interface ResultMetaObject extends MetaObject {
  /** Since 2026-07-28. */
  readonly 'io.modelcontextprotocol/serverInfo'?: Implementation
}

/**
 * Merges what a caller gives as `meta` with what the protocol itself says about a request; the protocol's members win.
 * Neither object is changed. Returns undefined when there is nothing to send, so that an empty `meta` adds no member.
 */
export function mergeMeta(meta: MetaObject | undefined, own: RequestMetaObject): RequestMetaObject | undefined {
  const merged = { ...meta, ...own }
  return Object.keys(merged).length > 0 ? merged : undefined
}

const LABEL = '[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?'
const NAME = '(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)?'
const META_KEY = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*/)?${NAME}$`)
const RESERVED_PREFIX = new RegExp(`^${LABEL}\\.(?:modelcontextprotocol|mcp)(?:\\.${LABEL})*/`)

/** Whether a key follows the naming rules of `_meta`: an optional dotted prefix ending in `/`, then a name. */
export function isMetaKey(key: string): boolean {
  return META_KEY.test(key)
}

/** Whether a key's prefix is reserved for the protocol: its second label is `modelcontextprotocol` or `mcp`. */
export function isReservedMetaKey(key: string): boolean {
  return RESERVED_PREFIX.test(key)
}
