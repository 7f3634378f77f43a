import { OAuthError } from '../errors.ts'
import { displayText, displayUrl } from './display-text.ts'
import { describeAnswer, type HttpAnswer, isTransientStatus, retryAfter } from './http-answer.ts'
import { parseJsonObject, stringMember } from './json-object.ts'
import { isSecureUrl, parseUrl } from './url.ts'

const STEP = 'device authorization'

export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

/** Seconds between two polls when the server names none (RFC 8628 §3.2). */
const DEFAULT_INTERVAL_S = 5
/** What a server may at most make a device wait between two polls, in seconds. */
const LONGEST_INTERVAL_S = 300
/** For an `expires_in` that is missing or no number, in seconds. */
const DEFAULT_LIFETIME_S = 600

/** A device login that waits for its person (RFC 8628 §3.2). */
export interface DeviceAuthorization {
  readonly deviceCode: string
  /** What the person types. */
  readonly userCode: string
  /** Where the person types it. */
  readonly verificationUri: string
  /** The same with the code in it, for a link or a QR code. */
  readonly verificationUriComplete?: string
  /** Seconds from now. */
  readonly expiresIn: number
  /** Seconds between two polls. */
  readonly interval: number
}

/** The form that begins a device login. @see RFC 8628 §3.1, RFC 8707 §2 */
export function deviceAuthorizationForm(input: {
  readonly scope?: string | undefined
  readonly resource?: string | undefined
  readonly extra?: Readonly<Record<string, string>> | undefined
}): URLSearchParams {
  const form = new URLSearchParams(input.extra)
  if (input.scope !== undefined) form.set('scope', input.scope)
  if (input.resource !== undefined) form.set('resource', input.resource)
  return form
}

/** The form of one poll. @see RFC 8628 §3.4 */
export function deviceCodeForm(input: {
  readonly deviceCode: string
  readonly resource?: string | undefined
  readonly extra?: Readonly<Record<string, string>> | undefined
}): URLSearchParams {
  const form = new URLSearchParams(input.extra)
  form.set('grant_type', DEVICE_CODE_GRANT)
  form.set('device_code', input.deviceCode)
  if (input.resource !== undefined) form.set('resource', input.resource)
  return form
}

/**
 * Reads the answer of the device authorization endpoint. `verification_url`, which some servers send, counts too.
 *
 * @throws {OAuthError} `token_unavailable` (retryable) on 5xx and 429, `token_refused` on an OAuth error, `token_response_invalid`
 * @see RFC 8628 §3.2
 */
export function readDeviceAuthorization(answer: HttpAnswer): DeviceAuthorization {
  const detail = { step: STEP, url: displayUrl(answer.url), status: answer.status }
  if (isTransientStatus(answer.status)) {
    throw new OAuthError('token_unavailable', `The device authorization endpoint ${detail.url} could not answer.`, {
      ...detail,
      received: describeAnswer(answer),
      ...retryAfter(answer),
    })
  }
  const object = parseJsonObject(answer.body) ?? {}
  const error = stringMember(object, 'error')
  if (error !== undefined) {
    const [code, text] = [displayText(error, 80), displayText(stringMember(object, 'error_description') ?? '')]
    throw new OAuthError('token_refused', `The device login was refused: ${text === '' ? code : `${text} (${code})`}`, {
      ...detail,
      oauthError: code,
      ...(text !== '' && { oauthErrorDescription: text }),
    })
  }
  const deviceCode = stringMember(object, 'device_code')
  const userCode = stringMember(object, 'user_code')
  const verificationUri = stringMember(object, 'verification_uri') ?? stringMember(object, 'verification_url')
  if (deviceCode === undefined || userCode === undefined || verificationUri === undefined) {
    throw invalid(detail, 'device_code, user_code and verification_uri', describeAnswer(answer))
  }
  const complete = stringMember(object, 'verification_uri_complete')
  for (const uri of [verificationUri, ...(complete === undefined ? [] : [complete])]) {
    const url = parseUrl(uri)
    // A person is sent there: the same rule as for an authorization endpoint (R-ASM-4).
    if (!url || !isSecureUrl(url)) throw invalid(detail, 'an https verification_uri', displayUrl(uri))
  }
  return {
    deviceCode,
    userCode: displayText(userCode, 64),
    verificationUri,
    ...(complete !== undefined && { verificationUriComplete: complete }),
    expiresIn: secondsOf(object['expires_in']) ?? DEFAULT_LIFETIME_S,
    interval: Math.min(secondsOf(object['interval']) ?? DEFAULT_INTERVAL_S, LONGEST_INTERVAL_S),
  }
}

function secondsOf(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d+$/u.test(value) ? Number(value) : value
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
}

function invalid(
  detail: { step: string; url: string; status: number },
  expected: string,
  received: string,
): OAuthError {
  const message = `The answer of the device authorization endpoint ${detail.url} cannot be used.`
  return new OAuthError('token_response_invalid', message, { ...detail, expected, received })
}
