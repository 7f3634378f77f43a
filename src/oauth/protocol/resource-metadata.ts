import { OAuthError, type OAuthErrorCode, type OAuthErrorDetail } from '../errors.ts'
import { displayText, displayUrl } from './display-text.ts'
import { addressScope } from './host-address.ts'
import { type DocumentAnswer, describeAnswer, isTransientStatus, retryAfter } from './http-answer.ts'
import { type JsonObject, parseJsonObject, stringListMember, stringMember } from './json-object.ts'
import { isWithinResource, normalizeServerUrl } from './server-url.ts'
import { isSecureUrl, parseUrl } from './url.ts'

const STEP = 'protected resource metadata'
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** A validated RFC 9728 document. */
export interface ProtectedResourceMetadata {
  /** Verbatim, as every request must send it. */
  readonly resource: string
  /** Issuers, verbatim; at least one. Those that are neither https nor loopback http are left out. */
  readonly authorizationServers: readonly string[]
  readonly scopesSupported?: readonly string[]
  readonly resourceName?: string
  /** Where it was found. */
  readonly url: string
  readonly raw: JsonObject
}

/** What one answer says about protected resource metadata. */
export type ResourceMetadataVerdict =
  | { readonly kind: 'found'; readonly metadata: ProtectedResourceMetadata }
  /** Not here: try the next candidate. */
  | { readonly kind: 'absent'; readonly why: string }
  /** Discovery ends here with a definite error. */
  | { readonly kind: 'invalid'; readonly error: OAuthError }
  /** Says nothing now; it may pass. */
  | { readonly kind: 'unavailable'; readonly error: OAuthError }

/** How the document was looked for. */
export interface ResourceMetadataContext {
  /** The server named the URL in its challenge; anything but a valid document there is an error. */
  readonly named: boolean
  readonly serverUrl: string
}

/**
 * Where to look when the challenge names no URL: the well-known path in front of the server's path, then at the root.
 * The server URL's query is dropped (R-PRM-1).
 *
 * @throws {OAuthError} `configuration` when the server URL is none
 * @see RFC 9728 §3.1
 */
export function resourceMetadataUrls(serverUrl: string): readonly string[] {
  const { origin, pathname } = new URL(normalizeServerUrl(serverUrl))
  const root = `${origin}${WELL_KNOWN}`
  return pathname === '/' ? [root] : [`${root}${pathname}`, root]
}

function failure(
  code: OAuthErrorCode,
  message: string,
  answer: DocumentAnswer,
  detail: Partial<OAuthErrorDetail>,
): OAuthError {
  return new OAuthError(code, message, { step: STEP, url: displayUrl(answer.url), status: answer.status, ...detail })
}

/**
 * Judges one answer to a request for protected resource metadata. Guessed URLs may answer anything: 4xx, HTML and
 * unrelated JSON mean "not here". A document that has `resource` or `authorization_servers` must be right, and so must
 * any answer at a URL the server named.
 *
 * @see RFC 9728 §3.3
 */
export function readResourceMetadata(
  answer: DocumentAnswer,
  context: ResourceMetadataContext,
): ResourceMetadataVerdict {
  const seen = describeAnswer(answer)
  const where = displayUrl(answer.url)
  if (isTransientStatus(answer.status)) {
    const message = `The protected resource metadata at ${where} cannot be read now (${seen}); it may pass.`
    return {
      kind: 'unavailable',
      error: failure('discovery_unavailable', message, answer, { received: seen, ...retryAfter(answer) }),
    }
  }
  const raw = answer.status >= 200 && answer.status < 300 ? parseJsonObject(answer.body) : undefined
  if (raw !== undefined && (raw['resource'] != null || raw['authorization_servers'] != null)) {
    return readDocument(raw, answer, context)
  }
  const why = raw === undefined ? seen : `${seen}, a JSON object without resource and authorization_servers`
  if (!context.named) return { kind: 'absent', why }
  const error = failure(
    'resource_metadata_invalid',
    `The server names ${where} as its protected resource metadata, but there is none (${why}).`,
    answer,
    {
      expected: 'a JSON document with resource and authorization_servers',
      received: why,
      hint: 'The server must publish its metadata at the URL that its WWW-Authenticate header names.',
    },
  )
  return { kind: 'invalid', error }
}

