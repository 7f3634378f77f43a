import { OAuthError } from './errors.ts'
import { findIssuerException, type IssuerException } from './issuer-exceptions.ts'
import type { DocumentReader } from './metadata-document.ts'
import { displayUrl } from './protocol/display-text.ts'
import {
  readResourceMetadata,
  resourceMetadataUrls,
  type ProtectedResourceMetadata,
} from './protocol/resource-metadata.ts'
import {
  readServerMetadata,
  type ServerMetadataContext,
  serverMetadataUrls,
  type AuthorizationServerMetadata,
} from './protocol/server-metadata.ts'

interface LookupOptions {
  readonly server: string
  readonly readDocument: DocumentReader
  readonly exceptions: readonly IssuerException[]
  readonly requirePkce: boolean
}

/** In a page a missing document looks like a dead network: what says "not found" seldom lets other origins read that (field P5). */
const HIDES_ABSENCE = 'document' in globalThis || 'importScripts' in globalThis

/** Where a challenge said that the document is. */
export interface NamedDocument {
  readonly url: string
  /** Nothing else counts; false for what only an earlier challenge said. */
  readonly strict: boolean
}

/**
 * The protected resource metadata: at the URL the challenge named, and nowhere else (R-PRM-1); else at the guessed ones. Undefined only
 * when its absence is definite, which in a page it never is at a URL that does not let it look.
 *
 * @throws {OAuthError} `discovery_unavailable`, `resource_metadata_invalid`, `resource_mismatch`
 */
export async function fetchResourceMetadata(
  { server, readDocument }: LookupOptions,
  at: NamedDocument | undefined,
  signal: AbortSignal | undefined,
): Promise<ProtectedResourceMetadata | undefined> {
  const named = at?.strict === true
  let hidden: OAuthError | undefined
  const guessed = [...(at ? [at.url] : []), ...resourceMetadataUrls(server)]
  for (const url of named ? [at.url] : new Set(guessed)) {
    const verdict = await readDocument({ step: 'protected resource metadata', url, named, signal }, response =>
      readResourceMetadata(response, { named, serverUrl: server }),
    )
    if (verdict.kind === 'found') return verdict.metadata
    if (verdict.kind === 'absent') continue
    if (!HIDES_ABSENCE || named || verdict.error.code !== 'network') throw verdict.error
    hidden ??= verdict.error
  }
  // Never taken for absence: that would send the person elsewhere.
  if (hidden) throw hidden
  return undefined
}

/** What the well-known URLs of one issuer have. */
export interface ServerMetadataLookup {
  /** Absent only when its absence is definite. */
  readonly metadata?: AuthorizationServerMetadata
  /** Where it was not, and what was there instead (field D1). */
  readonly tried: readonly string[]
}

/**
 * The metadata of one issuer, from the first well-known URL that has a valid document.
 *
 * @throws {OAuthError} `discovery_unavailable`, `issuer_mismatch`, `issuer_trailing_slash`, `pkce_unsupported`, `server_metadata_invalid`
 */
export async function fetchServerMetadata(
  { exceptions, requirePkce, readDocument }: LookupOptions,
  issuer: string,
  signal: AbortSignal | undefined,
): Promise<ServerMetadataLookup> {
  const exception = findIssuerException(issuer, exceptions)
  const context = {
    issuer,
    requirePkce,
    ...(exception?.trustedIssuer !== undefined && { trustedIssuer: exception.trustedIssuer }),
    ...(exception?.assumeS256 !== undefined && { assumeS256: exception.assumeS256 }),
  }
  if (exception?.metadata) return { metadata: givenMetadata(exception.metadata, issuer, context), tried: [] }
  const tried: string[] = []
  let failure: OAuthError | undefined
  for (const url of exception?.metadataUrl === undefined ? serverMetadataUrls(issuer) : [exception.metadataUrl]) {
    const verdict = await readDocument({ step: 'authorization server metadata', url, named: false, signal }, response =>
      readServerMetadata(response, context),
    )
    if (verdict.kind === 'found') return { metadata: verdict.metadata, tried }
    if (verdict.kind === 'absent') {
      tried.push(`${displayUrl(url)}: ${verdict.why}`)
      continue
    }
    // The next document may be the right one, and is judged as strictly. A definite objection says more than "try later".
    if (!failure || failure.retryable) failure = verdict.error
  }
  if (failure) throw failure
  return { tried }
}

/** What the exception gives in place of a document, judged like one. */
function givenMetadata(
  given: Readonly<Record<string, unknown>>,
  issuer: string,
  context: ServerMetadataContext,
): AuthorizationServerMetadata {
  const body = JSON.stringify({ issuer, ...given })
  const verdict = readServerMetadata({ status: 200, contentType: 'application/json', body, url: issuer }, context)
  if (verdict.kind === 'found') return verdict.metadata
  if (verdict.kind !== 'absent') throw verdict.error
  throw new OAuthError('configuration', `The metadata given for ${displayUrl(issuer)} is incomplete.`, {
    step: 'authorization server metadata',
    issuer,
    expected: 'authorization_endpoint and token_endpoint at least',
    received: verdict.why,
  })
}
