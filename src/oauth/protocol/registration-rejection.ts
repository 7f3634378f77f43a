import { OAuthError } from '../errors.ts'
import { displayText, displayUrl } from './display-text.ts'
import { firewallOf } from './firewall-page.ts'
import { type DocumentAnswer, isTransientStatus, retryAfter } from './http-answer.ts'
import { parseJsonObject, stringMember } from './json-object.ts'
import { providerHint } from './provider-hint.ts'
import { redactSecrets } from './redaction.ts'

/** What else was sent with a registration. */
export interface RegistrationCredentials {
  /** An initial access token was sent as `Authorization` (RFC 7591 §3). */
  readonly initialAccessToken: boolean
  /** What must not be shown, should the server repeat it. */
  readonly secrets: readonly (string | undefined)[]
}

/** The error for a registration that was not accepted, with status and the server's text. */
export function registrationRejected(
  answer: DocumentAnswer,
  { initialAccessToken, secrets }: RegistrationCredentials,
): OAuthError {
  const url = displayUrl(answer.url)
  const body = redactSecrets(answer.body, secrets)
  const object = parseJsonObject(body)
  const code = object === undefined ? undefined : stringMember(object, 'error')
  const description =
    object === undefined ? undefined : (stringMember(object, 'error_description') ?? stringMember(object, 'message'))
  const markup = /\bhtml\b/iu.test(answer.contentType ?? '') || /^\s*</u.test(body)
  const firewall = firewallOf(answer)
  const page = firewall === undefined ? 'an HTML page' : `a firewall page answered: ${firewall}`
  const text = displayText(description ?? code ?? (markup ? page : body))
  const message = `The authorization server rejected the registration at ${url}: ${answer.status}${text === '' ? '' : ` ${text}`}`
  return new OAuthError('registration_rejected', message, {
    step: 'client registration',
    url,
    status: answer.status,
    ...(text !== '' && { received: text }),
    ...(code !== undefined && { oauthError: displayText(code, 80) }),
    ...(description !== undefined && { oauthErrorDescription: displayText(description) }),
    ...retryAfter(answer),
    hint:
      firewall === undefined
        ? (providerHint(text).hint ?? rejectionHint(answer.status, initialAccessToken))
        : 'Whoever runs the server must let this client through its firewall: by its User-Agent, or from this network.',
  })
}

function rejectionHint(status: number, initialAccessToken: boolean): string {
  if (isTransientStatus(status)) return 'It may pass: try again later.'
  if (initialAccessToken && (status === 401 || status === 403))
    return 'The initial access token that was sent may be wrong, expired or used up: get a new one from the provider.'
  const approved =
    'This provider may admit only approved clients: use a pre-registered client (client id), or its API key'
  return status === 401 ? `${approved}, or give the initial access token that it hands out.` : `${approved}.`
}
