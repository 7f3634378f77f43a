import { OAuthError, type OAuthErrorDetail } from '../errors.ts'
import { displayText, displayUrl } from './display-text.ts'
import { formOf } from './form.ts'
import { describeAnswer, type HttpAnswer, isTransientStatus, retryAfter } from './http-answer.ts'
import { isJsonObject, type JsonObject, parseJsonObject, stringMember } from './json-object.ts'
import { providerHint } from './provider-hint.ts'
import { redactSecrets } from './redaction.ts'

const STEP = 'token request'

/** A validated answer of the token endpoint. */
export interface TokenResponse {
  readonly accessToken: string
  readonly tokenType: 'Bearer' | 'DPoP'
  /** Seconds; 0 is expired, absent is unknown. */
  readonly expiresIn?: number
  readonly refreshToken?: string
  /** Absent means "as requested" in a login and "as before" in a refresh. */
  readonly scope?: string
  readonly idToken?: string
}

/** Parameters that all grants share. */
interface FormOptions {
  /** RFC 8707, verbatim; left out only where an exception says so. */
  readonly resource?: string | undefined
  /** Provider-specific parameters. Never override ours. */
  readonly extra?: Readonly<Record<string, string>> | undefined
}

/** What {@link authorizationCodeForm} is made of. */
export interface AuthorizationCodeRequest extends FormOptions {
  readonly code: string
  readonly codeVerifier: string
  readonly redirectUri: string
}

/** What {@link refreshForm} is made of. */
export interface RefreshRequest extends FormOptions {
  readonly refreshToken: string
  /** Only to narrow: a refresh cannot widen (RFC 6749 §6). */
  readonly scope?: string | undefined
}

/**
 * The form that redeems an authorization code. Client authentication is added by `applyClientAuthentication`.
 *
 * @see RFC 6749 §4.1.3, RFC 7636 §4.5, RFC 8707 §2.2
 */
export function authorizationCodeForm(input: AuthorizationCodeRequest): URLSearchParams {
  return formOf(
    {
      grant_type: 'authorization_code',
      code: input.code,
      code_verifier: input.codeVerifier,
      redirect_uri: input.redirectUri,
      resource: input.resource,
    },
    input.extra,
  )
}

/**
 * The form that redeems a refresh token.
 *
 * @see RFC 6749 §6, RFC 8707 §2.2
 */
export function refreshForm(input: RefreshRequest): URLSearchParams {
  return formOf(
    {
      grant_type: 'refresh_token',
      refresh_token: input.refreshToken,
      scope: input.scope,
      resource: input.resource,
    },
    input.extra,
  )
}

function looksLikeHtml(answer: HttpAnswer): boolean {
  return /\bhtml\b/iu.test(answer.contentType ?? '') || /^\s*</u.test(answer.body)
}

/** A form answer, recognised by a member that every form answer of a token endpoint has. */
function parseForm(body: string): JsonObject | undefined {
  const object = Object.fromEntries(new URLSearchParams(body.trim()))
  return 'access_token' in object || 'error' in object ? object : undefined
}

function parseBody(answer: HttpAnswer): JsonObject | undefined {
  const readers = [parseJsonObject, parseForm]
  if (/^application\/x-www-form-urlencoded\b/iu.test(answer.contentType ?? '')) readers.reverse()
  for (const read of readers) {
    const object = read(answer.body)
    if (object !== undefined) return object
  }
  return undefined
}

/** Errors that RFC 6749 has for "not now"; they say nothing about the grant. */
const PASSING_ERRORS: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable', 'slow_down'])

/** Whether an OAuth error means "not now". */
export function isPassingError(error: string): boolean {
  return PASSING_ERRORS.has(error)
}

/**
 * Reads an answer of the token endpoint: JSON or form, by content type and then by content. A 200 that carries `error` is
 * an error, null members are absent, and an `issuer` member means nothing.
 *
 * @param options `dpop`: a DPoP-bound token was asked for, and nothing less is accepted
 * @throws {OAuthError} `token_refused` with `detail.oauthError`; `token_unavailable` (retryable) on 5xx, 429, HTML, and
 * any failure without an OAuth error; `token_response_invalid` when a success cannot be used
 * @see RFC 6749 §5
 */
export function readTokenResponse(
  answer: HttpAnswer,
  options: TokenAnswerOptions & { readonly dpop?: boolean } = {},
): TokenResponse {
  const failure = readTokenError(answer, options)
  if (failure) throw failure
  const detail = detailOf(answer, options)
  const object = parseBody(answer)
  if (object === undefined)
    throw invalid('is neither JSON nor a form', showWith(answer, options)(describeAnswer(answer)), detail)
  return toTokenResponse(object, detail, { dpop: options.dpop === true, show: showWith(answer, options) })
}

/** What goes into reading an answer of a token endpoint. */
export interface TokenAnswerOptions {
  /** For a `Retry-After` date, in milliseconds since the epoch. */
  readonly now?: number
  /** What was sent and must not be shown, though the server repeats it. */
  readonly secrets?: readonly (string | undefined)[]
  /** The step in words, for errors. Default `token request`. */
  readonly step?: string
  /** What answered, in words. Default `token endpoint`. */
  readonly endpoint?: string
}

