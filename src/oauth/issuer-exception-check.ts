import { OAuthError } from './errors.ts'
import type { IssuerException } from './issuer-exceptions.ts'
import { problemWithIssuerPattern } from './issuer-pattern.ts'
import { displayText } from './protocol/display-text.ts'
import { isJsonObject } from './protocol/json-object.ts'
import { isSecureUrl, parseUrl } from './protocol/url.ts'

/** What is wrong with a value, undefined for nothing. */
type Check = (value: unknown) => string | undefined

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''
const text: Check = value => (isText(value) ? undefined : 'it is no text')
const flag: Check = value => (typeof value === 'boolean' ? undefined : 'it is neither true nor false')
const day: Check = value =>
  typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/u.test(value) && !Number.isNaN(Date.parse(value))
    ? undefined
    : 'it is no day as YYYY-MM-DD'
const oneOf =
  (...values: readonly string[]): Check =>
  value =>
    values.some(each => each === value) ? undefined : `it is none of ${values.join(', ')}`
const url: Check = value => {
  const parsed = typeof value === 'string' ? parseUrl(value) : undefined
  return parsed && isSecureUrl(parsed) ? undefined : 'it is no https URL, nor http on loopback'
}
const object: Check = value => (isJsonObject(value) ? undefined : 'it is no object')
const parameters =
  (ours: readonly string[]): Check =>
  value => {
    if (!isJsonObject(value)) return 'it is no object'
    const [name] = Object.entries(value).find(([key, each]) => typeof each !== 'string' || ours.includes(key)) ?? []
    if (name === undefined) return undefined
    return ours.includes(name)
      ? `${displayText(name, 60)} cannot be set by hand`
      : `${displayText(name, 60)} is no text`
  }

const COMMON = ['client_id', 'redirect_uri', 'scope', 'resource']
/** Every member that an exception may have: one that is misspelt would silently not apply. */
const CHECKS: Readonly<Record<keyof IssuerException, Check>> = {
  issuer: value => (typeof value === 'string' ? problemWithIssuerPattern(value) : 'it is no text'),
  // Compared as a string and never used as a pattern, so anything may stand there: Entra's holds braces.
  trustedIssuer: text,
  assumeS256: flag,
  resource: text,
  authorizationParameters: parameters([...COMMON, 'response_type', 'state', 'code_challenge', 'code_challenge_method']),
  tokenParameters: parameters([...COMMON, 'grant_type', 'code', 'code_verifier', 'refresh_token', 'client_secret']),
  metadataUrl: url,
  metadata: object,
  authMethod: oneOf('none', 'client_secret_basic', 'client_secret_post'),
  allowPrivateAddress: flag,
  redirectHost: oneOf('localhost', '127.0.0.1'),
  reason: text,
  since: day,
}
const REQUIRED = ['issuer', 'reason', 'since'] as const

/**
 * Checks exceptions given by the user: rules are only relaxed by somebody who can say for whom, why and since when (R-EXC-1).
 *
 * @throws {OAuthError} `configuration`
 */
export function assertIssuerExceptions(exceptions: readonly IssuerException[]): void {
  for (const exception of exceptions) {
    const given: Readonly<Record<string, unknown>> = { ...exception }
    for (const name of REQUIRED) if (given[name] === undefined) throw refused(given, name, 'it is missing')
    for (const [name, value] of Object.entries(given)) {
      const check = isMember(name) ? CHECKS[name] : undefined
      const problem = check ? value !== undefined && check(value) : 'there is no such member'
      if (typeof problem === 'string') throw refused(given, name, problem)
    }
  }
}

const isMember = (name: string): name is keyof IssuerException => Object.hasOwn(CHECKS, name)

function refused(given: Readonly<Record<string, unknown>>, name: string, problem: string): OAuthError {
  const issuer = displayText(given['issuer'] ?? 'an unnamed issuer')
  const member = displayText(name, 60)
  return new OAuthError('configuration', `The exception for ${issuer} cannot be used: ${member}: ${problem}.`, {
    step: 'configuration',
    ...(given[name] !== undefined && { received: displayText(given[name]) }),
    hint: `Members of an exception: ${Object.keys(CHECKS).join(', ')}.`,
  })
}
