import { RpcError, TransportError } from '../jsonrpc/errors.ts'
import type { ServerCapabilities } from '../protocol/capabilities.ts'
import type { DiscoverResult } from '../protocol/discover.ts'
import { isStatelessErrorCode, readUnsupportedProtocolVersionData } from '../protocol/errors.ts'
import type { Implementation } from '../protocol/implementation.ts'
import type { InitializeResult } from '../protocol/initialize.ts'
import { SERVER_INFO_META_KEY } from '../protocol/meta.ts'
import {
  type HandshakeRevision,
  isHandshakeRevision,
  isStatelessRevision,
  LATEST_HANDSHAKE_REVISION,
  LATEST_REVISION,
  PROTOCOL_REVISIONS,
  type ProtocolRevision,
  type StatelessRevision,
} from '../protocol/revisions.ts'

/** What was agreed, and what the server says about itself. */
export interface ServerDescription {
  readonly revision: ProtocolRevision
  /** Self-reported; absent when a stateless server does not name itself. */
  readonly serverInfo?: Implementation
  readonly capabilities: ServerCapabilities
  readonly instructions?: string
}

/** In a browser a server that refuses a header looks to a script like one that cannot be reached. */
const HIDES_REFUSALS = 'document' in globalThis || 'importScripts' in globalThis

/** The two ways to open a conversation. Both reject with `RpcError`, `TransportError`, or what the transport's `fetch` throws. */
export interface Opening {
  discover(revision: StatelessRevision): Promise<DiscoverResult>
  initialize(revision: HandshakeRevision): Promise<InitializeResult>
}

/** HTTP answers that say "not now", and so nothing about the revision; 401 and 403 are errors of their own. */
const INCONCLUSIVE: ReadonlySet<number> = new Set([407, 408, 425, 429, 502, 503, 504])

/**
 * Finds a revision that both sides speak. `auto` asks `server/discover` of the newest revision first; a server that does not know
 * it, as its 4xx or JSON-RPC error says, is offered the newest handshake revision, and its counter-offer is taken when we know it.
 * Authorization failures, network errors, 5xx, 429 and web pages are no conclusion about the revision: they are thrown as they are. In a web
 * page a network error is none either way, so that the handshake is tried.
 * A named revision is used or refused, never replaced.
 *
 * @throws {TransportError} `unsupported_revision` when nothing is common; `RpcError` and others as `opening` threw them
 * @see {@link https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning | Versioning}
 */
export async function negotiate(opening: Opening, wanted: 'auto' | ProtocolRevision): Promise<ServerDescription> {
  if (isHandshakeRevision(wanted)) return shakeHands(opening, wanted, wanted)
  const accepted: readonly ProtocolRevision[] = wanted === 'auto' ? PROTOCOL_REVISIONS : [wanted]
  const step = await discover(opening, wanted === 'auto' ? LATEST_REVISION : wanted, accepted)
  if (step.kind === 'agreed') return step.server
  if (wanted !== 'auto') throw step.because
  try {
    return await shakeHands(opening, step.revision)
  } catch (error) {
    if (!isRefusal(error) || !isSilence(step.because)) throw error
    // A server that only was slow to start knows no handshake, and answers the question by now.
    const again = await discover(opening, LATEST_REVISION, accepted)
    if (again.kind === 'agreed') return again.server
    throw error
  }
}

type DiscoverStep =
  | { readonly kind: 'agreed'; readonly server: ServerDescription }
  | { readonly kind: 'handshake'; readonly revision: HandshakeRevision; readonly because: unknown }

