import { OAuthError } from '../errors.ts'
import { encodeBase64Url } from './base64url.ts'
import { digestOf } from './digest.ts'
import { displayText, displayUrl } from './display-text.ts'
import { providerHint } from './provider-hint.ts'
import { hasScope } from './scope.ts'
import { isSecureUrl, parseUrl } from './url.ts'

/** Cryptographically secure random bytes, `count` of them. */
export type RandomBytes = (count: number) => Uint8Array

/** 256 bits, for `state` and the code verifier alike. */
const SECRET_BYTES = 32

function randomText(randomBytes: RandomBytes): string {
  const bytes = randomBytes(SECRET_BYTES)
  if (bytes.length < SECRET_BYTES) {
    throw new OAuthError('configuration', `randomBytes gave ${bytes.length} bytes instead of ${SECRET_BYTES}.`, {
      step: 'authorization request',
    })
  }
  return encodeBase64Url(bytes)
}

/**
 * A fresh code verifier of 256 bits with its S256 challenge.
 *
 * @throws {OAuthError} `configuration` when `randomBytes` gives too few bytes
 * @see RFC 7636 §4
 */
export async function createPkce(
  randomBytes: RandomBytes,
): Promise<{ readonly verifier: string; readonly challenge: string }> {
  const verifier = randomText(randomBytes)
  return { verifier, challenge: await digestOf(verifier) }
}

/**
 * A fresh `state` of 256 bits.
 *
 * @throws {OAuthError} `configuration` when `randomBytes` gives too few bytes
 */
export function createState(randomBytes: RandomBytes): string {
  return randomText(randomBytes)
}

/** What an authorization request is made of. */
export interface AuthorizationRequest {
  readonly endpoint: string
  readonly clientId: string
  readonly redirectUri: string
  readonly state: string
  readonly codeChallenge: string
  readonly scope?: string
  readonly resource?: string
  /** Provider-specific parameters (`audience`, `access_type`, `prompt`); none of ours. */
  readonly extra?: Readonly<Record<string, string>>
}

/**
 * The URL to take the person to: code flow with PKCE S256. Every parameter is set, never appended, so that an endpoint
 * with a query of its own yields no duplicates. `offline_access` brings `prompt=consent` unless `extra` has a `prompt`.
 *
 * @throws {OAuthError} `url_refused` when the endpoint is neither https nor loopback http; `configuration` when `extra`
 * names a parameter that is ours
 * @see RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2
 */
export function buildAuthorizationUrl(input: AuthorizationRequest): URL {
  const url = parseUrl(input.endpoint)
  if (url === undefined || !isSecureUrl(url)) {
    throw new OAuthError('url_refused', `The authorization endpoint ${displayUrl(input.endpoint)} is refused.`, {
      step: 'authorization request',
      expected: 'an https URL, or http on a loopback host',
      received: displayUrl(input.endpoint),
    })
  }
  const own: Readonly<Record<string, string | undefined>> = {
    response_type: 'code',
    client_id: input.clientId,
    redirect_uri: input.redirectUri,
    state: input.state,
    code_challenge: input.codeChallenge,
    code_challenge_method: 'S256',
    scope: input.scope,
    resource: input.resource,
  }
  const clash = Object.keys(input.extra ?? {}).find(name => Object.hasOwn(own, name))
  if (clash !== undefined) {
    throw new OAuthError('configuration', `The authorization parameter ${clash} cannot be set by hand.`, {
      step: 'authorization request',
      received: clash,
      hint: 'Use the option made for it, or a per-issuer exception.',
    })
  }
  url.hash = ''
  const prompt = hasScope(input.scope, 'offline_access') ? { prompt: 'consent' } : {}
  for (const [name, value] of Object.entries({ ...own, ...prompt, ...input.extra })) {
    if (value === undefined) url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  }
  return url
}

/** What an authorization response is held against. */
export interface ExpectedAuthorization {
  /** The issuer recorded before the redirect. */
  readonly issuer: string
  /** The server says that it sends `iss` (RFC 9207 §3). */
  readonly issRequired: boolean
}

function invalid(
  message: string,
  detail: { readonly expected?: string; readonly received?: string; readonly hint?: string },
): OAuthError {
  return new OAuthError('authorization_response_invalid', message, { step: 'authorization response', ...detail })
}

/**
 * The code of an authorization response whose `state` was already found. `iss` is judged before anything else is looked
 * at, on error responses too: on a mismatch nothing the response says is shown.
 *
 * @throws {OAuthError} `authorization_response_invalid` on a duplicate parameter, a wrong or missing `iss`, or no code;
 * `authorization_refused` when the authorization server answered with an error
 * @see RFC 9207 §2.4, RFC 6749 §4.1.2
 */
export function validateAuthorizationResponse(
  parameters: URLSearchParams,
  expected: ExpectedAuthorization,
): { readonly code: string } {
  const names = [...parameters.keys()]
  if (new Set(names).size !== names.length) {
    throw invalid('The authorization response repeats a parameter (RFC 6749 §3.1).', {
      expected: 'every parameter once',
    })
  }
  const issuer = parameters.get('iss')
  if (issuer === null && expected.issRequired) {
    throw invalid(
      'The authorization response lacks iss, which this authorization server always sends (RFC 9207 §2.4).',
      {
        expected: displayText(expected.issuer),
        received: 'no iss',
      },
    )
  }
  if (issuer !== null && issuer !== expected.issuer) {
    throw invalid('The authorization response comes from another issuer than was asked (RFC 9207 §2.4).', {
      expected: displayText(expected.issuer),
      received: displayText(issuer),
      hint: 'Do not retry with the same link. If the provider is known to do this, it must correct its iss parameter.',
    })
  }
  const error = parameters.get('error')
  if (error !== null && error !== '') throw refused(error, parameters.get('error_description'))
  const code = parameters.get('code')
  if (code === null || code === '') {
    throw invalid('The authorization response has neither a code nor an error.', { expected: 'code' })
  }
  return { code }
}

function refused(error: string, description: string | null): OAuthError {
  const [code, text] = [displayText(error, 80), displayText(description ?? '')]
  const message = `The authorization server refused: ${text === '' ? code : `${text} (${code})`}`
  return new OAuthError('authorization_refused', message, {
    step: 'authorization response',
    oauthError: code,
    ...(text !== '' && { oauthErrorDescription: text }),
    ...providerHint(text),
  })
}

/** Compares two strings in a time that depends on their lengths only. */
export function constantTimeEqual(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    difference |= (a.charCodeAt(index) || 0) ^ (b.charCodeAt(index) || 0)
  }
  return difference === 0
}
