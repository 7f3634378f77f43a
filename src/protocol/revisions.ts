/** Every published revision of the protocol that Latchkey speaks, oldest first. */
export const PROTOCOL_REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const

/** A published revision of the protocol, named by its date. */
export type ProtocolRevision = (typeof PROTOCOL_REVISIONS)[number]

/** A revision without a handshake: every request carries version, identity and capabilities in its `_meta`. */
export type StatelessRevision = '2026-07-28'

/** A revision that opens with `initialize` and may keep a session. */
export type HandshakeRevision = Exclude<ProtocolRevision, StatelessRevision>

/** The two ways the protocol opens and carries a conversation. */
export type RevisionFamilyName = 'handshake' | 'stateless'

/** The newest revision; what a client tries first. */
export const LATEST_REVISION: StatelessRevision = '2026-07-28'

/** The newest revision that opens with `initialize`; what a client offers to a server that is not stateless. */
export const LATEST_HANDSHAKE_REVISION: HandshakeRevision = '2025-11-25'

/** What differs between dated revisions, as data. Nothing else may compare revision names. */
export interface RevisionFeatures {
  readonly family: RevisionFamilyName
  /** The HTTP binding: two endpoints (`http+sse`) or one that answers POST. */
  readonly httpTransport: 'http+sse' | 'streamable-http'
  /** A JSON array of messages may be sent and must be received. */
  readonly batches: boolean
  /** HTTP requests carry `MCP-Protocol-Version`. */
  readonly versionHeader: boolean
  /** HTTP requests carry `Mcp-Method` and `Mcp-Name`. */
  readonly methodHeaders: boolean
  /** An error answer whose request id could not be read omits `id`; before, it is `null` (R-RPC-1). */
  readonly omitUnknownErrorId: boolean
  /** Tools may declare `outputSchema` and results carry `structuredContent`; `any-json` lifts the restriction to objects. */
  readonly structuredOutput: 'none' | 'object' | 'any-json'
  /** A stream may begin with an event without data, which older clients take for a broken message. */
  readonly primesStreams: boolean
  /** Content blocks of type `audio`, tool annotations, the `completions` capability and progress messages. */
  readonly audioContent: boolean
  /** Content blocks of type `resource_link`, titles, and completion context. */
  readonly resourceLinks: boolean
  /** `icons` on tools, resources, prompts and implementations. */
  readonly icons: boolean
  /** The ways a server may ask the user; empty where it cannot. */
  readonly elicitationModes: readonly ('form' | 'url')[]
  /** Sampling requests may carry `tools` and `toolChoice`. */
  readonly samplingTools: boolean
  /** Results carry `resultType`. */
  readonly resultType: boolean
  /** Lists, reads and discovery carry `ttlMs` and `cacheScope`. */
  readonly cacheHints: boolean
  /** The JSON-RPC error code of a resource that does not exist. Clients accept both. */
  readonly resourceNotFoundCode: -32002 | -32602
}

const revision20241105: RevisionFeatures = {
  family: 'handshake',
  httpTransport: 'http+sse',
  batches: false,
  versionHeader: false,
  methodHeaders: false,
  omitUnknownErrorId: false,
  structuredOutput: 'none',
  primesStreams: false,
  audioContent: false,
  resourceLinks: false,
  icons: false,
  elicitationModes: [],
  samplingTools: false,
  resultType: false,
  cacheHints: false,
  resourceNotFoundCode: -32002,
}

const revision20250326: RevisionFeatures = {
  ...revision20241105,
  httpTransport: 'streamable-http',
  batches: true,
  audioContent: true,
}

const revision20250618: RevisionFeatures = {
  ...revision20250326,
  batches: false,
  versionHeader: true,
  structuredOutput: 'object',
  resourceLinks: true,
  elicitationModes: ['form'],
}

const revision20251125: RevisionFeatures = {
  ...revision20250618,
  omitUnknownErrorId: true,
  primesStreams: true,
  icons: true,
  elicitationModes: ['form', 'url'],
  samplingTools: true,
}

const revision20260728: RevisionFeatures = {
  ...revision20251125,
  family: 'stateless',
  methodHeaders: true,
  structuredOutput: 'any-json',
  resultType: true,
  cacheHints: true,
  resourceNotFoundCode: -32602,
}

/** What each revision can do. */
export const REVISION_FEATURES: Readonly<Record<ProtocolRevision, RevisionFeatures>> = {
  '2024-11-05': revision20241105,
  '2025-03-26': revision20250326,
  '2025-06-18': revision20250618,
  '2025-11-25': revision20251125,
  '2026-07-28': revision20260728,
}

/** Whether a value names a revision that Latchkey speaks. */
export function isProtocolRevision(value: unknown): value is ProtocolRevision {
  return (PROTOCOL_REVISIONS as readonly unknown[]).includes(value)
}

/** Whether a value names a revision that opens with `initialize`. */
export function isHandshakeRevision(value: unknown): value is HandshakeRevision {
  return isProtocolRevision(value) && REVISION_FEATURES[value].family === 'handshake'
}

/** Whether a value names a revision without a handshake. */
export function isStatelessRevision(value: unknown): value is StatelessRevision {
  return isProtocolRevision(value) && REVISION_FEATURES[value].family === 'stateless'
}
