import { type ClientIdMetadataFinding, error, warning } from './client-id-metadata-finding.ts'
import { displayText } from './display-text.ts'
import { isLoopbackHost } from './host-address.ts'
import type { JsonObject } from './json-object.ts'
import { parseUrl } from './url.ts'

const ABOUT = 'redirect_uris'
/**
 * The loopback ports a document lists unless its author wants others. Below every system's range for outgoing connections and assigned to
 * nobody, so that they are usually free.
 */
export const DEFAULT_REDIRECT_PORTS: readonly number[] = Array.from({ length: 10 }, (_, index) => 29_310 + index)

const PORTS = `${DEFAULT_REDIRECT_PORTS[0]} to ${DEFAULT_REDIRECT_PORTS.at(-1)}`
const EXAMPLE = `http://127.0.0.1:${DEFAULT_REDIRECT_PORTS[0]}/callback`
/** So many findings about single URIs say enough. */
const MAX_SHOWN = 10

/** What is wrong with the redirect URIs of a client-id metadata document (field R13, R16). */
export function redirectUriFindings(document: JsonObject): readonly ClientIdMetadataFinding[] {
  const uris: unknown = document[ABOUT]
  if (!Array.isArray(uris) || uris.length === 0) {
    const what = uris === undefined ? 'redirect_uris is missing' : 'redirect_uris is no list with at least one URI'
    return [error(ABOUT, what, `"redirect_uris": ["${EXAMPLE}"]`)]
  }
  const items: readonly unknown[] = uris
  const findings = items.flatMap(uri => findingsOf(uri)).slice(0, MAX_SHOWN)
  const urls = items.flatMap(uri => (typeof uri === 'string' ? (parseUrl(uri) ?? []) : []))
  return [...findings, ...listFindings(items, urls)]
}

function findingsOf(uri: unknown): readonly ClientIdMetadataFinding[] {
  const shown = displayText(uri, 200)
  const url = typeof uri === 'string' ? parseUrl(uri) : undefined
  if (typeof uri !== 'string' || url === undefined) return [error(ABOUT, `${shown} is no URL`, EXAMPLE)]
  if (uri.includes('#')) return [error(ABOUT, `${shown} has a fragment (RFC 6749 §3.1.2)`, 'remove it')]
  if (url.username !== '' || url.password !== '') return [error(ABOUT, 'a redirect URI holds a user name', 'remove it')]
  if (uri.includes('*')) return [error(ABOUT, `${shown} holds a wildcard, which is taken literally`, 'list each URI')]
  if (url.protocol === 'https:') return []
  if (url.protocol !== 'http:') {
    if (/^(javascript|data|file|blob|vbscript|about|ftp|ws|wss):$/u.test(url.protocol)) {
      return [error(ABOUT, `${shown} has a scheme that no one may be sent to`, 'https, or http on 127.0.0.1')]
    }
    const message = `${shown} has a scheme of its own, which many authorization servers refuse`
    return [warning(ABOUT, message, `list http://127.0.0.1 with the ports ${PORTS}, too`)]
  }
  if (!isLoopbackHost(url.hostname)) {
    return [error(ABOUT, `${shown} is http and no loopback address`, 'https, or http on 127.0.0.1')]
  }
  // `URL` drops :80, which is as explicit as any other port.
  if (!/^http:\/\/[^/?]*:\d+([/?]|$)/iu.test(uri)) {
    const message = `${shown} names no port: many authorization servers compare exactly and refuse every port then`
    return [warning(ABOUT, message, `list each port the client listens on, such as ${PORTS}`)]
  }
  return url.port === '0' ? [error(ABOUT, `${shown}: nobody listens on port 0`, EXAMPLE)] : []
}

function listFindings(items: readonly unknown[], urls: readonly URL[]): readonly ClientIdMetadataFinding[] {
  const findings: ClientIdMetadataFinding[] = []
  if (new Set(items).size < items.length) findings.push(warning(ABOUT, 'a redirect URI is listed twice', 'remove one'))
  const loopback = urls.filter(url => url.protocol === 'http:' && isLoopbackHost(url.hostname))
  if (loopback.length === 0) return findings
  if (loopback.every(({ hostname }) => hostname.endsWith('localhost'))) {
    const message = 'localhost is the only loopback name, which may lead elsewhere or be refused (RFC 8252 §8.3)'
    findings.push(warning(ABOUT, message, 'list the same with 127.0.0.1'))
  }
  const ports = new Set(loopback.map(({ port }) => port))
  if (ports.size === 1 && !ports.has('')) {
    const message = 'only one loopback port is listed: while another program holds it nobody can log in'
    findings.push(warning(ABOUT, message, `list a few, such as ${PORTS}`))
  }
  return findings
}
