import { OAuthError } from '../errors.ts'
import { displayText, displayUrl } from './display-text.ts'
import { describeAnswer, type HttpAnswer } from './http-answer.ts'
import { parseJsonObject, stringMember } from './json-object.ts'

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
    const expiresIn = Number(object['expires_in'])
    return { kind: 'accepted', requestUri, expiresIn: Number.isFinite(expiresIn) ? expiresIn : 0 }
  }
  const error = stringMember(object, 'error')
  if (error !== undefined && answer.status >= 400 && answer.status < 500) {
    const [code, text] = [displayText(error, 80), displayText(stringMember(object, 'error_description') ?? '')]
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
  const received = describeAnswer(answer)
  const message = `The pushed authorization request endpoint ${detail.url} could not answer (${received}).`
  return { kind: 'unusable', error: new OAuthError('token_unavailable', message, { ...detail, received }) }
}

/** The authorization URL that refers to a pushed request. @see RFC 9126 §4 */
export function pushedAuthorizationUrl(endpoint: string, clientId: string, requestUri: string): URL {
  const url = new URL(endpoint)
  url.hash = ''
  url.searchParams.set('client_id', clientId)
  url.searchParams.set('request_uri', requestUri)
  return url
}
