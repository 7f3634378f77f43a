import { type AuthorizationTarget, createDiscovery, MAX_AUTHORIZATION_SERVERS } from '../oauth/discovery.ts'
import { OAuthError } from '../oauth/errors.ts'
import type { AuthorizationChallenge } from '../oauth/protocol/challenge.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import type { ProtectedResourceMetadata } from '../oauth/protocol/resource-metadata.ts'
import type { CredentialRecord } from '../oauth/store/credential-store.ts'
import type { Examination } from './examination.ts'
import { serverMetadataFinding } from './failure-codes.ts'
import { factsOf } from './report.ts'
import { type DocumentTrace, traceDocuments } from './trace-documents.ts'

const STEP = 'authorization server metadata'
const MISSING = 'an OAuth or OpenID Connect metadata document (RFC 8414)'

/** What leads to the authorization server. */
export interface AuthorizationServerInput {
  readonly challenge: AuthorizationChallenge | undefined
  readonly published: ProtectedResourceMetadata | undefined
  readonly record: CredentialRecord | undefined
}

interface Look {
  readonly issuer: string
  readonly traces: readonly DocumentTrace[]
  readonly error?: OAuthError
}

/**
 * Looks at every authorization server that the MCP server names, or else at its own origin, and returns the one that a login would use.
 * Undefined when there is none, which is then reported as an error.
 */
export async function addAuthorizationServerSteps(
  examination: Examination,
  { challenge, published, record }: AuthorizationServerInput,
): Promise<AuthorizationTarget | undefined> {
  const { context, options, report, signal } = examination
  let traces: DocumentTrace[] = []
  const discovery = createDiscovery({
    server: context.server,
    readDocument: traceDocuments(context.readDocument, trace => traces.push(trace)),
    exceptions: context.exceptions,
    requirePkce: context.grant.usesRedirect,
    onlyIssuer: context.grant.issuer,
    preferIssuer: options.preferIssuer,
    now: context.now,
    emit: context.emit,
  })
  const { origin } = new URL(context.server)
  const named = [...new Set(published?.authorizationServers)].slice(0, MAX_AUTHORIZATION_SERVERS)
  const only = context.grant.issuer
  if (only !== undefined && published && !named.includes(only)) {
    report.add(
      { step: 'authorization servers', expected: only, received: named.join(', ') },
      'authorization_server_not_named',
    )
    return undefined
  }
  const looks: Look[] = []
  for (const issuer of only !== undefined ? [only] : published ? named : [origin]) {
    traces = []
    try {
      const { legacy } = await discovery.issuer(issuer, signal)
      if (legacy && !published)
        return await addLegacyStep(examination, { issuer, traces }, () => discovery.issuer(issuer, signal))
      looks.push({ issuer, traces, ...(legacy && { error: nothingThere(issuer, traces) }) })
    } catch (error) {
      if (!(error instanceof OAuthError) || error.code === 'aborted' || error.code === 'configuration') throw error
      looks.push({ issuer, traces, error })
    }
  }
  const usable = looks.some(({ error }) => error === undefined)
  for (const look of looks) addLook(examination, look, usable)
  if (!usable) return undefined
  return discovery.target({ challenge, record, allowLegacy: false, signal })
}

function addLook({ report }: Examination, { issuer, traces, error }: Look, anotherWorks: boolean): void {
  for (const { kind, url, received } of traces) {
    if (kind === 'absent') report.add({ step: STEP, url, received })
  }
  if (error) {
    report.add(
      factsOf(error, { step: STEP }),
      anotherWorks ? 'authorization_server_skipped' : serverMetadataFinding(error),
    )
    return
  }
  const found = traces.find(({ kind }) => kind === 'found')
  report.add({
    step: STEP,
    url: found?.url,
    expected: issuer,
    received: `${found?.received ?? 'given by an exception'}, issuer ${issuer}`,
  })
}

/** Nothing is published anywhere: whether there is anything at the endpoints that revision 2025-03-26 falls back to. */
async function addLegacyStep(
  examination: Examination,
  { issuer, traces }: Look,
  target: () => Promise<AuthorizationTarget>,
): Promise<AuthorizationTarget | undefined> {
  const { context, report, signal } = examination
  for (const { url, received } of traces) report.add({ step: STEP, url, received })
  const endpoint = `${issuer}/authorize`
  const status = await context
    .request({ step: 'fallback endpoints', method: 'GET', url: endpoint, ...(signal && { signal }) })
    .then(
      answer => answer.status,
      (error: unknown) => (error instanceof OAuthError && error.code === 'redirect_refused' ? 302 : 0),
    )
  signal?.throwIfAborted()
  // A site that answers everything with its page answers this, too.
  const isCatchAll = status === 200 && traces.some(({ isPage }) => isPage)
  const isThere = !isCatchAll && ![0, 401, 404, 405, 410].includes(status)
  report.add(
    {
      step: 'fallback endpoints',
      url: displayUrl(endpoint),
      expected: 'an authorization endpoint, as in revision 2025-03-26',
      received: status === 0 ? 'no answer' : String(status),
    },
    isThere ? 'legacy_endpoints' : 'no_oauth_metadata',
  )
  return isThere ? target() : undefined
}

function nothingThere(issuer: string, traces: readonly DocumentTrace[]): OAuthError {
  return new OAuthError('discovery_failed', `No authorization server metadata was found for ${issuer}.`, {
    step: STEP,
    url: issuer,
    expected: MISSING,
    received: traces.map(({ url, received }) => `${url}: ${received}`).join('; '),
  })
}