/**
 * What an answer of a token endpoint says is wrong; undefined for a success.
 *
 * @returns `token_refused` with `detail.oauthError`, or `token_unavailable` (retryable)
 */
export function readTokenError(answer: HttpAnswer, options: TokenAnswerOptions = {}): OAuthError | undefined {
  const { status } = answer
  const show = showWith(answer, options)
  const detail = detailOf(answer, options)
  const who = `The ${options.endpoint ?? 'token endpoint'} ${detail.url ?? ''}`
  const unavailable = (why: string): OAuthError => {
    const message = `${who} could not answer (${why}). Nothing is lost; try again later.`
    return new OAuthError('token_unavailable', message, {
      ...detail,
      received: why,
      ...retryAfter(answer, options.now),
    })
  }
  if (isTransientStatus(status)) return unavailable(show(describeAnswer(answer)))
  const object = parseBody(answer)
  const error = object === undefined ? undefined : stringMember(object, 'error')
  if (object !== undefined && error !== undefined) {
    return isPassingError(error) ? unavailable(error) : tokenRefused(who, { error, object, detail, show })
  }
  const succeeded = status >= 200 && status < 300
  if (!succeeded || (object === undefined && looksLikeHtml(answer)))
    return unavailable(describeFailure(answer, object, show))
  return undefined
}

function detailOf({ url, status }: HttpAnswer, { step = STEP }: TokenAnswerOptions): OAuthErrorDetail {
  return { step, url: displayUrl(url), status }
}

function showWith({ secrets: sent = [] }: HttpAnswer, { secrets = [] }: TokenAnswerOptions): Show {
  const all = [...secrets, ...sent]
  return (value, max) => displayText(redactSecrets(value, all), max)
}

/** Makes a server's text fit to be shown. */
type Show = (value: string, max?: number) => string

/** Status and content type, with the text of an `error` object as some gateways send it. */
function describeFailure(answer: HttpAnswer, object: JsonObject | undefined, show: Show): string {
  const error = object?.['error']
  const message = isJsonObject(error) ? stringMember(error, 'message') : undefined
  const described = show(describeAnswer(answer))
  return message === undefined ? described : `${described}: ${show(message)}`
}

interface Refusal {
  readonly error: string
  readonly object: JsonObject
  readonly detail: OAuthErrorDetail
  readonly show: Show
}

function tokenRefused(who: string, { error, object, detail, show }: Refusal): OAuthError {
  const [code, text] = [show(error, 80), show(stringMember(object, 'error_description') ?? '')]
  const message = `${who} refused: ${text === '' ? code : `${text} (${code})`}`
  return new OAuthError('token_refused', message, {
    ...detail,
    oauthError: code,
    ...(text !== '' && { oauthErrorDescription: text }),
    ...providerHint(text),
  })
}

function invalid(
  problem: string,
  received: string | undefined,
  detail: OAuthErrorDetail,
  expected?: string,
): OAuthError {
  const message = `The answer of the token endpoint ${detail.url ?? ''} ${problem}.`
  return new OAuthError('token_response_invalid', message, {
    ...detail,
    ...(received !== undefined && { received }),
    ...(expected !== undefined && { expected }),
  })
}

function toTokenResponse(
  object: JsonObject,
  detail: OAuthErrorDetail,
  { dpop, show }: { readonly dpop: boolean; readonly show: Show },
): TokenResponse {
  const accessToken = stringMember(object, 'access_token')
  if (accessToken === undefined) throw invalid('has no access_token', undefined, detail, 'access_token')
  // A token that cannot travel in a header would surface later, inside an error that quotes the header's value.
  if (!/^[\x21-\x7e]+$/u.test(accessToken)) {
    throw invalid('has an access_token with characters that no header can carry', undefined, detail)
  }
  const announced = stringMember(object, 'token_type') ?? 'Bearer'
  const tokenType = (['Bearer', 'DPoP'] as const).find(type => type.toLowerCase() === announced.toLowerCase())
  const wanted = dpop ? 'DPoP' : 'Bearer'
  if (tokenType !== wanted) {
    throw invalid(`has token type ${show(announced, 40)}`, show(announced, 40), detail, wanted)
  }
  const expiresIn = readExpiresIn(object['expires_in'])
  const refreshToken = stringMember(object, 'refresh_token')
  const scope = stringMember(object, 'scope')
  const idToken = stringMember(object, 'id_token')
  return {
    accessToken,
    tokenType,
    ...(expiresIn !== undefined && { expiresIn }),
    ...(refreshToken !== undefined && { refreshToken }),
    ...(scope !== undefined && { scope }),
    ...(idToken !== undefined && { idToken }),
  }
}

/** A hundred years: what claims to live longer is as good as unknown, and in milliseconds might be no date any more. */
const LONGEST_LIFE_S = 3_155_760_000

/** `expires_in` in seconds, as a number or its text; undefined for what says nothing (R-TOKEN-1). */
export function readExpiresIn(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/u.test(value) ? Number(value) : value
  return typeof seconds === 'number' && seconds >= 0 && seconds <= LONGEST_LIFE_S ? seconds : undefined
}
