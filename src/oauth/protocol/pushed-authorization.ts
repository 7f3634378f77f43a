import { OAuthError } from '../errors.ts'
import { displayText, displayUrl } from './display-text.ts'
import { describeAnswer, type HttpAnswer, isTransientStatus, retryAfter } from './http-answer.ts'
import { parseJsonObject, stringMember } from './json-object.ts'
import { redactSecrets } from './redaction.ts'
import { isPassingError, readExpiresIn } from './token.ts'

const STEP = 'pushed authorization request'

/** What the pushed authorization request endpoint said. */
export type PushedAuthorizationVerdict =
  | {
      readonly kind: 'accepted'
      readonly requestUri: string
      /** Seconds; 0 when the server does not say. */
      readonly expiresIn: number
    }
  /** A definite refusal, which the authorization endpoint would repeat. */
  | { readonly kind: 'refused'; readonly error: OAuthError }
  /** The endpoint does not work; where pushing is not required the request goes through the browser. */
  | { readonly kind: 'unusable'; readonly error: OAuthError }

/**
 * Judges the answer to a pushed authorization request.
 *
 * @see RFC 9126 §2.2, §2.3
 */
export function readPushedAuthorization(answer: HttpAnswer): PushedAuthorizationVerdict {
  const detail = { step: STEP, url: displayUrl(answer.url), status: answer.status }
  const object = parseJsonObject(answer.body) ?? {}
  const requestUri = stringMember(object, 'request_uri')
  if (answer.status >= 200 && answer.status < 300 && requestUri !== undefined) {
    return { kind: 'accepted', requestUri, expiresIn: readExpiresIn(object['expires_in']) ?? 0 }
  }
  const error = stringMember(object, 'error')
  const show = (value: string, max?: number): string => displayText(redactSecrets(value, answer.secrets ?? []), max)
  if (error !== undefined && isDefinite(answer.status, error)) {
    const [code, text] = [show(error, 80), show(stringMember(object, 'error_description') ?? '')]
    const message = `The authorization server refused: ${text === '' ? code : `${text} (${code})`}`
    return {
      kind: 'refused',
      error: new OAuthError('authorization_refused', message, {
        ...detail,
        oauthError: code,
        ...(text !== '' && { oauthErrorDescription: text }),
      }),
    }
  }
  const received = show(describeAnswer(answer))
  const message = `The pushed authorization request endpoint ${detail.url} could not answer (${received}).`
  const unusable = new OAuthError('token_unavailable', message, { ...detail, received, ...retryAfter(answer) })
  return { kind: 'unusable', error: unusable }
}

/** Whether the authorization endpoint would say the same; not of "too many requests" and "not now". */
function isDefinite(status: number, error: string): boolean {
  return status >= 400 && status < 500 && !isTransientStatus(status) && !isPassingError(error)
}

/** The authorization URL that refers to a pushed request. @see RFC 9126 §4 */
export function pushedAuthorizationUrl(endpoint: string, clientId: string, requestUri: string): URL {
  const url = new URL(endpoint)
  url.hash = ''
  url.searchParams.set('client_id', clientId)
  url.searchParams.set('request_uri', requestUri)
  return url
}
