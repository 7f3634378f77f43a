import { displayText } from '../oauth/protocol/display-text.ts'
import { isJsonObject, type JsonObject } from '../oauth/protocol/json-object.ts'
import { TokenError, type TokenErrorCode } from './token-error.ts'
import type { PresentedToken } from './token-verifier.ts'

const STEP = 'access token'

/** A refused token; `received` is made safe to show. */
export function refusedToken(
  code: TokenErrorCode,
  problem: string,
  detail: { readonly expected?: string; readonly received?: unknown; readonly hint?: string } = {},
): TokenError {
  const { expected, received, hint } = detail
  return new TokenError(code, `The access token ${problem}.`, {
    step: STEP,
    ...(expected !== undefined && { expected: displayText(expected) }),
    ...('received' in detail && { received: received === undefined ? 'none' : displayText(received, 200) }),
    ...(hint !== undefined && { hint }),
  })
}

/** A claim; null counts as absent. */
export function claimOf(claims: JsonObject, name: string): unknown {
  return (Object.hasOwn(claims, name) ? claims[name] : undefined) ?? undefined
}

/** A claim that is a point in time, in milliseconds. @throws {TokenError} `malformed` when it is present and no number */
export function timeOf(claims: JsonObject, name: 'exp' | 'nbf' | 'iat'): number | undefined {
  const value = claimOf(claims, name)
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value * 1000
  throw refusedToken('malformed', `has a claim ${name} that is no time`, {
    expected: 'seconds since the epoch, as a number',
    received: value,
  })
}

/** What {@link assertTimes} needs to know. */
export interface TimeRules {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** How far the clocks of the issuer and this machine may be apart. */
  readonly toleranceMs: number
  readonly requiresExpiry: boolean
}

/**
 * Holds `exp`, `nbf` and `iat` against the clock.
 *
 * @throws {TokenError} `missing_claim`, `malformed`, `expired`, `not_yet_valid`
 * @see RFC 7519 §4.1.4 to §4.1.6
 */
export function assertTimes(claims: JsonObject, { now, toleranceMs, requiresExpiry }: TimeRules): void {
  const [exp, nbf, iat] = [timeOf(claims, 'exp'), timeOf(claims, 'nbf'), timeOf(claims, 'iat')]
  if (exp === undefined && requiresExpiry) {
    throw refusedToken('missing_claim', 'does not say when it ends', { expected: 'exp', received: undefined })
  }
  if (exp !== undefined && now >= exp + toleranceMs) {
    const ago = `${Math.round((now - exp) / 1000)} s ago`
    throw refusedToken('expired', 'has expired', { expected: 'exp in the future', received: `an end ${ago}` })
  }
  for (const [name, time] of [
    ['nbf', nbf],
    ['iat', iat],
  ] as const) {
    if (time === undefined || time <= now + toleranceMs) continue
    throw refusedToken('not_yet_valid', 'is not valid yet', {
      expected: `${name} in the past`,
      received: `${Math.round((time - now) / 1000)} s in the future`,
      hint: 'Check the clock of this machine and that of the authorization server.',
    })
  }
}

/** What {@link assertAudience} needs to know. */
export interface AudienceRules {
  /** The claim that names the audience: `aud`. */
  readonly claim: string
  readonly accepted: readonly string[]
  readonly acceptsMissing?: boolean
}

/**
 * Demands that one of the token's audiences is one of ours, as an exact string. A token for another resource is of no use here, or else
 * every service a person ever logged in to could act here in that person's name.
 *
 * @throws {TokenError} `missing_claim`, `wrong_audience`
 * @see RFC 9068 §4, RFC 8707 §2
 */
