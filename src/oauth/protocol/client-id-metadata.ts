import { OAuthError } from '../errors.ts'
import { displayUrl } from './display-text.ts'
import { holdsPrivateKey } from './json-web-key-set.ts'
import type { JsonObject } from './json-object.ts'
import { applicationType, type ClientDescription, describingMembers } from './registration.ts'
import { parseUrl } from './url.ts'

/**
 * Whether `value` may be the URL, and so the client id, of a client-id metadata document. Judged on the raw string, since
 * `URL` hides violations: https, a host, a path other than `/`, no userinfo, query or fragment (not even empty ones), no
 * `.` or `..` segment (`%2e` decoded). Never throws.
 *
 * @see draft-ietf-oauth-client-id-metadata-document §3
 */
export function isClientIdMetadataDocumentUrl(value: unknown): boolean {
  if (typeof value !== 'string') return false
  const match = /^https:\/\/[A-Za-z0-9._:[\]-]+(\/[^?#\\]+)$/u.exec(value)
  if (match === null) return false
  const segments = (match[1] ?? '').split('/').map(segment => segment.replace(/%2e/giu, '.'))
  if (segments.some(segment => segment === '.' || segment === '..')) return false
  const url = parseUrl(value)
  // URL drops tabs and line ends, reads \ as / and escapes what no URI may hold: such a string is not what is fetched.
  return url !== undefined && url.hostname !== '' && url.pathname === match[1]
}

/**
 * Checks {@link isClientIdMetadataDocumentUrl}.
 *
 * @throws {OAuthError} `client_metadata_url_invalid`
 */
export function assertClientIdMetadataDocumentUrl(value: string): void {
  if (isClientIdMetadataDocumentUrl(value)) return
  throw new OAuthError(
    'client_metadata_url_invalid',
    `${displayUrl(value)} cannot be the URL of a client-id metadata document.`,
    {
      step: 'client-id metadata document',
      expected: 'https, a path other than /, no query, fragment, user name or dot segments',
      received: displayUrl(value),
    },
  )
}

/** What a client-id metadata document says. */
export interface ClientIdMetadata extends ClientDescription {
  /** Where the document will be served; becomes its `client_id`. */
  readonly url: string
  readonly redirectUris: readonly string[]
  readonly grantTypes?: readonly string[]
  readonly scope?: string
  /** Where the client's public keys are; with it the client authenticates with `private_key_jwt`. */
  readonly jwksUri?: string
  /** The public keys themselves, as JWKs, instead of `jwksUri`. */
  readonly jwks?: readonly JsonObject[]
}

/**
 * The document to serve at `url`. Its authentication method is `none`, or `private_key_jwt` when there are keys; a shared
 * secret is impossible, since the document is public. `grantTypes` defaults to the code flow with refresh.
 *
 * @throws {OAuthError} `client_metadata_url_invalid`; `configuration` when there is no redirect URI, when keys are given in both ways,
 *   or when a key is not public
 * @see draft-ietf-oauth-client-id-metadata-document §4
 */
export function clientIdMetadataDocument(input: ClientIdMetadata): Record<string, unknown> {
  assertClientIdMetadataDocumentUrl(input.url)
  const { jwks, jwksUri } = input
  if (input.redirectUris.length === 0) {
    throw unusable('A client-id metadata document needs a redirect URI.', 'at least one redirect URI')
  }
  if (jwks !== undefined && jwksUri !== undefined) {
    throw unusable('A client-id metadata document holds its keys or says where they are.', 'jwks or jwksUri, not both')
  }
  if (jwks?.some(holdsPrivateKey) === true) {
    throw unusable('A client-id metadata document is public: a private key must not be in it.', 'public keys only')
  }
  return {
    client_id: input.url,
    ...describingMembers(input),
    redirect_uris: [...input.redirectUris],
    grant_types: [...(input.grantTypes ?? ['authorization_code', 'refresh_token'])],
    response_types: ['code'],
    token_endpoint_auth_method: jwks === undefined && jwksUri === undefined ? 'none' : 'private_key_jwt',
    ...(jwksUri !== undefined && { jwks_uri: jwksUri }),
    ...(jwks !== undefined && { jwks: { keys: [...jwks] } }),
    application_type: applicationType(input.redirectUris),
    ...(input.scope !== undefined && input.scope !== '' && { scope: input.scope }),
  }
}

function unusable(message: string, expected: string): OAuthError {
  return new OAuthError('configuration', message, { step: 'client-id metadata document', expected })
}
