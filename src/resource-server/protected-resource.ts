import { displayUrl } from '../oauth/protocol/display-text.ts'
import { isSecureUrl, parseUrl } from '../oauth/protocol/url.ts'
import { configurationError } from './configuration-error.ts'

/** Where protected resource metadata is found (RFC 9728 §3). */
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** What follows from the one URL by which clients know the server. Nothing is ever taken from a request. */
export interface ProtectedResource {
  /** As it was given: what the metadata says and tokens name. */
  readonly resource: string
  /** The path that the server answers at. */
  readonly path: string
  /** Origin and path, for proofs of possession. */
  readonly target: string
  /** For challenges. */
  readonly metadataUrl: string
  /** Paths that the metadata is served at: with the server's path behind the well-known name, and at the root. */
  readonly metadataPaths: readonly string[]
  /** Names by which the server is reached, with the port and without. */
  readonly hosts: readonly string[]
  /** What a token for this resource names when it names the resource: the URL, and for one without a path also the other way to write it. */
  readonly audience: readonly string[]
}

/**
 * Reads the resource's URL.
 *
 * @throws {TokenError} `configuration`: not https (or http on a loopback host), or with user name, password or fragment
 * @see RFC 9728 §1.2, RFC 8707 §2
 */
export function parseProtectedResource(resource: string): ProtectedResource {
  const url = typeof resource === 'string' ? parseUrl(resource) : undefined
  if (!url || !isSecureUrl(url) || url.username !== '' || url.password !== '' || resource.includes('#')) {
    throw configurationError('The option resource is not the URL of a protected server.', {
      expected:
        'the public https URL of the MCP endpoint (http only on a loopback host), without user name and fragment',
      received: displayUrl(resource),
    })
  }
  const { origin, pathname, search, host, hostname } = url
  const inserted = `${WELL_KNOWN}${pathname === '/' ? '' : pathname}`
  return {
    resource,
    path: pathname,
    target: `${origin}${pathname}`,
    metadataUrl: `${origin}${inserted}${search}`,
    metadataPaths: [...new Set([inserted, WELL_KNOWN])],
    hosts: [...new Set([host, hostname])],
    // Clients that put the URL through a parser ask for a slash that its operator did not write: the same URL (RFC 3986 §6.2.3).
    audience: pathname === '/' && search === '' ? [...new Set([resource, origin, `${origin}/`])] : [resource],
  }
}
