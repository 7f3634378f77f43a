import { OAuthError } from '../errors.ts'
import { displayText, displayUrl } from './display-text.ts'
import { formOf } from './form.ts'
import { describeAnswer, type HttpAnswer } from './http-answer.ts'
import { parseJsonObject, stringMember } from './json-object.ts'
import { redactSecrets } from './redaction.ts'
import { readTokenError } from './token.ts'
import { isSecureUrl, parseUrl } from './url.ts'

const STEP = 'device authorization'

export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

/** Seconds between two polls when the server names none (RFC 8628 §3.2). */
const DEFAULT_INTERVAL_S = 5
/** What a server may make a device wait between two polls, in seconds. */
const SHORTEST_INTERVAL_S = 1
const LONGEST_INTERVAL_S = 300
/** For an `expires_in` that is missing or no number, in seconds. */
const DEFAULT_LIFETIME_S = 600
/** Nobody types a code after a day, and what is far longer is no date any more. */
const LONGEST_LIFETIME_S = 86_400

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
  return formOf({ scope: input.scope, resource: input.resource }, input.extra)
}

/** The form of one poll. @see RFC 8628 §3.4 */
export function deviceCodeForm(input: {
  readonly deviceCode: string
  readonly resource?: string | undefined
  readonly extra?: Readonly<Record<string, string>> | undefined
}): URLSearchParams {
  const { deviceCode, resource, extra } = input
  return formOf({ grant_type: DEVICE_CODE_GRANT, device_code: deviceCode, resource }, extra)
}

/**
 * Reads the answer of the device authorization endpoint. `verification_url`, which some servers send, counts too.
 *
 * @throws {OAuthError} `token_refused` with `detail.oauthError`, `token_unavailable` (retryable) as for a token, `token_response_invalid`
 * @see RFC 8628 §3.2
 */
export function readDeviceAuthorization(answer: HttpAnswer): DeviceAuthorization {
  const failure = readTokenError(answer, { step: STEP, endpoint: 'device authorization endpoint' })
  if (failure) throw failure
  const object = parseJsonObject(answer.body) ?? {}
  const deviceCode = stringMember(object, 'device_code')
  const userCode = stringMember(object, 'user_code')
  const verificationUri = stringMember(object, 'verification_uri') ?? stringMember(object, 'verification_url')
  if (deviceCode === undefined || userCode === undefined || verificationUri === undefined) {
    throw invalid(answer, 'device_code, user_code and verification_uri', describeAnswer(answer))
  }
  const readUri = (uri: string): string => {
    const readable = readVerificationUri(uri)
    if (readable !== undefined) return readable
    throw invalid(answer, 'an https verification_uri', redactSecrets(displayUrl(uri), [deviceCode]))
  }
  const complete = stringMember(object, 'verification_uri_complete')
  const interval = secondsOf(object['interval']) ?? DEFAULT_INTERVAL_S
  return {
    deviceCode,
    userCode: displayText(userCode, 64),
    verificationUri: readUri(verificationUri),
    ...(complete !== undefined && { verificationUriComplete: readUri(complete) }),
    expiresIn: Math.min(secondsOf(object['expires_in']) ?? DEFAULT_LIFETIME_S, LONGEST_LIFETIME_S),
    interval: Math.min(Math.max(interval, SHORTEST_INTERVAL_S), LONGEST_INTERVAL_S),
  }
}

/**
 * A person is sent there: the same rules as for an authorization endpoint (R-ASM-4). It is shown as the server writes it, unless there is
 * something in it that a terminal would obey or a person cannot read.
 */
function readVerificationUri(uri: string): string | undefined {
  const url = parseUrl(uri)
  if (!url || !isSecureUrl(url) || url.username !== '' || url.password !== '') return undefined
  return /^[\x21-\x7e]+$/u.test(uri) ? uri : url.href
}

function secondsOf(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d+$/u.test(value) ? Number(value) : value
  return typeof seconds === 'number' && seconds > 0 ? seconds : undefined
}

function invalid({ url, status, secrets = [] }: HttpAnswer, expected: string, received: string): OAuthError {
  const shown = displayUrl(url)
  const message = `The answer of the device authorization endpoint ${shown} cannot be used.`
  return new OAuthError('token_response_invalid', message, {
    step: STEP,
    url: shown,
    status,
    expected,
    received: redactSecrets(received, secrets),
  })
}
