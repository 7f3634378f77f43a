import { fetchResourceMetadata, type NamedDocument } from './metadata-lookup.ts'
import type { DocumentReader } from './metadata-document.ts'
import type { IssuerException } from './issuer-exceptions.ts'
import type { AuthorizationChallenge } from './protocol/challenge.ts'
import type { ProtectedResourceMetadata } from './protocol/resource-metadata.ts'

/** Issuers of which it is remembered which document led there; a server has one, or few. */
const MAX_REMEMBERED = 8

/** A protected resource metadata document that was looked for. */
export interface ResourceDocument {
  /** Absent when there is definitely none. */
  readonly published?: ProtectedResourceMetadata
  /** The URL that a challenge named for it. */
  readonly from?: string
}

/** The protected resource metadata of one session: where challenges said that it is, and what was read there. */
export interface ResourceDocuments {
  /**
   * The document for what a challenge asks, or the latest one that was named. With `keep`, the one that led to that issuer, whatever
   * challenges of other tools named since.
   *
   * @throws {OAuthError} `discovery_unavailable`, `resource_metadata_invalid`, `resource_mismatch`
   */
  read(options: {
    readonly challenge?: AuthorizationChallenge | undefined
    readonly keep?: string | undefined
    readonly signal?: AbortSignal | undefined
  }): Promise<ResourceDocument>
  /** The document led to `issuer`: single tools may name a document, and so an issuer, of their own (field D13). */
  ledTo(issuer: string, document: ResourceDocument): void
  /** A challenge came: it is followed, and the document read again. */
  challenged(challenge: AuthorizationChallenge): void
  /** Forgets what was read. */
  invalidate(): void
}

interface ResourceDocumentsOptions {
  readonly server: string
  readonly readDocument: DocumentReader
  readonly exceptions: readonly IssuerException[]
  readonly requirePkce: boolean
  /** Whether what was read then may still be used. */
  readonly isFresh: (read: { readonly readAt: number }) => boolean
  readonly now: () => number
}

/** Creates the {@link ResourceDocuments} of one session. */
export function createResourceDocuments(options: ResourceDocumentsOptions): ResourceDocuments {
  let named: NamedDocument | undefined
  let cache: { readonly document: ResourceDocument; readonly readAt: number } | undefined
  /** By issuer, the latest last. */
  const documents = new Map<string, string>()

  function note({ resourceMetadata: url }: AuthorizationChallenge): void {
    if (url !== undefined) named = { url, strict: true }
    // What only an earlier challenge named is the first guess, no more.
    else if (named) named = { url: named.url, strict: false }
  }

  function documentOf(issuer: string): NamedDocument | undefined {
    const own = documents.get(issuer)
    if (own !== undefined && own !== named?.url) return { url: own, strict: false }
    // What led to another issuer only says nothing about this one.
    const isOthers = own === undefined && [...documents.values()].some(url => url === named?.url)
    return isOthers ? undefined : named
  }

  return {
    async read({ challenge, keep, signal }) {
      if (challenge) note(challenge)
      const at = keep === undefined ? named : documentOf(keep)
      if (cache && cache.document.from === at?.url && options.isFresh(cache)) return cache.document
      const published = await fetchResourceMetadata(options, at, signal)
      const document = { ...(published && { published }), ...(at && { from: at.url }) }
      cache = { document, readAt: options.now() }
      return document
    },
    ledTo(issuer, { from }) {
      if (from === undefined) return
      documents.delete(issuer)
      documents.set(issuer, from)
      const [oldest] = documents.keys()
      if (documents.size > MAX_REMEMBERED && oldest !== undefined) documents.delete(oldest)
    },
    challenged(challenge) {
      note(challenge)
      cache = undefined
    },
    invalidate() {
      cache = undefined
    },
  }
}
