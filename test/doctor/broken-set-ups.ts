import type { MisbehavingServerOptions } from '../../src/testing/misbehaving-server.ts'
import type { FindingCode } from '../../src/doctor/finding.ts'

/** A set-up, the one error that is to be found in it, and the exit code of the command line. */
type SetUp = readonly [name: string, switches: MisbehavingServerOptions, error: FindingCode, exitCode: number]

/** What is wrong with authorization at one place each, for the library in memory and for the command line over sockets. */
export const BROKEN_SET_UPS: readonly SetUp[] = [
  ['field D11: metadata of another resource', { resource: 'https://other.example/mcp' }, 'resource_mismatch', 4],
  [
    'field D6: HTML at the URL that the challenge names',
    { resourceMetadataBody: 'html' },
    'resource_metadata_invalid',
    4,
  ],
  [
    'broken JSON at the URL that the challenge names',
    { resourceMetadataBody: 'not-json' },
    'resource_metadata_invalid',
    4,
  ],
  [
    'field D8: the metadata of the resource cannot be read now',
    { faults: { 'resource-metadata': { kind: 'status', status: 503 } } },
    'resource_metadata_unavailable',
    5,
  ],
  [
    'the metadata of the resource is behind a redirect',
    { faults: { 'resource-metadata': { kind: 'redirect', to: 'https://login.example/' } } },
    'metadata_redirected',
    4,
  ],
  [
    'the challenge names a URL that is not https',
    { challengeMetadataUrl: 'http://metadata.example/resource' },
    'metadata_url_refused',
    4,
  ],
  ['field D4: another issuer', { metadataIssuer: { value: 'https://evil.example' } }, 'issuer_mismatch', 4],
  ['field D5: a slash makes another issuer', { metadataIssuer: 'other-slash' }, 'issuer_trailing_slash', 4],
  ['field D14: no metadata of the authorization server', { serverMetadataAt: [] }, 'server_metadata_missing', 4],
  [
    'field D6: HTML in place of the metadata of the authorization server',
    { serverMetadataAt: [], unknownPages: 'html' },
    'server_metadata_missing',
    4,
  ],
  [
    'field D8: the authorization server is overloaded',
    { faults: { 'server-metadata': { kind: 'status', status: 503 } } },
    'authorization_server_unavailable',
    5,
  ],
  ['field D15: PKCE is not advertised', { pkceAdvertised: 'nowhere' }, 'pkce_not_advertised', 4],
  ['field D15: PKCE without S256', { pkceAdvertised: 'plain-only' }, 'pkce_s256_missing', 4],
  ['a token endpoint over http', { tokenEndpoint: 'http://auth.example/token' }, 'insecure_endpoint', 4],
  [
    'field A20: an authorization endpoint that is no URL to visit',
    { authorizationEndpoint: 'javascript:alert(1)' },
    'insecure_endpoint',
    4,
  ],
  ['field R1: clients cannot register', { registrationOffered: false }, 'registration_required', 4],
]
