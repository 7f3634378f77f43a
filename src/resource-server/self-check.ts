import { OAuthError } from '../oauth/errors.ts'
import type { OAuthRequest } from '../oauth/oauth-request.ts'
import { describeAnswer } from '../oauth/protocol/http-answer.ts'
import { parseJsonObject, stringListMember, stringMember } from '../oauth/protocol/json-object.ts'
import {
  type AuthorizationServerMetadata,
  readServerMetadata,
  serverMetadataUrls,
} from '../oauth/protocol/server-metadata.ts'
import { findAudienceProblems } from './audience-findings.ts'
import { createGuardedRequest, type VerifierWorld } from './guarded-request.ts'
import { type Protection, type ProtectOptions, readProtectOptions } from './protect-options.ts'
import type { ProtectionFinding } from './protection-finding.ts'

/** The world that a self-check works in. */
export interface SelfCheckOptions extends Pick<VerifierWorld, 'fetch' | 'timeoutMs'> {
  readonly signal?: AbortSignal | undefined
}

const MAX_BYTES = 262_144
/** More issuers than these are not looked at. */
const MAX_ISSUERS = 16

/**
 * Looks whether clients can log in to a server that is protected like this, and whether only tokens for it are accepted: resource and audience, the metadata
 * of each authorization server, and that this server's own metadata is found where clients look for it. Finds nothing where all is well.
 *
 * Run it when the server is up, as a client would see it. `protect` does the part about authorization servers by itself, once.
 *
 * @throws {TokenError} `configuration`, as `protect` does; the reason of `signal`
 */
export async function checkProtection(
  options: ProtectOptions,
  world: SelfCheckOptions = {},
): Promise<readonly ProtectionFinding[]> {
  const protection = readProtectOptions(options)
  const [servers, own] = await Promise.all([
    checkAuthorizationServers(protection, world),
    checkOwnMetadata(protection, world),
  ])
  return [...servers, ...own]
}

/** The part that needs no running server. */
export async function checkAuthorizationServers(
  protection: Protection,
  world: SelfCheckOptions,
): Promise<readonly ProtectionFinding[]> {
  const request = createGuardedRequest(world, MAX_BYTES)
  const issuers = protection.authorizationServers.slice(0, MAX_ISSUERS)
  const found = await Promise.all(issuers.map(issuer => checkIssuer(issuer, protection, { request, world })))
  return [...findAudienceProblems(protection), ...found.flat()]
}

async function checkIssuer(
  issuer: string,
  protection: Protection,
  { request, world }: { readonly request: OAuthRequest; readonly world: SelfCheckOptions },
): Promise<readonly ProtectionFinding[]> {
  let failure: OAuthError | undefined
  let seen = ''
  for (const url of serverMetadataUrls(issuer)) {
    try {
      const answer = await request({
        step: 'authorization server metadata',
        method: 'GET',
        url,
        headers: { accept: 'application/json' },
        ...(world.signal && { signal: world.signal }),
      })
      // Whether PKCE is advertised is a finding of its own: some issuers support it and do not say so.
      const verdict = readServerMetadata(answer, { issuer, requirePkce: false })
      if (verdict.kind === 'found') return judgeIssuer(verdict.metadata, protection)
      if (verdict.kind === 'absent') seen = verdict.why
      else failure ??= verdict.error
    } catch (error) {
      world.signal?.throwIfAborted()
      if (!(error instanceof OAuthError)) throw error
      failure ??= error
    }
  }
  return [issuerFinding(issuer, failure, seen)]
}

function issuerFinding(issuer: string, failure: OAuthError | undefined, seen: string): ProtectionFinding {
  const code = codeOf(failure)
  const { url, expected, received } = failure?.detail ?? {}
  return {
    code,
    severity: 'error',
    message: failure?.message ?? `The authorization server ${issuer} publishes no metadata.`,
    ...(url !== undefined && { url }),
    expected: expected ?? 'metadata at one of its well-known URLs (RFC 8414, OpenID Connect Discovery)',
    received: received ?? seen,
    hint:
      code === 'issuer_mismatch'
        ? 'Write the issuer in authorizationServers, and for the verifier, exactly as its own metadata does.'
        : 'Check the issuer, and that its metadata can be read from here and by clients.',
  }
}

function codeOf(failure: OAuthError | undefined): 'issuer_mismatch' | 'issuer_invalid' | 'issuer_unavailable' {
  if (failure?.code === 'issuer_mismatch' || failure?.code === 'issuer_trailing_slash') return 'issuer_mismatch'
  return failure?.code === 'server_metadata_invalid' || failure?.code === 'url_refused'
    ? 'issuer_invalid'
    : 'issuer_unavailable'
}

function judgeIssuer(
  { issuer, url, raw, ...metadata }: AuthorizationServerMetadata,
  { resource, scopesSupported, verify }: Protection,
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
  if (listed !== undefined && !listed.includes(resource.resource)) {
    add({
      code: 'resource_not_listed',
      severity: 'warning',
      message: `The authorization server ${issuer} lists the resources that it protects, and not this one.`,
      expected: resource.resource,
      received: listed.join(' ').slice(0, 300),
      hint: 'Register the resource there, spelled as it is here.',
    })
  }
  const missing = scopesSupported.filter(scope => metadata.scopesSupported?.includes(scope) === false)
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
  if (verify.dpop?.required && stringListMember(raw, 'dpop_signing_alg_values_supported') === undefined) {
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

/** Asks for the metadata where a client would. */
async function checkOwnMetadata(
  { resource }: Protection,
  world: SelfCheckOptions,
): Promise<readonly ProtectionFinding[]> {
  const { metadataUrl } = resource
  let received: string
  try {
    const answer = await createGuardedRequest(
      world,
      MAX_BYTES,
    )({
      step: 'protected resource metadata',
      method: 'GET',
      url: metadataUrl,
      headers: { accept: 'application/json' },
      ...(world.signal && { signal: world.signal }),
    })
    const document = answer.status === 200 ? parseJsonObject(answer.body) : undefined
    if (document?.['resource'] === resource.resource) return []
    received = document ? `metadata of ${stringMember(document, 'resource') ?? 'nothing'}` : describeAnswer(answer)
  } catch (error) {
    world.signal?.throwIfAborted()
    if (!(error instanceof OAuthError)) throw error
    received = error.message
  }
  return [
    {
      code: 'metadata_not_served',
      severity: 'error',
      message: `The metadata of this server is not found at ${metadataUrl}.`,
      url: metadataUrl,
      expected: `metadata whose resource is ${resource.resource}`,
      received,
      hint: 'Route /.well-known/oauth-protected-resource and everything below it to this server, without authentication in front.',
    },
  ]
}
