import { currentCredentials } from './credential-record.ts'
import { OAuthError } from './errors.ts'
import type { OAuthEvent } from './events.ts'
import { assertIssuerExceptions } from './issuer-exception-check.ts'
import { findIssuerException, type IssuerException } from './issuer-exceptions.ts'
import type { DocumentReader } from './metadata-document.ts'
import { fetchServerMetadata, type ServerMetadataLookup } from './metadata-lookup.ts'
import type { AuthorizationChallenge } from './protocol/challenge.ts'
import { displayText, displayUrl } from './protocol/display-text.ts'
import { resourceIndicator, type ProtectedResourceMetadata } from './protocol/resource-metadata.ts'
import { legacyServerMetadata, type AuthorizationServerMetadata } from './protocol/server-metadata.ts'
import { createResourceDocuments } from './resource-documents.ts'
import type { CredentialRecord } from './store/credential-store.ts'

/** How long a validated document is used without being read again. */
export const METADATA_LIFETIME_MS = 600_000

/** An authorization server, validated, and how to talk to it about this MCP server. */
export interface AuthorizationTarget {
  /** The identifier it is known by: the key of everything stored about it. */
  readonly issuer: string
  readonly authorizationServer: AuthorizationServerMetadata
  readonly protectedResource?: ProtectedResourceMetadata
  /** RFC 8707 `resource`, verbatim; absent when an exception omits it. */
  readonly resource?: string
  /** True when nothing was published and the endpoints are those of revision 2025-03-26. */
  readonly legacy: boolean
  readonly exception?: IssuerException
}

/** What discovery may go by. */
export interface DiscoveryInput {
  readonly challenge?: AuthorizationChallenge | undefined
  /** Issuers with a stored registration come first. */
  readonly record?: CredentialRecord | undefined
  /** False where nothing proves that the server wants OAuth at all. Default true. */
  readonly allowLegacy?: boolean
  /** The login in use is kept: go by the document that led to it, whatever challenges of other tools named since. Default false. */
  readonly keep?: boolean
  readonly signal?: AbortSignal | undefined
}

/** Finds and validates metadata, and remembers it for a while (R-ASM-6). */
export interface Discovery {
  /** The authorization server to use for this MCP server. @throws {OAuthError} every discovery code */
  target(input: DiscoveryInput): Promise<AuthorizationTarget>
  /** A known issuer again, without asking the MCP server: to finish a login or revoke. @throws {OAuthError} */
  issuer(issuer: string, signal?: AbortSignal): Promise<AuthorizationTarget>
  /** A token was rejected: the resource metadata is read again before anything else, where the challenge says. */
  rejected(challenge: AuthorizationChallenge | undefined): void
  /** Forgets everything that was read. */
  invalidate(): void
}

/** What discovery needs from its session. */
export interface DiscoveryOptions {
  readonly server: string
  readonly readDocument: DocumentReader
  readonly exceptions: readonly IssuerException[]
  readonly requirePkce: boolean
  /** The only authorization server that may be used. */
  readonly onlyIssuer: string | undefined
  /** There is no MCP server: only that authorization server, of which no resource is asked for. */
  readonly withoutResource?: boolean | undefined
  readonly preferIssuer: ((issuers: readonly string[]) => string | undefined) | undefined
  readonly now: () => number
  readonly emit: (event: OAuthEvent) => void
}

/** Authorization servers of one MCP server that are looked at; a hostile list would have the client ask thousands of hosts. */
export const MAX_AUTHORIZATION_SERVERS = 8

interface Cached<T> {
  readonly value: T
  readonly readAt: number
}

