import { isObject } from '../jsonrpc/message.ts'

/** The resource does not exist. Until 2025-11-25; later −32602, and clients accept both. */
export const RESOURCE_NOT_FOUND = -32002

/** HTTP headers do not match the body, or required ones are missing. Since 2026-07-28. */
export const HEADER_MISMATCH = -32020

/** The request needs a capability that the client did not declare. Since 2026-07-28. */
export const MISSING_REQUIRED_CLIENT_CAPABILITY = -32021

/** The server does not speak the request's revision. Since 2026-07-28. */
export const UNSUPPORTED_PROTOCOL_VERSION = -32022

/** The user must first open one or more URLs. Only in 2025-11-25. */
export const URL_ELICITATION_REQUIRED = -32042

/** `data` of an unsupported-protocol-version error. */
export interface UnsupportedProtocolVersionData {
  /** The revisions the server speaks; names may be unknown to the reader. */
  readonly supported: readonly string[]
  /** Absent from some servers, though required. */
  readonly requested?: string
}

/**
 * Whether an error can only come from a stateless server: a client that looks for the server's family must not fall back to
 * `initialize` after it. Any other error, −32601 and −32602 included, also comes from handshake servers.
 */
export function isStatelessErrorCode(code: number): boolean {
  return (
    code === HEADER_MISMATCH || code === MISSING_REQUIRED_CLIENT_CAPABILITY || code === UNSUPPORTED_PROTOCOL_VERSION
  )
}

/** Reads `data` of an unsupported-protocol-version error; undefined when it names no revisions. */
export function readUnsupportedProtocolVersionData(data: unknown): UnsupportedProtocolVersionData | undefined {
  if (!isObject(data) || !Array.isArray(data['supported'])) return undefined
  const supported = data['supported'].filter(version => typeof version === 'string')
  return typeof data['requested'] === 'string' ? { supported, requested: data['requested'] } : { supported }
}
