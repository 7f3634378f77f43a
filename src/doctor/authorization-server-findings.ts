import type { FindingDescription } from './finding.ts'

/** Found at the authorization server, before any client is known there. */
export type AuthorizationServerFindingCode =
  | 'authorization_server_unavailable'
  | 'authorization_server_not_named'
  | 'authorization_server_skipped'
  | 'server_metadata_missing'
  | 'issuer_mismatch'
  | 'issuer_trailing_slash'
  | 'insecure_endpoint'
  | 'pkce_not_advertised'
  | 'pkce_s256_missing'
  | 'iss_not_advertised'
  | 'refresh_not_advertised'
  | 'resource_not_listed'
  | 'grant_not_supported'
  | 'dpop_unavailable'
  | 'exception_in_force'

export const AUTHORIZATION_SERVER_FINDINGS: Readonly<Record<AuthorizationServerFindingCode, FindingDescription>> = {
  authorization_server_unavailable: {
    severity: 'error',
    concern: 'connection',
    title: 'The authorization server cannot be reached now',
    meaning: 'Its metadata cannot be read: no connection, 5xx or 429. The MCP server itself answers.',
    user: 'Try again later; check that VPN and proxy let this host through, too.',
    operator: 'See that the authorization server is up, and reached from where the clients are.',
  },
  authorization_server_not_named: {
    severity: 'error',
    concern: 'authorization',
    title: 'The server does not name the configured authorization server',
    meaning: 'This client is configured for one authorization server only, and the metadata names others.',
    user: 'Check the configuration of the client, and the URL of the server.',
    operator: 'Name the authorization server in `authorization_servers`.',
  },
  authorization_server_skipped: {
    severity: 'warning',
    concern: 'authorization',
    title: 'One of several authorization servers is not usable',
    meaning: 'The server names more than one, and another one works.',
    user: 'Nothing: this client uses the one that works.',
    operator: 'Repair it, or name it no more.',
  },
  server_metadata_missing: {
    severity: 'error',
    concern: 'authorization',
    title: 'The authorization server publishes no usable metadata',
    meaning: 'The MCP server names it, but no well-known URL has a complete OAuth or OpenID Connect document.',
    user: 'If you know its endpoints, add an exception with `metadataUrl` or `metadata` for this issuer.',
    operator:
      'Publish RFC 8414 metadata with issuer, authorization_endpoint and token_endpoint, and name the issuer exactly.',
  },
  issuer_mismatch: {
    severity: 'error',
    concern: 'authorization',
    title: 'The authorization server calls itself by another name',
    meaning:
      'The `issuer` of its metadata is not the URL for which it was fetched: misconfigured, or somebody in between.',
    user: 'Ask whoever runs the server. Where the provider is known to do this: an exception with `trustedIssuer`.',
    operator: 'Name the issuer in the protected resource metadata exactly as the authorization server writes it.',
  },
  issuer_trailing_slash: {
    severity: 'error',
    concern: 'authorization',
    title: 'Two spellings of the issuer differ by one trailing slash',
    meaning: 'Issuers are compared as strings (RFC 8414 §3.3); one slash makes another issuer.',
    user: 'Add an exception with `trustedIssuer` for this issuer, or wait until the server is corrected.',
    operator: 'Spell the issuer in `authorization_servers` as the authorization server does, slash or no slash.',
  },
  insecure_endpoint: {
    severity: 'error',
    concern: 'authorization',
    title: 'An endpoint of the authorization server is not https',
    meaning: 'Codes and tokens would travel in the clear, or the URL is none at all.',
    user: 'Tell whoever runs the authorization server; there is no exception for this.',
    operator: 'Publish https endpoints: behind a proxy, set the public URL of the authorization server.',
  },
  pkce_not_advertised: {
    severity: 'error',
    concern: 'authorization',
    title: 'The authorization server does not say that it supports PKCE',
    meaning: '`code_challenge_methods_supported` is missing, and MCP clients must refuse then.',
    user: 'If the provider is known to support S256: an exception with `assumeS256` for this issuer.',
    operator: 'Publish `"code_challenge_methods_supported": ["S256"]`.',
  },
  pkce_s256_missing: {
    severity: 'error',
    concern: 'authorization',
    title: 'The authorization server does not support PKCE with S256',
    meaning: 'It lists its methods, and S256 is not among them; `plain` protects nothing.',
    user: 'Tell whoever runs the authorization server; there is no exception for this.',
    operator: 'Support S256.',
  },
  iss_not_advertised: {
    severity: 'info',
    concern: 'authorization',
    title: 'Authorization responses need not name their issuer',
    meaning: 'Without `iss` (RFC 9207) a client of many authorization servers is easier to mix up.',
    user: 'Nothing.',
    operator: 'Send `iss`, and publish `authorization_response_iss_parameter_supported`.',
  },
  resource_not_listed: {
    severity: 'warning',
    concern: 'authorization',
    title: 'The authorization server does not list this resource',
    meaning:
      'Its metadata says which resources it protects (`protected_resources`, RFC 9728 §4), and this one is not among them.',
    user: 'Nothing, unless the login is refused.',
    operator: 'Register the resource at the authorization server, spelled exactly as the MCP server publishes it.',
  },
  refresh_not_advertised: {
    severity: 'info',
    concern: 'authorization',
    title: 'The authorization server lists no refresh tokens',
    meaning: 'A login may last only as long as one access token.',
    user: 'Expect to log in again.',
    operator: 'Support the refresh_token grant, and list it in `grant_types_supported`.',
  },
  grant_not_supported: {
    severity: 'error',
    concern: 'authorization',
    title: 'The authorization server does not support the configured way to log in',
    meaning: 'Its metadata lists other grants, or lacks the endpoint that this one needs.',
    user: 'Log in another way: `latchkey login --grant …`.',
    operator: 'Support the grant, and list it in `grant_types_supported`.',
  },
  dpop_unavailable: {
    severity: 'error',
    concern: 'authorization',
    title: 'The server wants tokens bound to a key, and nobody issues them',
    meaning: 'It requires DPoP, but the authorization server lists no algorithm that all sides know (RFC 9449 §5.1).',
    user: 'Tell whoever runs the server.',
    operator: 'Have the authorization server support DPoP with ES256, or do not require it.',
  },
  exception_in_force: {
    severity: 'info',
    concern: 'authorization',
    title: 'A rule is relaxed for this issuer',
    meaning: 'An exception, built in or yours, makes up for how the provider is known to behave.',
    user: 'Nothing, if you know about it.',
    operator: 'Once the cause is corrected, say so.',
  },
}
