import type { HttpRequest } from '../http/server/http-message.ts'

/** What a request says in its `Authorization` header. */
export type Credentials =
  | { readonly kind: 'none' }
  /** Something that is no token for us. */
  | { readonly kind: 'other' }
  /** A token given in a way that is not allowed, or nothing that could be one. */
  | { readonly kind: 'malformed'; readonly problem: string }
  | { readonly kind: 'token'; readonly scheme: 'bearer' | 'dpop'; readonly token: string }

/** Longer ones are not looked at: HTTP servers take no such header. */
const MAX_TOKEN_CHARACTERS = 16_384
/** RFC 6750 §2.1 allows fewer characters; some issuers do not keep to them. No comma: several headers are joined by one. */
const TOKEN = /^[\x21\x23-\x2b\x2d-\x7e]+$/u

/**
 * Reads the access token of a request: from the `Authorization` header, once, and from nowhere else. A URL ends up in logs and histories.
 *
 * @see RFC 6750 §2, MCP 2026-07-28, Authorization, Token Requirements
 */
export function readCredentials(request: HttpRequest): Credentials {
  if (/[?&]access_token=/iu.test(request.target)) return { kind: 'malformed', problem: 'an access token in the URL' }
  const header = request.header('authorization')?.trim() ?? ''
  if (header === '') return { kind: 'none' }
  const space = header.indexOf(' ')
  const scheme = (space === -1 ? header : header.slice(0, space)).toLowerCase()
  if (scheme !== 'bearer' && scheme !== 'dpop') return { kind: 'other' }
  const token = space === -1 ? '' : header.slice(space).trim()
  // A client that has none yet, and says so oddly.
  if (token === '') return { kind: 'none' }
  if (token.length > MAX_TOKEN_CHARACTERS)
    return { kind: 'malformed', problem: `a token of ${token.length} characters` }
  if (!TOKEN.test(token)) return { kind: 'malformed', problem: 'something else than one token behind the scheme' }
  return { kind: 'token', scheme, token }
}

/** The values of the `DPoP` header. Proofs are JWTs, which hold no comma. */
export function readProofs(request: HttpRequest): readonly string[] {
  const header = request.header('dpop')
  return header === undefined ? [] : header.split(',').map(proof => proof.trim())
}