/**
 * Creates the {@link Discovery} of one session. Starts from `server` as it was at construction (R-PRM-5).
 *
 * @throws {OAuthError} `configuration` for an exception that cannot be used
 */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { server, now } = options
  assertIssuerExceptions(options.exceptions)
  const origin = new URL(server).origin
  // Judged by its age, so that a clock that was set back does not prolong it.
  const isFresh = ({ readAt }: { readonly readAt: number }): boolean => Math.abs(now() - readAt) < METADATA_LIFETIME_MS
  const documents = createResourceDocuments({ ...options, isFresh })
  const serverCache = new Map<string, Cached<AuthorizationServerMetadata>>()

  async function serverMetadata(issuer: string, signal?: AbortSignal): Promise<ServerMetadataLookup> {
    const cached = serverCache.get(issuer)
    if (cached && isFresh(cached)) return { metadata: cached.value, tried: [] }
    const found = await fetchServerMetadata(options, issuer, signal)
    if (found.metadata) serverCache.set(issuer, { value: found.metadata, readAt: now() })
    return found
  }

  async function targetAt(
    issuer: string,
    published: ProtectedResourceMetadata | undefined,
    input: Pick<DiscoveryInput, 'allowLegacy' | 'signal'>,
  ): Promise<AuthorizationTarget> {
    const { metadata: found, tried } = await serverMetadata(issuer, input.signal)
    const legacy = !found
    // Only the MCP server's own origin was ever a fallback, and only if it publishes nothing at all (R-PRM-6).
    if (!found && (published || issuer !== origin || input.allowLegacy === false))
      throw nothingPublished(server, issuer, { named: published !== undefined, tried })
    const exception = findIssuerException(issuer, options.exceptions)
    const resource = options.withoutResource ? undefined : resourceOf(exception, resourceIndicator(server, published))
    options.emit({ type: 'discovered', issuer, legacy, ...(resource !== undefined && { resource }) })
    return {
      issuer,
      authorizationServer: found ?? legacyServerMetadata(origin),
      legacy,
      ...(published && { protectedResource: published }),
      ...(resource !== undefined && { resource }),
      ...(exception && { exception }),
    }
  }

  return {
    async target(input) {
      if (options.withoutResource && options.onlyIssuer !== undefined)
        return targetAt(options.onlyIssuer, undefined, { ...input, allowLegacy: false })
      const { challenge, record, keep = false, signal } = input
      const document = await documents.read({ challenge, keep: keep ? record?.current : undefined, signal })
      const { published } = document
      const issuers = orderIssuers(published?.authorizationServers ?? [], input.record, options.preferIssuer)
      const known = currentCredentials(input.record)
      const { onlyIssuer } = options
      if (onlyIssuer !== undefined && published && !published.authorizationServers.includes(onlyIssuer))
        throw notTheOne(onlyIssuer, issuers)
      if (onlyIssuer !== undefined) return targetAt(onlyIssuer, published, input)
      // After a restart the document's named URL is no longer known; the issuer that was bound when it was is (D13).
      if (!published && known?.credentials.grant) return targetAt(known.issuer, undefined, input)
      if (issuers.length === 0) return targetAt(origin, undefined, input)
      let first: unknown
      for (const issuer of issuers) {
        try {
          const target = await targetAt(issuer, published, input)
          documents.ledTo(issuer, document)
          return target
        } catch (error) {
          first ??= error
          if (!(error instanceof OAuthError) || error.code === 'aborted') throw error
          // A blip at the issuer that holds the login must not become a login somewhere else.
          if (error.retryable && input.record?.issuers[issuer]) throw error
        }
      }
      throw first
    },
    issuer: (issuer, signal) => targetAt(issuer, undefined, { ...(signal && { signal }) }),
    rejected: challenge => documents.challenged(challenge ?? { scheme: 'bearer' }),
    invalidate() {
      documents.invalidate()
      serverCache.clear()
    },
  }
}

/** What is sent as resource, or under another name; see {@link IssuerException}. */
function resourceOf(exception: IssuerException | undefined, published: string): string | undefined {
  const instead = exception?.resource
  if (instead === 'omit') return undefined
  return instead === undefined || instead === 'audience' || instead === 'when-scopes-match' ? published : instead
}

function orderIssuers(
  issuers: readonly string[],
  record: CredentialRecord | undefined,
  prefer: DiscoveryOptions['preferIssuer'],
): readonly string[] {
  const preferred = issuers.length > 1 ? prefer?.(issuers) : undefined
  const rank = (issuer: string): number => {
    const known = record?.issuers[issuer]
    if (known?.grant && issuer === record?.current) return 0
    if (known?.registration) return 1
    return issuer === preferred ? 2 : 3
  }
  return [...new Set(issuers)].sort((a, b) => rank(a) - rank(b)).slice(0, MAX_AUTHORIZATION_SERVERS)
}

function notTheOne(expected: string, issuers: readonly string[]): OAuthError {
  return new OAuthError('issuer_mismatch', `The MCP server does not name the authorization server ${expected}.`, {
    step: 'protected resource metadata',
    issuer: expected,
    expected,
    received: issuers.map(issuer => displayText(issuer)).join(', ') || 'none',
    hint: 'The client is configured for this authorization server only: check its configuration, and whether the server is the right one.',
  })
}

function nothingPublished(
  server: string,
  issuer: string,
  { named, tried }: { readonly named: boolean; readonly tried: readonly string[] },
): OAuthError {
  return new OAuthError('discovery_failed', `No authorization server metadata was found for ${issuer}.`, {
    step: 'authorization server metadata',
    issuer,
    expected: 'an OAuth or OpenID Connect metadata document (RFC 8414)',
    received: tried.join('; '),
    hint: named
      ? 'The server names this authorization server: it must publish its metadata, or the server must name another.'
      : `${displayUrl(server)} publishes no OAuth metadata: it seems to need no login, or wants an API key.`,
  })
}
