import { displayText } from '../oauth/protocol/display-text.ts'
import { configurationError } from './configuration-error.ts'
import { googleVerifier } from './google-verifier.ts'
import type { VerifierWorld } from './guarded-request.ts'
import { jwtVerifier } from './jwt-verifier.ts'
import type { ProtectOptions } from './protect-options.ts'
import { PROVIDER_FACTS, type ProviderName } from './provider-facts.ts'

/** Options of `protect` that follow from the provider: `protect(server, { resource, ...okta({ … }) })`. */
export type ProviderOptions = Required<Pick<ProtectOptions, 'authorizationServers' | 'verify'>> &
  Pick<ProtectOptions, 'audience' | 'requestedScope'>

/** Asked of Entra ID. */
export interface EntraOptions extends VerifierWorld {
  /** The directory's id, a GUID: tokens of other tenants are refused. */
  readonly tenantId: string
  /** The application (client) id of the API's registration, whose manifest says `requestedAccessTokenVersion: 2`. */
  readonly clientId: string
  /** Before the scopes that clients ask for. Default `api://{clientId}`; Entra refuses a `resource` that is not this, so make it the server's URL. */
  readonly applicationIdUri?: string | undefined
}

/**
 * Microsoft Entra ID: `aud` is the id of the API's registration, scopes are asked for by their full name and granted by their short one.
 *
 * @throws {TokenError} `configuration`: a tenant that is none in particular
 */
export function entra({ tenantId, clientId, applicationIdUri, ...world }: EntraOptions): ProviderOptions {
  if (!/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/iu.test(tenantId)) {
    throw configurationError('The option tenantId is not the id of one tenant.', {
      expected: "the directory's GUID; `common` and `organizations` would let in every tenant there is",
      received: displayText(tenantId, 80),
    })
  }
  const prefix = applicationIdUri ?? `api://${clientId}`
  return {
    ...ofIssuer('entra', `https://login.microsoftonline.com/${tenantId}/v2.0`, world),
    audience: clientId,
    requestedScope: scope =>
      scope.includes('://') || OPENID_SCOPES.has(scope) ? scope : `${prefix.replace(/\/$/u, '')}/${scope}`,
  }
}

const OPENID_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email'])

/** Asked of Auth0. */
export interface Auth0Options extends VerifierWorld {
  /** Such as `tenant.eu.auth0.com`, or a domain of your own. */
  readonly domain: string
  /** The identifier of the API. Default: the resource, which needs the Resource Parameter Compatibility Profile. */
  readonly audience?: string | undefined
}

/** Auth0: the issuer ends in a slash. */
export function auth0({ domain, audience, ...world }: Auth0Options): ProviderOptions {
  return { ...ofIssuer('auth0', `https://${domain}/`, world), ...(audience !== undefined && { audience }) }
}

/** Asked of Okta. */
export interface OktaOptions extends VerifierWorld {
  /** Such as `company.okta.com`. */
  readonly domain: string
  /** Of a custom authorization server: the tokens of the organization's own are for Okta only. */
  readonly authorizationServerId: string
  /** The audience that is configured for that authorization server. */
  readonly audience: string
}

/** Okta: one audience for every token of a custom authorization server, so give this server one of its own. */
export function okta({ domain, authorizationServerId, audience, ...world }: OktaOptions): ProviderOptions {
  return { ...ofIssuer('okta', `https://${domain}/oauth2/${authorizationServerId}`, world), audience }
}

/** Asked of Keycloak. */
export interface KeycloakOptions extends VerifierWorld {
  /** The realm's URL, such as `https://sso.example.com/realms/company`. */
  readonly realmUrl: string
  /** What the audience mapper writes. Default: the resource. */
  readonly audience?: string | undefined
}

/** Keycloak: `aud` is what an audience mapper says. */
export function keycloak({ realmUrl, audience, ...world }: KeycloakOptions): ProviderOptions {
  return { ...ofIssuer('keycloak', realmUrl, world), ...(audience !== undefined && { audience }) }
}

/** Asked of Amazon Cognito. */
export interface CognitoOptions extends VerifierWorld {
  /** Such as `eu-central-1`. */
  readonly region: string
  /** Such as `eu-central-1_AbC123`. */
  readonly userPoolId: string
  /** App clients whose tokens are for this server, and for nothing else. At least one. */
  readonly clientIds: readonly string[]
}

/** Amazon Cognito: tokens have no audience, so the clients are listed that are for this server. */
export function cognito({ region, userPoolId, clientIds, ...world }: CognitoOptions): ProviderOptions {
  const issuer = `https://cognito-idp.${region}.amazonaws.com/${userPoolId}`
  return { ...ofIssuer('cognito', issuer, world), audience: clientIds }
}

/** Asked of Google. */
export interface GoogleOptions extends VerifierWorld {
  /** OAuth clients whose tokens are for this server. At least one. */
  readonly clientIds: readonly string[]
}

/** Google: tokens are opaque and name only the client; each is asked about once a minute at most. */
export function google({ clientIds, ...world }: GoogleOptions): ProviderOptions {
  return {
    authorizationServers: ['https://accounts.google.com'],
    verify: googleVerifier(world),
    audience: clientIds,
  }
}

/** Asked of WorkOS. */
export interface WorkosOptions extends VerifierWorld {
  /** The domain of AuthKit, such as `company.authkit.app`. */
  readonly domain: string
}

/** WorkOS AuthKit: `aud` is the resource, once it is listed among the resource indicators there. */
export function workos({ domain, ...world }: WorkosOptions): ProviderOptions {
  return ofIssuer('workos', `https://${domain}`, world)
}

function ofIssuer(provider: ProviderName, issuer: string, world: VerifierWorld): ProviderOptions {
  return {
    authorizationServers: [issuer],
    verify: jwtVerifier({ ...world, ...PROVIDER_FACTS[provider].jwt, issuer }),
  }
}
