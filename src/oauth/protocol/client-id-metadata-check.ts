import { isClientIdMetadataDocumentUrl } from './client-id-metadata.ts'
import { type ClientIdMetadataFinding, error, warning } from './client-id-metadata-finding.ts'
import { memberFindings } from './client-id-metadata-members.ts'
import { displayText, displayUrl } from './display-text.ts'
import { addressScope } from './host-address.ts'
import { type DocumentAnswer, describeAnswer } from './http-answer.ts'
import { type JsonObject, parseJsonObject } from './json-object.ts'
import { keySetFault } from './json-web-key-set.ts'
import { parseUrl } from './url.ts'

/** Authorization servers are advised to read no more than this, and some stop there. */
const MAX_BYTES = 5_120

/** A client-id metadata document as an authorization server would get it. */
export interface ClientIdMetadataSource {
  readonly body: string
  /** Where it is, or will be, served. Default: what its own `client_id` says. */
  readonly url?: string
  /** The answer it came in, redirects not followed; absent for a document that is not served yet. */
  readonly answer?: Omit<DocumentAnswer, 'body' | 'url'>
  /** What `jwks_uri` answered, redirects not followed; absent when nobody asked. */
  readonly keySet?: Omit<DocumentAnswer, 'url'> | 'unreachable'
}

/**
 * Everything an authorization server may refuse a client-id metadata document for, errors first: its URL (R-CIMD-2), the answer (status,
 * redirect, content type, size, caching), `client_id`, secrets, authentication method and keys, redirect URIs, and the members people see. An empty
 * list means that nothing was found. Pure; never throws.
 *
 * @see draft-ietf-oauth-client-id-metadata-document §3, §4, §6; RFC 7591 §2; MCP authorization (2026-07-28), client registration
 */