async function discover(
  opening: Opening,
  first: StatelessRevision,
  accepted: readonly ProtocolRevision[],
): Promise<DiscoverStep> {
  for (let revision = first, attempt = 1; ; attempt += 1) {
    let supported: readonly string[]
    let refusal: unknown
    try {
      const found = await opening.discover(revision)
      if (found.supportedVersions.includes(revision)) return { kind: 'agreed', server: describe(revision, found) }
      supported = found.supportedVersions
    } catch (error) {
      const named = error instanceof RpcError ? readUnsupportedProtocolVersionData(error.data)?.supported : undefined
      if (!(error instanceof RpcError && isStatelessErrorCode(error.code))) {
        if (!isFromOlderServer(error)) throw error
        return { kind: 'handshake', revision: LATEST_HANDSHAKE_REVISION, because: error }
      }
      if (!named) throw error
      supported = named
      refusal = error
    }
    const common = newestCommon(supported, accepted)
    // One more attempt, also with the same revision: a first refusal may be about a deployment that has just changed.
    if (isStatelessRevision(common) && attempt === 1) revision = common
    else if (isHandshakeRevision(common)) return { kind: 'handshake', revision: common, because: refusal }
    else throw noCommonRevision(supported, refusal)
  }
}

async function shakeHands(
  opening: Opening,
  offered: HandshakeRevision,
  pinned?: HandshakeRevision,
): Promise<ServerDescription> {
  let answer: InitializeResult
  try {
    answer = await opening.initialize(offered)
  } catch (error) {
    const supported = error instanceof RpcError ? readUnsupportedProtocolVersionData(error.data)?.supported : undefined
    if (!supported) throw error
    const other = pinned ? undefined : newestCommon(supported, PROTOCOL_REVISIONS.filter(isHandshakeRevision))
    if (!isHandshakeRevision(other) || other === offered) throw noCommonRevision(supported, error)
    answer = await opening.initialize(other)
  }
  const { protocolVersion, serverInfo, capabilities, instructions } = answer
  if (!isHandshakeRevision(protocolVersion) || (pinned && protocolVersion !== pinned))
    throw noCommonRevision([protocolVersion])
  return { revision: protocolVersion, serverInfo, capabilities, ...(instructions !== undefined && { instructions }) }
}

function describe(
  revision: StatelessRevision,
  { _meta, capabilities, instructions }: DiscoverResult,
): ServerDescription {
  const serverInfo = _meta?.[SERVER_INFO_META_KEY]
  return {
    revision,
    capabilities,
    ...(serverInfo && { serverInfo }),
    ...(instructions !== undefined && { instructions }),
  }
}

/** Whether an error is how a server answers that knows nothing of `server/discover`. */
function isFromOlderServer(error: unknown): boolean {
  if (error instanceof RpcError) return error.status === undefined || !INCONCLUSIVE.has(error.status)
  if (!(error instanceof TransportError)) return false
  // It may let no page send the headers of the newest revision, which it does not know (field P5); the handshake needs none of them.
  if (error.code === 'network') return HIDES_REFUSALS
  const { status = 0, contentType } = error.detail
  if (error.code === 'http_status') return status >= 400 && status < 500 && !INCONCLUSIVE.has(status)
  // Taken for a notification, or answered with a result of another kind; a web page or broken stream says nothing.
  return error.code === 'invalid_response' && contentType === undefined
}

/** Whether the server itself said that there will be no handshake. */
function isRefusal(error: unknown): boolean {
  return error instanceof RpcError || (error instanceof TransportError && error.code === 'unsupported_revision')
}

/** Whether there was no usable answer at all, which over stdio is how the oldest servers answer what they do not know. */
function isSilence(error: unknown): boolean {
  return error instanceof TransportError && error.code === 'invalid_response' && error.detail.status === undefined
}

function newestCommon(theirs: readonly string[], ours: readonly ProtocolRevision[]): ProtocolRevision | undefined {
  return ours.filter(revision => theirs.includes(revision)).at(-1)
}

function noCommonRevision(supported: readonly string[], cause?: unknown): TransportError {
  const names = supported.map(name => name.replace(/[^\w.-]/g, '').slice(0, 20)).slice(0, 20)
  const hint = `This client speaks ${PROTOCOL_REVISIONS.join(', ')}`
  return new TransportError(
    'unsupported_revision',
    `The server offers no protocol revision that is accepted here: ${names.join(', ') || 'none'}`,
    { supported: names, hint },
    cause === undefined ? undefined : { cause },
  )
}
