import type { HttpRequest, HttpResponse } from '../http/server/http-message.ts'
import type { Protection, ProtectOptions } from './protect-options.ts'

/** Seconds for which clients and caches may keep the document. */
const MAX_AGE_SECONDS = 600

/**
 * Makes the protected resource metadata: what is configured, and nothing from a request.
 *
 * @see RFC 9728 §2
 */
export function buildMetadataDocument(
  { resource, authorizationServers, verify, scopesSupported }: Protection,
  options: Pick<ProtectOptions, 'resourceName' | 'resourceDocumentation' | 'requestedScope'>,
): Readonly<Record<string, unknown>> {
  const { resourceName, resourceDocumentation, requestedScope = scope => scope } = options
  const scopes = scopesSupported.map(scope => requestedScope(scope)).filter(scope => scope !== undefined)
  return {
    resource: resource.resource,
    authorization_servers: authorizationServers,
    // An empty list breaks clients, and is not the same as none (field S8).
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    ...(resourceName !== undefined && { resource_name: resourceName }),
    ...(resourceDocumentation !== undefined && { resource_documentation: resourceDocumentation }),
    ...(verify.dpop && { dpop_signing_alg_values_supported: verify.dpop.algorithms }),
    ...(verify.dpop?.required && { dpop_bound_access_tokens_required: true }),
  }
}

/**
 * Serves the document to everybody, pages of every origin included: it is public, and whoever reads it has no token yet. Undefined for requests that are
 * for something else.
 */
export function createMetadataRoute(
  paths: readonly string[],
  document: Readonly<Record<string, unknown>>,
): (request: HttpRequest) => HttpResponse | undefined {
  const known = new Set(paths.flatMap(path => [path, `${path}/`]))
  const body = JSON.stringify(document)
  const shared = { 'access-control-allow-origin': '*' }
  const methods = 'GET, HEAD, OPTIONS'
  return request => {
    const path = request.target.replace(/\?.*$/su, '')
    if (!known.has(path)) return undefined
    switch (request.method) {
      case 'GET':
      case 'HEAD': {
        const headers = {
          ...shared,
          'content-type': 'application/json',
          'cache-control': `public, max-age=${MAX_AGE_SECONDS}`,
        }
        return { status: 200, headers, ...(request.method === 'GET' && { body }) }
      }
      case 'OPTIONS':
        return {
          status: 204,
          headers: {
            ...shared,
            'access-control-allow-methods': methods,
            // Clients send the protocol's headers here too; there is nothing that a header could do.
            'access-control-allow-headers': '*',
            'access-control-max-age': '7200',
          },
        }
      default:
        return { status: 405, headers: { ...shared, allow: methods } }
    }
  }
}
