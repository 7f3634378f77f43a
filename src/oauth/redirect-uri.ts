import { OAuthError } from './errors.ts'
import { displayText } from './protocol/display-text.ts'

const LOOPBACK_HOSTS = ['127.0.0.1', '[::1]', 'localhost']

/**
 * Refuses a redirect URI that is neither https nor http on loopback, or not among the registered ones: before anybody is sent
 * anywhere, since the code would travel in the clear or the authorization server would show a dead page (R-AUTHZ-4).
 *
 * @throws {OAuthError} `redirect_uri_refused`
 */
export function assertRedirectUri(redirectUri: string, registered?: readonly string[]): void {
  const url = URL.canParse(redirectUri) ? new URL(redirectUri) : undefined
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK_HOSTS.includes(url.hostname))
  if (!safe || redirectUri.includes('#')) {
    throw refused(redirectUri, 'https, or http on a loopback address, without a fragment (RFC 8252 §7.3)')
  }
  if (registered && !registered.includes(redirectUri)) throw refused(redirectUri, `one of ${registered.join(' ')}`)
}

function refused(redirectUri: string, expected: string): OAuthError {
  const received = displayText(redirectUri)
  return new OAuthError('redirect_uri_refused', `The redirect URI ${received} cannot be used.`, {
    step: 'redirect URI',
    expected: displayText(expected),
    received,
  })
}
