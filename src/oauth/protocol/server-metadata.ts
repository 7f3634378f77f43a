import { OAuthError, type OAuthErrorCode, type OAuthErrorDetail } from '../errors.ts'
import { displayText, displayUrl } from './display-text.ts'
import { type DocumentAnswer, describeAnswer, isTransientStatus, retryAfter } from './http-answer.ts'
import { type JsonObject, parseJsonObject, stringListMember, stringMember } from './json-object.ts'
import { isSecureUrl, parseUrl } from './url.ts'

const STEP = 'authorization server metadata'

/** A validated authorization server metadata document (RFC 8414 or OpenID Connect Discovery). */
export interface AuthorizationServerMetadata {
  /** The exact string of the document. */
  readonly issuer: string
  readonly authorizationEndpoint?: string
  readonly tokenEndpoint: string
  readonly registrationEndpoint?: string
  readonly revocationEndpoint?: string
  readonly scopesSupported?: readonly string[]
  readonly codeChallengeMethodsSupported?: readonly string[]
  readonly tokenEndpointAuthMethodsSupported?: readonly string[]
  readonly revocationEndpointAuthMethodsSupported?: readonly string[]
  readonly grantTypesSupported?: readonly string[]
  /** Only JSON `true` counts (R-CIMD-1). */
  readonly clientIdMetadataDocumentSupported: boolean
  /** Only JSON `true` counts (RFC 9207 §3). */
  readonly authorizationResponseIssParameterSupported: boolean
  /** Where it was found. */
  readonly url: string
  /** The whole document, unknown members included. */
  readonly raw: JsonObject
}

/** What one answer says about authorization server metadata. */
export type ServerMetadataVerdict =
  | { readonly kind: 'found'; readonly metadata: AuthorizationServerMetadata }
  /** Not here: try the next candidate. */
  | { readonly kind: 'absent'; readonly why: string }
  /** Definite. With code `pkce_unsupported` the next candidate is tried first (R-ASM-5). */
  | { readonly kind: 'invalid'; readonly error: OAuthError }
  /** Says nothing now; it may pass. */
  | { readonly kind: 'unavailable'; readonly error: OAuthError }

/** What the document must satisfy. */
export interface ServerMetadataContext {
  /** The identifier that was used to find the document. */
  readonly issuer: string
  /** The exact other string that an exception for this issuer allows. */
  readonly trustedIssuer?: string
  /** The code flow is to be used: an authorization endpoint and S256 are needed. */
  readonly requirePkce: boolean
  /** An exception for this issuer asserts S256 when the document does not list methods at all. */
  readonly assumeS256?: boolean
}

/**
 * Where the metadata of an issuer may be, most specific first. The issuer's path is never shortened but for one trailing
 * slash; no other suffix exists (R-ASM-1).
 *
 * @throws {OAuthError} `server_metadata_invalid` when the issuer is not a URL
 * @see RFC 8414 §3.1
 * @see OpenID Connect Discovery §4
 */
export function serverMetadataUrls(issuer: string): readonly string[] {
  const url = parseUrl(issuer)
  if (url === undefined || url.host === '') {
    throw new OAuthError('server_metadata_invalid', `The issuer ${displayText(issuer)} is not a URL.`, {
      step: STEP,
      expected: 'an https URL',
      received: displayText(issuer),
    })
  }
  const path = url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname
  const [oauth, openid] = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']
  const inserted = [`${url.origin}${oauth}${path}`, `${url.origin}${openid}${path}`]
  return path === '' ? inserted : [...inserted, `${url.origin}${path}${openid}`]
}

/**
 * Judges one answer to a request for authorization server metadata by its shape, whichever well-known name served it.
 * The issuer is compared as a string with nothing normalized; endpoints must be https, or http on a loopback host.
 *
 * @see RFC 8414 §3.3
 */
export function readServerMetadata(answer: DocumentAnswer, context: ServerMetadataContext): ServerMetadataVerdict {
  const seen = describeAnswer(answer)
  const where = displayUrl(answer.url)
  const error = (code: OAuthErrorCode, message: string, detail: Partial<OAuthErrorDetail>): OAuthError =>
    new OAuthError(code, message, {
      step: STEP,
      url: where,
      status: answer.status,
      issuer: displayText(context.issuer),
      ...detail,
    })
  if (isTransientStatus(answer.status)) {
    const message = `The authorization server metadata at ${where} cannot be read now (${seen}); it may pass.`
    return {
      kind: 'unavailable',
      error: error('discovery_unavailable', message, { received: seen, ...retryAfter(answer) }),
    }
  }
  const raw = answer.status >= 200 && answer.status < 300 ? parseJsonObject(answer.body) : undefined
  if (raw === undefined) return { kind: 'absent', why: seen }

  const issuer = stringMember(raw, 'issuer')
  if (issuer === undefined) return { kind: 'absent', why: `${seen}, a JSON object without issuer` }
  if (issuer !== (context.trustedIssuer ?? context.issuer) && issuer !== context.issuer) {
    return { kind: 'invalid', error: issuerMismatch(issuer, context.issuer, where, error) }
  }
  const tokenEndpoint = stringMember(raw, 'token_endpoint')
  if (tokenEndpoint === undefined) return { kind: 'absent', why: `${seen}, a document without token_endpoint` }
  const insecure = insecureEndpoint(raw)
  if (insecure !== undefined) {
    const message = `The authorization server metadata at ${where} has an unusable ${insecure.name}.`
    const received = displayText(insecure.value)
    const expected = 'an https URL, or http on a loopback host'
    return { kind: 'invalid', error: error('url_refused', message, { expected, received }) }
  }
  if (context.requirePkce) {
    if (stringMember(raw, 'authorization_endpoint') === undefined) {
      return { kind: 'absent', why: `${seen}, a document without authorization_endpoint` }
    }
    const methods = stringListMember(raw, 'code_challenge_methods_supported')
    const assumed = context.assumeS256 === true && methods === undefined
    if (!assumed && methods?.includes('S256') !== true) {
      return { kind: 'invalid', error: pkceUnsupported(methods, where, error) }
    }
  }
  return { kind: 'found', metadata: toServerMetadata(raw, { issuer, tokenEndpoint, url: answer.url }) }
}

