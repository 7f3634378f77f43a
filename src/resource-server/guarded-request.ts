import { OAuthError } from '../oauth/errors.ts'
import { createOAuthRequest, type OAuthRequest } from '../oauth/oauth-request.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import { isSecureUrl, parseUrl } from '../oauth/protocol/url.ts'
import type { OptionNames } from '../server/given-options.ts'
import { TokenError, type TokenErrorCode } from './token-error.ts'

/** The world that verifiers work in; tests replace it. */
export interface VerifierWorld {
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined
  /** Milliseconds that one request to the authorization server may take. Default 5 000. */
  readonly timeoutMs?: number | undefined
}

/** The names of what verifiers have in common. */
export const WORLD_OPTIONS: OptionNames<VerifierWorld> = { fetch: true, now: true, timeoutMs: true }

/**
 * Makes the one function through which verifiers talk to an authorization server: https, or http on a loopback host; limited in time and
 * size; a GET follows at most three redirects, all on its origin, a POST none.
 */
export function createGuardedRequest(world: VerifierWorld, maxBytes: number): OAuthRequest {
  return createOAuthRequest({
    fetch: world.fetch ?? globalThis.fetch,
    now: world.now,
    policy: {
      timeoutMs: world.timeoutMs ?? 5_000,
      maxBytes,
      maxRedirects: 3,
      assertUrl: async (url, step) => {
        const parsed = parseUrl(String(url))
        if (parsed && isSecureUrl(parsed) && parsed.username === '' && parsed.password === '') return parsed
        const shown = displayUrl(url)
        const detail = { step, url: shown, expected: SECURE_URL, received: shown }
        throw new OAuthError('url_refused', `The URL ${shown} (${step}) is refused.`, detail)
      },
    },
  })
}

const SECURE_URL = 'an https URL, or http on a loopback host, without user name and password'

/** @throws {TokenError} `configuration` for a URL that would never be asked */
export function assertSecureUrl(url: string, name: string): void {
  const parsed = parseUrl(url)
  if (parsed && isSecureUrl(parsed) && parsed.username === '' && parsed.password === '') return
  throw new TokenError('configuration', `The option ${name} is no URL that keys or tokens may be sent over.`, {
    step: 'configuration',
    expected: SECURE_URL,
    received: displayUrl(url),
  })
}

/** A failed request as a fault of ours: the token is not to blame. */
export function toUnavailable(code: TokenErrorCode, subject: string, error: unknown): TokenError {
  if (error instanceof TokenError) return error
  if (!(error instanceof OAuthError)) {
    return new TokenError(code, `${subject}: an unexpected failure.`, { step: 'verification' }, { cause: error })
  }
  const { step, url, status, expected, received, hint } = error.detail
  const detail = { step, url, status, expected, received, hint }
  const known = Object.fromEntries(Object.entries(detail).filter(([, value]) => value !== undefined))
  return new TokenError(code, `${subject}: ${error.message}`, { step, ...known }, { cause: error })
}
