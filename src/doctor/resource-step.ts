import { OAuthError } from '../oauth/errors.ts'
import { fetchResourceMetadata } from '../oauth/metadata-lookup.ts'
import type { AuthorizationChallenge } from '../oauth/protocol/challenge.ts'
import type { ProtectedResourceMetadata } from '../oauth/protocol/resource-metadata.ts'
import type { Examination } from './examination.ts'
import { resourceMetadataFinding } from './failure-codes.ts'
import { factsOf } from './report.ts'
import { type DocumentTrace, traceDocuments } from './trace-documents.ts'

/** What became of the search for protected resource metadata. */
export type ResourceLookup =
  | { readonly kind: 'found'; readonly metadata: ProtectedResourceMetadata }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed' }

/**
 * Looks for the protected resource metadata as a login does, and reports every URL that was tried. Where nothing asks for a login, a
 * document that cannot be read now counts as absent.
 */
export async function addResourceSteps(
  { context, report, signal }: Examination,
  { challenge, wanted }: { readonly challenge: AuthorizationChallenge | undefined; readonly wanted: boolean },
): Promise<ResourceLookup> {
  const traces: DocumentTrace[] = []
  const readDocument = traceDocuments(context.readDocument, trace => traces.push(trace))
  const named = challenge?.resourceMetadata
  const requirePkce = context.grant.usesRedirect
  const options = { server: context.server, readDocument, exceptions: context.exceptions, requirePkce }
  let failure: OAuthError | undefined
  let metadata: ProtectedResourceMetadata | undefined
  try {
    metadata = await fetchResourceMetadata(
      options,
      named === undefined ? undefined : { url: named, strict: true },
      signal,
    )
  } catch (error) {
    if (!(error instanceof OAuthError) || error.code === 'aborted') throw error
    failure = error
  }
  for (const { step, url, kind, received, isPage } of traces) {
    if (kind === 'invalid' || kind === 'unavailable') continue
    const expected = named === undefined ? 'a document (RFC 9728), or 404' : 'a document (RFC 9728)'
    const page = kind === 'absent' && isPage
    report.add(
      { step, url, expected, received: kind === 'found' ? `${received}, found` : received },
      ...(page ? (['well_known_web_pages'] as const) : []),
    )
  }
  if (failure) {
    const code = resourceMetadataFinding(failure, context.server)
    if (!wanted && code === 'resource_metadata_unavailable') return { kind: 'absent' }
    report.add(factsOf(failure, { step: 'protected resource metadata' }), code)
    return { kind: 'failed' }
  }
  if (metadata === undefined) return { kind: 'absent' }
  report.add({
    step: 'resource',
    url: metadata.url,
    expected: `${context.server} or a parent path on its origin`,
    received: metadata.resource,
  })
  return { kind: 'found', metadata }
}