export function assertAudience(claims: JsonObject, { claim, accepted, acceptsMissing = false }: AudienceRules): void {
  const value = claimOf(claims, claim)
  if (value === undefined && acceptsMissing) return
  const expected = accepted.length === 0 ? 'an audience of this server; none is configured' : accepted.join(' or ')
  if (value === undefined) {
    throw refusedToken('missing_claim', `names no audience (${claim})`, { expected, received: undefined, hint: ASK })
  }
  const audiences: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (audiences.some(each => typeof each === 'string' && accepted.includes(each))) return
  const nearly = audiences.some(each => typeof each === 'string' && accepted.some(own => bare(own) === bare(each)))
  throw refusedToken('wrong_audience', 'is for another audience', {
    expected,
    received: audiences.map(each => displayText(each, 100)).join(' ') || 'none',
    hint: nearly ? 'They differ only by the slash at the end: name the audience exactly as the issuer writes it.' : ASK,
  })
}

const ASK =
  'The client must ask for this resource (RFC 8707 `resource`), or `audience` must name what this authorization server writes instead.'

const bare = (audience: string): string => audience.replace(/\/$/u, '')

/** Payload members by which providers tell their tokens apart: Keycloak's `typ`, Cognito's and Hydra's `token_use`. */
const ACCESS_KINDS = /^(?:bearer|dpop|access(?:_token)?|at\+jwt)$/iu
const OTHER_KINDS = /^(?:id(?:_token)?|refresh(?:_token)?|offline|logout|initial|registrationaccesstoken)$/iu
/** Only an ID token carries these (OpenID Connect Core §3.1.3.6, §3.3.2.11), and only a logout or security event token `events`. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events']

/**
 * Refuses an ID, refresh or logout token by what is in it. Issuers sign them all with the same keys; where the API and its client are one
 * registration, an ID token even names the right audience.
 *
 * @throws {TokenError} `wrong_type`
 * @see RFC 9068 §5, RFC 8725 §2.8
 */
export function assertAccessToken(claims: JsonObject): void {
  const kinds = ['typ', 'token_use'].map(name => claimOf(claims, name)).filter(kind => typeof kind === 'string')
  const other = kinds.find(kind => OTHER_KINDS.test(kind))
  if (other !== undefined) throw notAnAccessToken(`a token that says it is "${other}"`)
  if (kinds.some(kind => ACCESS_KINDS.test(kind))) return
  const sign = ID_TOKEN_CLAIMS.find(name => claimOf(claims, name) !== undefined)
  if (sign !== undefined) throw notAnAccessToken(`a token with the claim ${sign}`)
}

function notAnAccessToken(received: string): TokenError {
  return refusedToken('wrong_type', 'is none', {
    expected: 'an access token',
    received,
    hint: 'The client sends its ID or refresh token: it must send `access_token` of the token response.',
  })
}

/**
 * Refuses a token that is bound to something nobody here checks, and the `DPoP` scheme where proofs are not checked.
 *
 * @throws {TokenError} `binding_mismatch`
 * @see RFC 9449 §7.2, RFC 8705 §3
 */
export function assertBindingIsChecked(claims: JsonObject, { scheme, confirms = [] }: PresentedToken): void {
  if (scheme === 'dpop' && !confirms.includes('jkt')) {
    throw refusedToken('binding_mismatch', 'came under the DPoP scheme, and no proofs are checked here', {
      expected: 'Authorization: Bearer',
      received: 'Authorization: DPoP',
      hint: 'Wrap the verifier in withDpop to take bound tokens.',
    })
  }
  const confirmation = claimOf(claims, 'cnf')
  if (confirmation === undefined) return
  const methods = isJsonObject(confirmation) ? Object.keys(confirmation) : ['cnf']
  const unchecked = methods.find(method => !confirms.includes(method))
  if (unchecked === undefined) return
  throw refusedToken('binding_mismatch', 'is bound to a key, and whether its holder presents it is not checked here', {
    expected: confirms.length === 0 ? 'a token without cnf' : `cnf with ${confirms.join(', ')} only`,
    received: `cnf with ${unchecked}`,
    hint: unchecked === 'jkt' ? 'Wrap the verifier in withDpop to take tokens bound to a DPoP key.' : UNCHECKED,
  })
}

const UNCHECKED = 'Where something before this server checks the binding, name the method in `confirms`.'
