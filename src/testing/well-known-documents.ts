import { endpointOf, type Machine, ownResource } from './authorization-state.ts'
import { htmlPage } from './faults.ts'
import type { ServerMetadataDocument } from './misbehaviours.ts'
import type { StepVariant } from './recording.ts'

const RESOURCE = '/.well-known/oauth-protected-resource'
const OAUTH = '/.well-known/oauth-authorization-server'
const OIDC = '/.well-known/openid-configuration'

/** The URL of protected resource metadata that only a challenge names. */
const NAMED = '/metadata/resource'

/** A request for a well-known document, told apart. */
export type WellKnown =
  | { readonly step: 'resource-metadata'; readonly variant: StepVariant }
  | {
      readonly step: 'server-metadata'
      readonly variant: StepVariant
      readonly issuer: string
      readonly document: ServerMetadataDocument
    }

/** Where the protected resource metadata is published now, for the challenge. */
export function resourceMetadataUrl(machine: Machine): string | undefined {
  const { origin, pathname } = new URL(machine.mcpUrl)
  switch (machine.switches().resourceMetadataAt) {
    case 'path':
      return `${origin}${RESOURCE}${pathname === '/' ? '' : pathname}`
    case 'root':
      return `${origin}${RESOURCE}`
    case 'named':
      return `${origin}${NAMED}`
    case 'nowhere':
  }
  return undefined
}

/** Recognizes a well-known URL of the resource or of one of the issuers. */
export function findWellKnown(machine: Machine, url: URL): WellKnown | undefined {
  const resource = new URL(machine.mcpUrl)
  const here = `${url.origin}${url.pathname}`
  if (url.origin === resource.origin) {
    const variant = resourceVariant(url.pathname, resource.pathname)
    if (variant) return { step: 'resource-metadata', variant }
  }
  for (const issuer of machine.issuers) {
    for (const document of ['oauth', 'oidc', 'oidc-append'] as const) {
      if (serverMetadataUrl(issuer, document) === here)
        return { step: 'server-metadata', variant: `server-metadata:${document}`, issuer, document }
    }
  }
  if (url.pathname.startsWith(OAUTH))
    return { step: 'server-metadata', variant: 'server-metadata:oauth', issuer: '', document: 'oauth' }
  if (url.pathname.startsWith(OIDC))
    return { step: 'server-metadata', variant: 'server-metadata:oidc', issuer: '', document: 'oidc' }
  if (url.pathname.endsWith(OIDC))
    return { step: 'server-metadata', variant: 'server-metadata:oidc-append', issuer: '', document: 'oidc-append' }
  return undefined
}

/** Serves what `found` asks for, as the switches have it. */
export function serveWellKnown(machine: Machine, found: WellKnown): Response {
  return found.step === 'resource-metadata'
    ? serveResourceMetadata(machine, found.variant)
    : serveServerMetadata(machine, found.issuer, found.document)
}

/** What is answered where nothing is. */
export function unknownPage(machine: Machine): Response {
  return machine.switches().unknownPages === 'html'
    ? htmlPage('<!doctype html><title>App</title><div id="root"></div>', 200)
    : new Response('Not Found', { status: 404, headers: { 'content-type': 'text/plain' } })
}

function resourceVariant(pathname: string, mcpPath: string): StepVariant | undefined {
  if (pathname === NAMED) return 'resource-metadata:named'
  if (pathname === RESOURCE) return mcpPath === '/' ? 'resource-metadata:path' : 'resource-metadata:root'
  return pathname.startsWith(`${RESOURCE}/`) ? 'resource-metadata:path' : undefined
}

function serveResourceMetadata(machine: Machine, variant: StepVariant): Response {
  const { resourceMetadataAt, resourceMetadataBody, authorizationServers, resourceScopes } = machine.switches()
  if (variant !== `resource-metadata:${resourceMetadataAt}`) return unknownPage(machine)
  if (resourceMetadataBody === 'html') return htmlPage('<!doctype html><title>App</title>', 200)
  if (resourceMetadataBody === 'not-json')
    return new Response('{"resource":', { headers: { 'content-type': 'application/json' } })
  if (resourceMetadataBody === 'empty-object') return Response.json({})
  if (resourceMetadataBody === 'wrong-types')
    return Response.json({ resource: 7, authorization_servers: 'https://auth.example' })
  return Response.json({
    resource: ownResource(machine),
    authorization_servers: authorizationServers ?? machine.issuers.slice(0, 1),
    ...(resourceScopes && { scopes_supported: resourceScopes }),
    bearer_methods_supported: ['header'],
    resource_name: 'Misbehaving files',
  })
}

function serverMetadataUrl(issuer: string, document: ServerMetadataDocument): string {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  if (document === 'oauth') return `${origin}${OAUTH}${path}`
  return document === 'oidc' ? `${origin}${OIDC}${path}` : `${origin}${path}${OIDC}`
}

function serveServerMetadata(machine: Machine, issuer: string, document: ServerMetadataDocument): Response {
  const switches = machine.switches()
  // For an issuer without a path the two OIDC forms are one URL, recognized under its first name.
  const served =
    switches.serverMetadataAt.includes(document) ||
    (document === 'oidc' &&
      switches.serverMetadataAt.includes('oidc-append') &&
      issuer !== '' &&
      new URL(issuer).pathname === '/')
  if (!served || issuer === '') return unknownPage(machine)
  return Response.json({
    issuer: metadataIssuer(issuer, switches.metadataIssuer),
    authorization_endpoint: switches.authorizationEndpoint ?? endpointOf(issuer, '/authorize'),
    token_endpoint: switches.tokenEndpoint ?? endpointOf(issuer, '/token'),
    ...(switches.registrationOffered && {
      registration_endpoint: switches.registrationEndpoint ?? endpointOf(issuer, '/register'),
    }),
    ...(switches.revocationOffered && { revocation_endpoint: endpointOf(issuer, '/revoke') }),
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    ...(switches.serverScopes && { scopes_supported: switches.serverScopes }),
    ...(switches.advertisedMethods && {
      token_endpoint_auth_methods_supported: switches.advertisedMethods,
      revocation_endpoint_auth_methods_supported: switches.advertisedMethods,
    }),
    ...codeChallengeMethods(switches.pkceAdvertised, document),
    ...(switches.issAdvertised && { authorization_response_iss_parameter_supported: true }),
    ...(switches.clientIdMetadataDocumentSupported !== undefined && {
      client_id_metadata_document_supported: switches.clientIdMetadataDocumentSupported,
    }),
    'x-unknown-member': { kept: true },
  })
}

function metadataIssuer(issuer: string, how: 'identical' | 'other-slash' | { readonly value: string }): string {
  if (how === 'identical') return issuer
  if (how === 'other-slash') return issuer.endsWith('/') ? issuer.slice(0, -1) : `${issuer}/`
  return how.value
}

function codeChallengeMethods(
  where: 'everywhere' | 'nowhere' | 'oidc-only' | 'plain-only',
  document: ServerMetadataDocument,
): { code_challenge_methods_supported?: readonly string[] } {
  if (where === 'plain-only') return { code_challenge_methods_supported: ['plain'] }
  if (where === 'nowhere' || (where === 'oidc-only' && document === 'oauth')) return {}
  return { code_challenge_methods_supported: ['S256'] }
}