function readDocument(
  raw: JsonObject,
  answer: DocumentAnswer,
  context: ResourceMetadataContext,
): ResourceMetadataVerdict {
  const where = displayUrl(answer.url)
  const invalid = (problem: string, expected: string, received: unknown): ResourceMetadataVerdict => ({
    kind: 'invalid',
    error: failure(
      'resource_metadata_invalid',
      `The protected resource metadata at ${where} is invalid: ${problem}.`,
      answer,
      { expected, received: displayText(received ?? 'nothing'), hint: 'The server must correct the document.' },
    ),
  })
  const resource = stringMember(raw, 'resource')
  const resourceUrl = resource === undefined ? undefined : parseUrl(resource)
  if (resource === undefined || resourceUrl === undefined || resource.includes('#')) {
    return invalid('resource is not an absolute URL without fragment', 'an absolute URL', raw['resource'])
  }
  const mismatch = resourceMismatch(resource, resourceUrl, answer, context)
  if (mismatch !== undefined) return { kind: 'invalid', error: mismatch }
  const listed = stringListMember(raw, 'authorization_servers')
  const authorizationServers = listed?.filter(issuer => {
    const url = parseUrl(issuer)
    return url !== undefined && isSecureUrl(url)
  })
  if (authorizationServers === undefined || authorizationServers.length === 0) {
    const problem = 'authorization_servers names no https (or loopback http) URL'
    return invalid(problem, 'a list of issuers with at least one https URL', raw['authorization_servers'])
  }
  const scopesSupported = stringListMember(raw, 'scopes_supported')
  const resourceName = stringMember(raw, 'resource_name')
  const metadata: ProtectedResourceMetadata = {
    resource,
    authorizationServers,
    ...(scopesSupported !== undefined && { scopesSupported }),
    ...(resourceName !== undefined && { resourceName }),
    url: answer.url,
    raw,
  }
  return { kind: 'found', metadata }
}

/** The error when `resource` does not cover the server, with a hint that says which side to fix. */
function resourceMismatch(
  resource: string,
  resourceUrl: URL,
  answer: DocumentAnswer,
  { serverUrl }: ResourceMetadataContext,
): OAuthError | undefined {
  const server = new URL(normalizeServerUrl(serverUrl))
  if (isWithinResource(server, resourceUrl)) return undefined
  const [expected, received] = [displayUrl(normalizeServerUrl(serverUrl)), displayText(resource)]
  return failure(
    'resource_mismatch',
    `The protected resource metadata at ${displayUrl(answer.url)} is for ${received}, not for ${expected}.`,
    answer,
    { expected: `${expected} or a parent path on its origin`, received, hint: mismatchHint(server, resourceUrl) },
  )
}

function mismatchHint(server: URL, resource: URL): string {
  const publish = `have the server publish "resource": "${displayUrl(server)}"`
  if (server.protocol !== resource.protocol && server.hostname === resource.hostname) {
    return `Only scheme or port differ: the server sits behind a proxy and builds its URL from the inner request. Set X-Forwarded-Proto or its public URL, or ${publish}.`
  }
  const inner = addressScope(resource.hostname)
  if ((inner === 'loopback' || inner === 'private') && addressScope(server.hostname) !== inner) {
    return `The server publishes an internal address: set its public URL, or ${publish}.`
  }
  if (server.origin === resource.origin) {
    return `Same origin, another path: connect to ${displayUrl(resource)} if that is the server you mean, or ${publish}.`
  }
  return `Another origin is never accepted: connect to ${displayUrl(resource)} if you trust it, or ${publish}.`
}

/**
 * The RFC 8707 `resource` to send: verbatim as published; with no document the server URL without fragment, query, and a
 * slash that the user did not write.
 *
 * @throws {OAuthError} `configuration` when there is no document and the server URL is none
 * @see RFC 8707 §2
 */
export function resourceIndicator(serverUrl: string, metadata: ProtectedResourceMetadata | undefined): string {
  return metadata?.resource ?? normalizeServerUrl(serverUrl).replace(/\?.*$/su, '')
}