export function checkClientIdMetadataDocument(source: ClientIdMetadataSource): readonly ClientIdMetadataFinding[] {
  const { url, answer, body } = source
  const findings = url === undefined ? [] : [...urlFindings(url, 'url')]
  const html = isHtml(source)
  if (answer !== undefined) findings.push(...answerFindings(answer, html))
  const redirected = answer !== undefined && answer.status >= 300 && answer.status < 400
  // Of an answer that is no document, one finding is enough.
  if (!redirected && !(answer !== undefined && html)) findings.push(...bodyFindings(body, url))
  if (source.keySet !== undefined) findings.push(...keySetFindings(source.keySet))
  return findings.sort((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'))
}

function bodyFindings(body: string, url: string | undefined): readonly ClientIdMetadataFinding[] {
  const document = parseJsonObject(body)
  const size = new TextEncoder().encode(body).byteLength
  const findings: ClientIdMetadataFinding[] = []
  if (size > MAX_BYTES) {
    const message = `the document has more than ${MAX_BYTES} bytes; many authorization servers stop reading there`
    findings.push(error('document', message, 'shorten it: name images and key sets by URL'))
  }
  if (document === undefined) {
    findings.push(error('document', 'the document is no JSON object', 'latchkey cimd create prints a complete one'))
    return findings
  }
  if (body.startsWith('\uFEFF')) {
    findings.push(warning('document', 'the document begins with a byte order mark', 'save it as UTF-8 without one'))
  }
  findings.push(...clientIdFindings(document, url), ...memberFindings(document))
  return findings
}

/** The keys are fetched like the document, and a private one is as public there. */
function keySetFindings(answer: NonNullable<ClientIdMetadataSource['keySet']>): readonly ClientIdMetadataFinding[] {
  const about = 'jwks_uri'
  if (answer === 'unreachable') return [error(about, 'jwks_uri cannot be reached', 'serve the key set there')]
  if (answer.status !== 200) {
    const received = displayText(describeAnswer({ ...answer, url: '' }))
    return [error(about, `jwks_uri answers ${received}, no key set`, 'serve the key set at this very URL')]
  }
  const fault = keySetFault(parseJsonObject(answer.body))
  if (fault === undefined) return []
  const hint = fault.secret ? 'publish public keys only, and replace this key' : '{"keys": [a public JWK]}'
  return [error(about, `at jwks_uri, ${fault.message}`, hint)]
}

/** The client id is the URL, character by character (field R14). */
function clientIdFindings(document: JsonObject, url: string | undefined): readonly ClientIdMetadataFinding[] {
  const clientId = document['client_id']
  if (clientId === undefined) {
    return [
      error(
        'client_id',
        'client_id is missing',
        `"client_id": ${displayText(JSON.stringify(url ?? 'the URL of the document'))}`,
      ),
    ]
  }
  if (typeof clientId !== 'string') return [error('client_id', 'client_id is no text', 'write the URL of the document')]
  if (url === undefined) return urlFindings(clientId, 'client_id')
  if (clientId === url) return []
  const message = `client_id is ${displayText(clientId)} but the document is at ${displayText(url)}`
  const slash = clientId === `${url}/` || url === `${clientId}/`
  const why = slash ? 'they differ by a slash' : 'they are compared character by character'
  return [error('client_id', message, `write exactly the URL: ${why}`)]
}

function urlFindings(url: string, about: string): readonly ClientIdMetadataFinding[] {
  const findings: ClientIdMetadataFinding[] = []
  if (!isClientIdMetadataDocumentUrl(url)) {
    const message = `${displayUrl(url)} cannot be a client id`
    const rule = 'it takes https, a path other than /, and no query, fragment, user name or dot segments'
    findings.push(error(about, message, rule))
  }
  const host = parseUrl(url)?.hostname ?? ''
  const scope = addressScope(host)
  if (scope !== 'name' && scope !== 'public' && host !== '') {
    const message = `${displayText(host)} is in a private network, where public authorization servers do not fetch`
    findings.push(warning(about, message, 'host the document where the authorization server can reach it'))
  }
  return findings
}

function isHtml({ body, answer }: ClientIdMetadataSource): boolean {
  return /^\s*</u.test(body) || /^\s*(text\/html|application\/xhtml)/iu.test(answer?.contentType ?? '')
}

/** What the HTTP answer itself is wrong in. */
function answerFindings(
  answer: Omit<DocumentAnswer, 'body' | 'url'>,
  html: boolean,
): readonly ClientIdMetadataFinding[] {
  const { status, contentType, headers } = answer
  const received = displayText(describeAnswer({ ...answer, body: '', url: '' }))
  if (status >= 300 && status < 400) {
    const target = headers?.get('location')
    const where = typeof target === 'string' ? ` to ${displayUrl(target)}` : ''
    const message = `the URL redirects${where} (${status}); authorization servers follow no redirect`
    return [error('answer', message, 'serve the document at this very URL, or use the final URL as client id')]
  }
  if (html) {
    // Field R15: a page for browsers, of a wall against bots or of an application that answers everything.
    const message = `a web page was answered (${received}), no document`
    const hint = 'host it on a plain CDN or static host, and exempt its path from bot rules, login and catch-all pages'
    return [error('answer', message, hint)]
  }
  const findings: ClientIdMetadataFinding[] = []
  if (status !== 200) {
    const message = `the answer is ${received}; authorization servers accept 200 only`
    const hint =
      status === 401 || status === 403 || status === 429
        ? 'serve it without login, and exempt its path from bot rules and rate limits'
        : 'serve the document at this URL'
    findings.push(error('answer', message, hint))
  }
  if (!/^application\/([a-z0-9.!#$&^_-]+\+)?json\s*(;|$)/iu.test(contentType ?? '')) {
    findings.push(error('answer', `the content type is not JSON (${received})`, 'Content-Type: application/json'))
  }
  const caching = headers?.get('cache-control') ?? ''
  if (!/max-age=[1-9]/u.test(caching) || /no-store|no-cache/u.test(caching)) {
    const message = 'the answer may not be cached, so every login depends on your host being up'
    findings.push(warning('answer', message, 'Cache-Control: max-age=3600'))
  }
  return findings
}
