import { OAuthError, type OAuthErrorDetail } from '../errors.ts'
import type { ClientRegistration } from '../store/credential-store.ts'
import type { ClientAuthenticationMethod } from './client-authentication.ts'
import { displayText, displayUrl } from './display-text.ts'
import { isLoopbackHost } from './host-address.ts'
import { type DocumentAnswer, describeAnswer } from './http-answer.ts'
import { type JsonObject, parseJsonObject, stringListMember, stringMember } from './json-object.ts'
import { type RegistrationCredentials, registrationRejected } from './registration-rejection.ts'
import { isSecureUrl, parseUrl } from './url.ts'

const STEP = 'client registration'

/** What a client tells about itself; all of it is shown to people by authorization servers. */
export interface ClientDescription {
  readonly clientName: string
  readonly clientUri?: string
  readonly logoUri?: string
  readonly contacts?: readonly string[]
  readonly tosUri?: string
  readonly policyUri?: string
  readonly softwareId?: string
  readonly softwareVersion?: string
}

/** What a dynamic registration asks for. */
export interface RegistrationRequest extends ClientDescription {
  /** Empty for a grant that sends nobody to a page. */
  readonly redirectUris: readonly string[]
  /** The same resolved scope as the authorization request. */
  readonly scope?: string | undefined
  readonly grantTypes: readonly string[]
  readonly authMethod: ClientAuthenticationMethod
  /** A signed JWT in which somebody the server trusts vouches for the software (RFC 7591 §2.3). */
  readonly softwareStatement?: string | undefined
}

/** `native` when every redirect URI is on a loopback host or has a scheme of its own, else `web`. */
export function applicationType(redirectUris: readonly string[]): 'native' | 'web' {
  const native = redirectUris.every(uri => {
    const url = parseUrl(uri)
    return url !== undefined && (url.protocol === 'http:' ? isLoopbackHost(url.hostname) : url.protocol !== 'https:')
  })
  return native ? 'native' : 'web'
}

/** The members that describe the client, as wire names; what is absent or empty is left out. */
export function describingMembers(input: ClientDescription): Record<string, unknown> {
  const members = {
    client_name: input.clientName,
    client_uri: input.clientUri,
    logo_uri: input.logoUri,
    contacts: input.contacts,
    tos_uri: input.tosUri,
    policy_uri: input.policyUri,
    software_id: input.softwareId,
    software_version: input.softwareVersion,
  }
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value.length > 0))
}

/**
 * The body of a dynamic registration: registered members only, none of them null, never `resource` or `client_id`. Without
 * redirect URIs it has no such member, and an empty `response_types`: left out, it would mean `code`, which needs one.
 *
 * @see RFC 7591 §2, OpenID Connect Dynamic Client Registration §2 (`application_type`)
 */
export function registrationBody(input: RegistrationRequest): Record<string, unknown> {
  const responseTypes = input.grantTypes.includes('authorization_code') ? ['code'] : []
  const { redirectUris, scope, softwareStatement } = input
  return {
    ...(redirectUris.length > 0 && { redirect_uris: [...redirectUris] }),
    ...describingMembers(input),
    grant_types: [...input.grantTypes],
    response_types: responseTypes,
    token_endpoint_auth_method: input.authMethod,
    application_type: applicationType(redirectUris),
    ...(scope !== undefined && scope !== '' && { scope }),
    ...(softwareStatement !== undefined && { software_statement: softwareStatement }),
  }
}

const MINIMAL_MEMBERS = [
  'redirect_uris',
  'client_name',
  'grant_types',
  'response_types',
  'token_endpoint_auth_method',
  'scope',
  'software_statement',
]

/** The same registration with what the grant needs and nothing else, for one retry after a 400 (field R9). */
export function minimalRegistrationBody(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => MINIMAL_MEMBERS.includes(name)))
}

const NO_CREDENTIALS: RegistrationCredentials = { initialAccessToken: false, secrets: [] }

/**
 * Reads the answer to a dynamic registration. 200 and 201 succeed; the answer governs what `requested` asked for; null and
 * empty members are absent, and an `issuer` member means nothing.
 *
 * @throws {OAuthError} `registration_rejected` with status and the server's text; `registration_invalid` when the
 * answer cannot be used, as a secret method without a secret
 * @see RFC 7591 §3.2
 */
