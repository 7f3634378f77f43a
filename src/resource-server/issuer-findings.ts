import { stringListMember, stringMember } from '../oauth/protocol/json-object.ts'
import type { AuthorizationServerMetadata } from '../oauth/protocol/server-metadata.ts'
import type { ProtectionFinding } from './protection-finding.ts'

/** What a protected resource needs of an authorization server. */
export interface IssuerNeeds {
  /** The resource, verbatim. */
  readonly resource: string
  /** Scopes that clients are told to ask for. */
  readonly scopes: readonly string[]
  /** Whether every token must be bound to a key. */
  readonly dpop: boolean
}

/** What the metadata of an authorization server says about clients of a resource that names it. */
export function findIssuerProblems(
  { issuer, url, raw, ...metadata }: AuthorizationServerMetadata,
  { resource, scopes, dpop }: IssuerNeeds,
): readonly ProtectionFinding[] {
  const findings: ProtectionFinding[] = []
  const add = (finding: Omit<ProtectionFinding, 'url'>): void => void findings.push({ ...finding, url })
  const methods = metadata.codeChallengeMethodsSupported
  if (methods?.includes('S256') !== true) {
    add({
      code: 'pkce_not_advertised',
      severity: 'warning',
      message: `The authorization server ${issuer} does not say that it supports PKCE with S256.`,
      expected: 'code_challenge_methods_supported with S256',
      received: methods?.join(' ') ?? 'no list',
      hint: 'Clients of MCP refuse such a server unless they know it; document the exception, or put a server in front that says so.',
    })
  }
  if (stringMember(raw, 'jwks_uri') === undefined) {
    add({
      code: 'no_keys',
      severity: 'info',
      message: `The authorization server ${issuer} publishes no keys.`,
      expected: 'jwks_uri',
      received: 'none',
      hint: 'Name jwksUri for jwtVerifier, or verify its tokens with introspectionVerifier.',
    })
  }
  const listed = stringListMember(raw, 'protected_resources')
  if (listed !== undefined && !listed.includes(resource)) {
    add({
      code: 'resource_not_listed',
      severity: 'warning',
      message: `The authorization server ${issuer} lists the resources that it protects, and not this one.`,
      expected: resource,
      received: listed.join(' ').slice(0, 300),
      hint: 'Register the resource there, spelled as it is here.',
    })
  }
  const missing = scopes.filter(scope => metadata.scopesSupported?.includes(scope) === false)
  if (missing.length > 0) {
    add({
      code: 'scope_not_offered',
      // Many list only what is their own, and not the scopes of resources.
      severity: 'info',
      message: `The authorization server ${issuer} lists its scopes, and not all that this server asks for.`,
      expected: missing.join(' '),
      received: metadata.scopesSupported?.join(' ').slice(0, 300) ?? 'none',
      hint: 'Define the scope there; an unknown one often fails the whole login. Some servers do not list the scopes of resources.',
    })
  }
  if (dpop && stringListMember(raw, 'dpop_signing_alg_values_supported') === undefined) {
    add({
      code: 'dpop_not_offered',
      severity: 'warning',
      message: `Tokens must be bound to a key, and the authorization server ${issuer} does not say that it binds any.`,
      expected: 'dpop_signing_alg_values_supported',
      received: 'none',
      hint: 'Do not require proofs of possession, or use an authorization server that issues bound tokens.',
    })
  }
  if (metadata.registrationEndpoint === undefined && !metadata.clientIdMetadataDocumentSupported) {
    add({
      code: 'clients_must_be_known',
      severity: 'info',
      message: `The authorization server ${issuer} takes neither client-id metadata documents nor registrations.`,
      expected: 'client_id_metadata_document_supported, or registration_endpoint',
      received: 'neither',
      hint: 'Register a client there, and tell the users of this server its id.',
    })
  }
  return findings
}
