import { OAuthError } from '../errors.ts'
import { displayUrl } from './display-text.ts'
import { isSecureUrl, parseUrl } from './url.ts'

function refuse(url: string | URL, problem: string): never {
  throw new OAuthError('configuration', `The server URL ${displayUrl(url)} ${problem}.`, {
    step: 'server URL',
    url: displayUrl(url),
    expected: 'an http or https URL such as https://mcp.example.com/mcp',
  })
}

/** Whether the text itself, not `URL`, put a slash behind the host. */
function wroteSlash(text: string): boolean {
  const stripped = text.replace(/[\t\n\r]/gu, '').trim()
  return /^[a-z][a-z0-9+.-]*:[/\\]*[^/\\?#]+[/\\]/iu.test(stripped)
}

/**
 * The server's URL as it names credential records and, with no metadata, the resource: scheme and host in lower case, no
 * default port, no fragment, and no slash behind the host that the user did not write. A `URL` cannot tell whether the
 * slash was written, so its lone slash is dropped. Path and query are kept.
 *
 * @throws {OAuthError} `configuration` when it is not an http(s) URL or carries userinfo
 */
export function normalizeServerUrl(url: string | URL): string {
  const text = String(url)
  const parsed = parseUrl(text)
  if (parsed === undefined) return refuse(url, 'is not a URL')
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return refuse(url, 'is neither http nor https')
  if (parsed.username !== '' || parsed.password !== '') return refuse(url, 'carries a user name or password')
  parsed.hash = ''
  const keepsSlash = parsed.pathname !== '/' || (typeof url === 'string' && wroteSlash(url))
  return keepsSlash ? parsed.href : `${parsed.origin}${parsed.search}`
}

/** `path` is `base` or lies below it on a segment boundary. */
function isWithinPath(path: string, base: string): boolean {
  const trimmed = base.endsWith('/') ? base.slice(0, -1) : base
  return path === trimmed || path.startsWith(`${trimmed}/`)
}

/**
 * A server that decodes `%2F` or `%5C` early, or drops what follows a `;` in a segment as servlet containers do, would see `..` step out
 * of the path that `URL` could not normalize.
 */
function hidesDotSegment(path: string): boolean {
  if (!/%2f|%5c|%25|%3b|;/iu.test(path)) return false
  let decoded = path
  for (let round = 0; round < 3; round++) {
    decoded = decoded.replace(/%(25|2e|2f|5c|3b)/giu, (_, code: string) => String.fromCharCode(parseInt(code, 16)))
  }
  return decoded.split(/[/\\]/u).some(segment => /^\.{1,2}(;|$)/u.test(segment))
}

/**
 * Whether a request to `requestUrl` is one to the server, and so may carry its token: https or loopback http, the same
 * origin, and the server's path or below it on a segment boundary. Queries do not matter; a path that hides a `..` behind
 * percent-encoding is outside.
 */
export function isWithinServer(requestUrl: URL, serverUrl: string): boolean {
  const server = parseUrl(serverUrl)
  if (server === undefined || !isSecureUrl(requestUrl) || requestUrl.origin !== server.origin) return false
  if (requestUrl.username !== '' || requestUrl.password !== '') return false
  return isWithinPath(requestUrl.pathname, server.pathname) && !hidesDotSegment(requestUrl.pathname)
}

/** Whether `server` lies within `resource`: the same origin, and a path prefix on a segment boundary (R-PRM-3). */
export function isWithinResource(server: URL, resource: URL): boolean {
  return server.origin === resource.origin && isWithinPath(server.pathname, resource.pathname)
}
