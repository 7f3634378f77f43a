import { OAuthError } from '../oauth/errors.ts'
import type { OAuthRequest } from '../oauth/oauth-request.ts'
import { describeAnswer } from '../oauth/protocol/http-answer.ts'
import { parseJsonObject, stringMember } from '../oauth/protocol/json-object.ts'
import { readServerMetadata, serverMetadataUrls } from '../oauth/protocol/server-metadata.ts'
import { findAudienceProblems } from './audience-findings.ts'
import { createGuardedRequest, type VerifierWorld } from './guarded-request.ts'
import { findIssuerProblems, type IssuerNeeds } from './issuer-findings.ts'
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
      if (verdict.kind === 'found') return findIssuerProblems(verdict.metadata, needsOf(protection))
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

function needsOf({ resource, scopesSupported, verify }: Protection): IssuerNeeds {
  return { resource: resource.resource, scopes: scopesSupported, dpop: verify.dpop?.required ?? false }
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
