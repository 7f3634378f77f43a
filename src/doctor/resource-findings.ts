import type { FindingDescription } from './finding.ts'

/** Found in the metadata of the MCP server (RFC 9728), or its absence. */
export type ResourceFindingCode =
  | 'no_oauth_metadata'
  | 'legacy_endpoints'
  | 'well_known_web_pages'
  | 'resource_metadata_unavailable'
  | 'resource_metadata_invalid'
  | 'resource_mismatch'
  | 'resource_scheme_mismatch'
  | 'resource_internal_address'
  | 'metadata_redirected'
  | 'metadata_url_refused'
  | 'private_address'

const USER_TELLS = 'Tell whoever runs the server; nothing here can be set to make up for it.'

export const RESOURCE_FINDINGS: Readonly<Record<ResourceFindingCode, FindingDescription>> = {
  no_oauth_metadata: {
    severity: 'error',
    concern: 'authorization',
    title: 'The server asks for authorization, but publishes no OAuth metadata',
    meaning: 'Neither protected resource metadata nor authorization server metadata is where it could be.',
    user: 'It probably wants an API key: `--header NAME=VARIABLE`.',
    operator: 'Publish protected resource metadata and name it in the challenge (RFC 9728).',
  },
  legacy_endpoints: {
    severity: 'warning',
    concern: 'authorization',
    title: 'The server publishes nothing; the endpoints of 2025-03-26 are assumed',
    meaning: 'Only /authorize, /token and /register at its origin are left to try.',
    user: 'Nothing: this client tries them.',
    operator: 'Publish protected resource metadata and authorization server metadata (RFC 9728, RFC 8414).',
  },
  well_known_web_pages: {
    severity: 'info',
    concern: 'authorization',
    title: 'Web pages answer at well-known URLs',
    meaning: 'A catch-all route answers with HTML where metadata could be; some clients stumble over it.',
    user: 'Nothing: this client goes on to the next URL.',
    operator: 'Answer 404 below /.well-known/ where nothing is published.',
  },
  resource_metadata_unavailable: {
    severity: 'error',
    concern: 'connection',
    title: 'The protected resource metadata cannot be read now',
    meaning: 'Its URL cannot be reached, or answers with 5xx or 429.',
    user: 'Try again later.',
    operator: 'Serve the document from the same place as the MCP endpoint, without asking for a token.',
  },
  resource_metadata_invalid: {
    severity: 'error',
    concern: 'authorization',
    title: 'The protected resource metadata is not usable',
    meaning: 'The URL named in the challenge has no such document, or the document lacks what it must say.',
    user: USER_TELLS,
    operator: 'Serve JSON with `resource` (the URL of the MCP endpoint) and `authorization_servers` (https URLs).',
  },
  resource_mismatch: {
    severity: 'error',
    concern: 'authorization',
    title: 'The protected resource metadata is for another resource',
    meaning: 'Its `resource` is neither the URL of the server nor a parent of it on the same origin (RFC 9728 §3.3).',
    user: 'Use the URL that the document names, if that is the server you mean.',
    operator: 'Publish the URL that clients use as `resource`.',
  },
  resource_scheme_mismatch: {
    severity: 'error',
    concern: 'authorization',
    title: 'The protected resource metadata differs in scheme or port',
    meaning: 'The server sits behind a proxy that ends TLS, and builds its own URL from the inner request.',
    user: USER_TELLS,
    operator: 'Set the public URL of the server, or have the proxy send X-Forwarded-Proto and the server trust it.',
  },
  resource_internal_address: {
    severity: 'error',
    concern: 'authorization',
    title: 'The protected resource metadata names an internal address',
    meaning: 'The server publishes the address under which it knows itself, not the one under which it is reached.',
    user: USER_TELLS,
    operator: 'Set the public URL of the server.',
  },
  metadata_redirected: {
    severity: 'error',
    concern: 'authorization',
    title: 'A metadata document is behind a redirect',
    meaning: 'It leads off the origin, where somebody else could answer, and is not followed.',
    user: USER_TELLS,
    operator: 'Serve the document itself at its URL, to everybody.',
  },
  metadata_url_refused: {
    severity: 'error',
    concern: 'authorization',
    title: 'A metadata URL that the server names is refused',
    meaning: 'It is neither https nor http on a loopback host.',
    user: USER_TELLS,
    operator: 'Name https URLs.',
  },
  private_address: {
    severity: 'error',
    concern: 'authorization',
    title: 'A public server names an address in a private network',
    meaning: 'A server could otherwise have its clients call services inside the networks of their users.',
    user: 'If that authorization server is yours, add an exception with `allowPrivateAddress` for it.',
    operator: 'Name an authorization server that is reached from where the MCP server is.',
  },
}