export function readRegistrationResponse(
  answer: DocumentAnswer,
  requested: Readonly<Record<string, unknown>>,
  credentials: RegistrationCredentials = NO_CREDENTIALS,
): ClientRegistration {
  const detail: OAuthErrorDetail = { step: STEP, url: displayUrl(answer.url), status: answer.status }
  if (answer.status !== 200 && answer.status !== 201) throw registrationRejected(answer, credentials)
  const object = parseJsonObject(answer.body)
  const clientId = object === undefined ? undefined : stringMember(object, 'client_id')
  if (object === undefined || clientId === undefined) {
    // RFC 7591 answers errors with 400, but some servers put them into a 200.
    if (object !== undefined && stringMember(object, 'error') !== undefined)
      throw registrationRejected(answer, credentials)
    throw invalid('has no client_id', describeAnswer(answer), detail)
  }
  const clientSecret = stringMember(object, 'client_secret')
  const tokenEndpointAuthMethod = registeredMethod(object, requested, clientSecret !== undefined, detail)
  const secretExpiresAt = readExpiry(object['client_secret_expires_at'])
  const redirectUris = registeredRedirectUris(object, requested)
  const managementUrl = managementUri(object)
  const managementToken = stringMember(object, 'registration_access_token')
  return {
    kind: 'dynamic',
    clientId,
    ...(clientSecret !== undefined && { clientSecret }),
    ...(clientSecret !== undefined && secretExpiresAt !== undefined && { clientSecretExpiresAt: secretExpiresAt }),
    tokenEndpointAuthMethod,
    ...(redirectUris !== undefined && { redirectUris }),
    ...(managementUrl !== undefined && { registrationClientUri: managementUrl }),
    ...(managementUrl !== undefined && managementToken !== undefined && { registrationAccessToken: managementToken }),
  }
}

function invalid(problem: string, received: string, detail: OAuthErrorDetail): OAuthError {
  return new OAuthError('registration_invalid', `The answer to the registration at ${detail.url ?? ''} ${problem}.`, {
    ...detail,
    received,
    hint: 'Use a pre-registered client (client id), and tell the provider.',
  })
}

/** The method of the answer; where it names none, the requested one as far as it fits, else the default of RFC 7591 §2. */
function registeredMethod(
  object: JsonObject,
  requested: Readonly<Record<string, unknown>>,
  hasSecret: boolean,
  detail: OAuthErrorDetail,
): ClientAuthenticationMethod {
  const answered = stringMember(object, 'token_endpoint_auth_method')
  const asked = requested['token_endpoint_auth_method'] ?? 'none'
  const inherited = asked === 'none' && hasSecret ? 'client_secret_basic' : asked
  const method = answered ?? inherited
  if (method !== 'none' && method !== 'client_secret_basic' && method !== 'client_secret_post') {
    throw invalid('names an authentication method that is not supported', displayText(method, 80), detail)
  }
  if (method !== 'none' && !hasSecret) {
    throw invalid(`names the method ${method} but brings no client_secret`, method, detail)
  }
  return method
}

/** `client_secret_expires_at` in milliseconds; 0 means never. */
function readExpiry(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d+$/u.test(value) ? Number(value) : value
  if (typeof seconds !== 'number' || !(seconds > 0) || seconds > Number.MAX_SAFE_INTEGER / 1000) return undefined
  return seconds * 1000
}

function registeredRedirectUris(
  object: JsonObject,
  requested: Readonly<Record<string, unknown>>,
): readonly string[] | undefined {
  const asked = stringListMember(requested, 'redirect_uris') ?? []
  const answered = stringListMember(object, 'redirect_uris') ?? []
  // A server that rewrites what it was given (dropping the port, say) still expects the URI that was sent.
  const governs = answered.length > 0 && asked.every(uri => answered.includes(uri))
  const uris = governs ? answered : asked
  return uris.length === 0 ? undefined : uris
}

function managementUri(object: JsonObject): string | undefined {
  const uri = stringMember(object, 'registration_client_uri')
  const url = uri === undefined ? undefined : parseUrl(uri)
  return url !== undefined && isSecureUrl(url) ? uri : undefined
}
