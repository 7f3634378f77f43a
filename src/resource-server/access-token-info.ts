import type { JsonObject } from '../oauth/protocol/json-object.ts'
import type { AuthInfo } from '../server/auth-info.ts'
import type { OptionNames } from '../server/given-options.ts'
import { claimOf, refusedToken, timeOf } from './access-token-rules.ts'

/** Which claims say what. */
export interface ClaimNames {
  /** Default `sub`. */
  readonly subjectClaim?: string | undefined
  /** The first that is present counts. Default `client_id`, `azp`, `appid` (Entra ID), `cid` (Okta). */
  readonly clientIdClaims?: readonly string[] | undefined
  /** All that are present count, as text with spaces or as a list. Default `scope` and `scp`. Auth0 has `permissions` as well, Entra ID `roles`. */
  readonly scopeClaims?: readonly string[] | undefined
  /** Claims that a token must have besides. Default none. */
  readonly requiredClaims?: readonly string[] | undefined
}

/** The names of what says which claims say what. */
export const CLAIM_OPTIONS: OptionNames<ClaimNames> = {
  subjectClaim: true,
  clientIdClaims: true,
  scopeClaims: true,
  requiredClaims: true,
}
const CLIENT_ID_CLAIMS = ['client_id', 'azp', 'appid', 'cid']
const SCOPE_CLAIMS = ['scope', 'scp']

/**
 * Makes verified claims into what a server works with.
 *
 * @throws {TokenError} `missing_claim` when neither a subject nor a client is named, or a required claim is missing; `malformed` when one of them is no text
 */
export function toAuthInfo(
  claims: JsonObject,
  names: ClaimNames,
  {
    issuer,
    namespace,
    token,
  }: { readonly issuer: string | undefined; readonly namespace: string; readonly token: string },
): AuthInfo {
  const missing = names.requiredClaims?.find(name => claimOf(claims, name) === undefined)
  if (missing !== undefined) {
    throw refusedToken('missing_claim', `has no claim ${missing}`, { expected: missing, received: undefined })
  }
  const subjectClaim = names.subjectClaim ?? 'sub'
  const subject = textOf(claims, subjectClaim)
  const clientId = firstText(claims, names.clientIdClaims ?? CLIENT_ID_CLAIMS)
  if (subject === undefined && clientId === undefined) {
    const expected = `${subjectClaim} or client_id`
    throw refusedToken('missing_claim', 'says neither whom nor which client it is for', {
      expected,
      received: undefined,
    })
  }
  const expiresAt = timeOf(claims, 'exp')
  return {
    // A list in JSON: no subject can be written so that it reads like another one with its client.
    principal: JSON.stringify([namespace, subject ?? null, clientId ?? null]),
    ...(issuer !== undefined && { issuer }),
    ...(subject !== undefined && { subject }),
    ...(clientId !== undefined && { clientId }),
    scopes: scopesOf(claims, names.scopeClaims ?? SCOPE_CLAIMS),
    ...(expiresAt !== undefined && { expiresAt }),
    claims,
    token,
  }
}

/** @throws {TokenError} `malformed` for what is no text: taken for absent, all whom a number names would be one principal */
function textOf(claims: JsonObject, name: string): string | undefined {
  const value = claimOf(claims, name)
  if (value === undefined || value === '') return undefined
  if (typeof value === 'string') return value
  throw refusedToken('malformed', `has a claim ${name} that is no text`, { expected: 'text', received: value })
}

function firstText(claims: JsonObject, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = textOf(claims, name)
    if (value !== undefined) return value
  }
  return undefined
}

function scopesOf(claims: JsonObject, names: readonly string[]): readonly string[] {
  const values = names.flatMap(name => {
    const value = claimOf(claims, name)
    if (typeof value === 'string') return value.split(/\s+/u)
    return Array.isArray(value) ? value.filter((each: unknown) => typeof each === 'string') : []
  })
  return [...new Set(values.filter(value => value !== ''))]
}