type MakeError = (code: OAuthErrorCode, message: string, detail: Partial<OAuthErrorDetail>) => OAuthError

function issuerMismatch(received: string, expected: string, where: string, error: MakeError): OAuthError {
  const slashOnly = received === `${expected}/` || expected === `${received}/`
  const values = { expected: displayText(expected), received: displayText(received) }
  const message = `The document at ${where} says issuer ${values.received}, but ${values.expected} was asked for`
  const exception = `Where the provider is known to do this, add an exception {issuer: "${values.expected}", trustedIssuer: "${values.received}"}.`
  return slashOnly
    ? error('issuer_trailing_slash', `${message}: they differ by one trailing slash (RFC 8414 §3.3).`, {
        ...values,
        hint: `The server's protected resource metadata and its authorization server must spell the issuer alike. ${exception}`,
      })
    : error('issuer_mismatch', `${message} (RFC 8414 §3.3).`, {
        ...values,
        hint: `The authorization server may be misconfigured, or someone is in between. ${exception}`,
      })
}

function pkceUnsupported(methods: readonly string[] | undefined, where: string, error: MakeError): OAuthError {
  const received = methods === undefined ? 'no list' : displayText(methods.join(' '))
  return error(
    'pkce_unsupported',
    `The authorization server at ${where} does not say that it supports PKCE with S256.`,
    {
      expected: 'code_challenge_methods_supported with S256',
      received,
      hint:
        methods === undefined
          ? 'If the provider is known to support S256 without saying so, add an exception with assumeS256 for this issuer.'
          : 'The authorization server must support S256.',
    },
  )
}

/** The first endpoint of the document that is present and may not be used (R-ASM-4). */
function insecureEndpoint(raw: JsonObject): { readonly name: string; readonly value: unknown } | undefined {
  const names = Object.keys(raw).filter(name => name.endsWith('_endpoint'))
  const bad = names.find(name => {
    const value = raw[name]
    if (value === null || value === '') return false
    const url = typeof value === 'string' ? parseUrl(value) : undefined
    return url === undefined || !isSecureUrl(url) || url.username !== '' || url.password !== ''
  })
  return bad === undefined ? undefined : { name: bad, value: raw[bad] }
}

function toServerMetadata(
  raw: JsonObject,
  known: { readonly issuer: string; readonly tokenEndpoint: string; readonly url: string },
): AuthorizationServerMetadata {
  const authorizationEndpoint = stringMember(raw, 'authorization_endpoint')
  const registrationEndpoint = stringMember(raw, 'registration_endpoint')
  const revocationEndpoint = stringMember(raw, 'revocation_endpoint')
  const scopesSupported = stringListMember(raw, 'scopes_supported')
  const codeChallengeMethodsSupported = stringListMember(raw, 'code_challenge_methods_supported')
  const tokenEndpointAuthMethodsSupported = stringListMember(raw, 'token_endpoint_auth_methods_supported')
  const revocationEndpointAuthMethodsSupported = stringListMember(raw, 'revocation_endpoint_auth_methods_supported')
  const grantTypesSupported = stringListMember(raw, 'grant_types_supported')
  return {
    ...known,
    ...(authorizationEndpoint !== undefined && { authorizationEndpoint }),
    ...(registrationEndpoint !== undefined && { registrationEndpoint }),
    ...(revocationEndpoint !== undefined && { revocationEndpoint }),
    ...(scopesSupported !== undefined && { scopesSupported }),
    ...(codeChallengeMethodsSupported !== undefined && { codeChallengeMethodsSupported }),
    ...(tokenEndpointAuthMethodsSupported !== undefined && { tokenEndpointAuthMethodsSupported }),
    ...(revocationEndpointAuthMethodsSupported !== undefined && { revocationEndpointAuthMethodsSupported }),
    ...(grantTypesSupported !== undefined && { grantTypesSupported }),
    clientIdMetadataDocumentSupported: raw['client_id_metadata_document_supported'] === true,
    authorizationResponseIssParameterSupported: raw['authorization_response_iss_parameter_supported'] === true,
    raw,
  }
}

/**
 * The endpoints of a 2025-03-26 server that publishes no metadata at all: `/authorize`, `/token` and `/register` at its
 * origin. Only to be used on definitive absence (R-PRM-6).
 */
export function legacyServerMetadata(origin: string): AuthorizationServerMetadata {
  const base = new URL(origin).origin
  return {
    issuer: base,
    authorizationEndpoint: `${base}/authorize`,
    tokenEndpoint: `${base}/token`,
    registrationEndpoint: `${base}/register`,
    codeChallengeMethodsSupported: ['S256'],
    clientIdMetadataDocumentSupported: false,
    authorizationResponseIssParameterSupported: false,
    url: base,
    raw: {},
  }
}
