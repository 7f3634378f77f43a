import { decodeJwt, type JWTPayload } from 'jose'
import { OAuthError } from '../errors.ts'
import { constantTimeEqual } from './authorization.ts'
import { displayText } from './display-text.ts'

const STEP = 'ID token'
/** How far the clocks of client and identity provider may be apart. */
const CLOCK_TOLERANCE_MS = 60_000

/** What an ID token is held against. */
export interface ExpectedIdToken {
  /** The issuer as its metadata document states it. */
  readonly issuer: string
  readonly clientId: string
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Of the authorization request. */
  readonly nonce: string
}

/**
 * Checks the ID token of a login: `iss`, `aud` and `azp`, `exp`, and `nonce`. Not its signature: it came straight from the token endpoint,
 * whose TLS certificate says as much (§3.1.3.7, item 6), and whoever it is shown to checks it again.
 *
 * @throws {OAuthError} `token_response_invalid`, without quoting the token or the person's claims
 * @see OpenID Connect Core 1.0 §3.1.3.7
 */
export function assertIdToken(idToken: string, { issuer, clientId, now, nonce }: ExpectedIdToken): void {
  const claims = claimsOf(idToken)
  assertIssued(claims, issuer)
  assertAudience(claims, clientId)
  assertAlive(claims, now)
  if (typeof claims['nonce'] !== 'string' || !constantTimeEqual(claims['nonce'], nonce)) {
    throw invalid('is not the answer to this login', 'the nonce of the authorization request', 'another, or none')
  }
}

/**
 * Checks the ID token that a refresh brought against the one that it replaces: from the same issuer, for the same client, about the same
 * person; a `nonce` may be missing but not differ.
 *
 * @throws {OAuthError} `token_response_invalid`, without quoting the tokens or the person's claims
 * @see OpenID Connect Core 1.0 §12.2
 */
export function assertRefreshedIdToken(
  idToken: string,
  { previous, clientId, now }: { readonly previous: string; readonly clientId: string; readonly now: number },
): void {
  const [claims, before] = [claimsOf(idToken), claimsOf(previous)]
  assertIssued(claims, before.iss ?? '')
  assertAudience(claims, clientId)
  assertAlive(claims, now)
  if (claims.sub !== before.sub) throw invalid('is about somebody else', 'the person who logged in', 'another')
  if (claims['nonce'] !== undefined && claims['nonce'] !== before['nonce'])
    throw invalid('belongs to another login', 'the nonce of the login, or none', 'another')
}

/** When an ID token ends, in milliseconds since the epoch; undefined for what cannot be read. */
export function idTokenExpiry(idToken: string): number | undefined {
  try {
    const { exp } = decodeJwt(idToken)
    return typeof exp === 'number' ? exp * 1000 : undefined
  } catch {
    return undefined
  }
}

/** Whom an ID token is about; undefined for what cannot be read. */
export function idTokenSubject(idToken: string): string | undefined {
  try {
    return decodeJwt(idToken).sub
  } catch {
    return undefined
  }
}

function claimsOf(idToken: string): JWTPayload {
  try {
    return decodeJwt(idToken)
  } catch {
    // What the parser says may quote the token.
    throw invalid('cannot be read', 'a signed JWT', 'something else')
  }
}

function assertIssued({ iss, sub }: JWTPayload, issuer: string): void {
  if (iss !== issuer) throw invalid('is of another issuer', displayText(issuer), shown(iss))
  if (typeof sub !== 'string' || sub === '') throw invalid('names no person', 'sub', 'none')
}

/** Several audiences share what one of them is told, so the one that asked must be named (items 3 to 5). */
function assertAudience({ aud, azp }: JWTPayload, clientId: string): void {
  const audiences = (Array.isArray(aud) ? aud : [aud]) as readonly unknown[]
  if (!audiences.includes(clientId)) throw invalid('is for another client', clientId, audiences.map(shown).join(' '))
  if ((azp !== undefined || audiences.length > 1) && azp !== clientId)
    throw invalid('was issued to another client', `azp ${clientId}`, shown(azp))
}

function assertAlive({ exp }: JWTPayload, now: number): void {
  if (typeof exp !== 'number') throw invalid('does not say when it ends', 'exp', shown(exp))
  if (now >= exp * 1000 + CLOCK_TOLERANCE_MS)
    throw invalid('has expired', 'exp in the future', `an end ${Math.round((now - exp * 1000) / 1000)} s ago`)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? displayText(value, 200) : value === undefined ? 'none' : 'no text'
}

function invalid(problem: string, expected: string, received: string): OAuthError {
  return new OAuthError('token_response_invalid', `The ID token ${problem}.`, {
    step: STEP,
    expected,
    received,
    hint: 'Check the issuer, the client id and the clock of this machine.',
  })
}
