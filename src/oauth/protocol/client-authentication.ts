import { OAuthError } from '../errors.ts'
import { JWT_BEARER_ASSERTION_TYPE } from './client-assertion.ts'

/** How a client proves itself at the token and revocation endpoints (RFC 7591 §2, OpenID Connect Core §9). */
export type ClientAuthenticationMethod = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'

/** The identity that {@link applyClientAuthentication} puts on a request. */
export interface AuthenticatingClient {
  readonly clientId: string
  readonly clientSecret?: string
  /** A fresh one for this request, with `private_key_jwt`. */
  readonly clientAssertion?: string
  readonly tokenEndpointAuthMethod: ClientAuthenticationMethod
}

/** `application/x-www-form-urlencoded` of one value, as RFC 6749 Appendix B asks for before Base64. */
function formEncode(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice(1)
}

/**
 * Puts exactly one client authentication on a request: the registered one, whatever the grant (R-TOKEN-2). With
 * `client_secret_basic` the id and the secret are form-encoded before Base64, non-ASCII characters included; every other
 * method names the client in the form.
 *
 * @throws {OAuthError} `configuration` when the method needs a secret or an assertion that is missing, or is not supported
 * @see RFC 6749 §2.3.1, RFC 7523 §2.2
 */
export function applyClientAuthentication(client: AuthenticatingClient, headers: Headers, form: URLSearchParams): void {
  const { clientId, clientSecret, clientAssertion, tokenEndpointAuthMethod: method } = client
  headers.delete('authorization')
  form.delete('client_id')
  form.delete('client_secret')
  form.delete('client_assertion')
  form.delete('client_assertion_type')
  if (method === 'none') {
    form.set('client_id', clientId)
    return
  }
  if (method === 'private_key_jwt') {
    if (clientAssertion === undefined || clientAssertion === '') throw needs(method, 'a private key')
    // Optional beside the assertion (RFC 7521 §4.2), and some servers look nowhere else.
    form.set('client_id', clientId)
    form.set('client_assertion_type', JWT_BEARER_ASSERTION_TYPE)
    form.set('client_assertion', clientAssertion)
    return
  }
  if (method !== 'client_secret_basic' && method !== 'client_secret_post') {
    throw new OAuthError('configuration', `The client authentication method ${String(method)} is not supported.`, {
      step: 'client authentication',
      received: String(method),
    })
  }
  if (clientSecret === undefined || clientSecret === '') {
    throw needs(method, 'a client secret', 'Give the client secret, or use the method none for a public client.')
  }
  if (method === 'client_secret_basic') {
    headers.set('authorization', `Basic ${btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`)}`)
    return
  }
  form.set('client_id', clientId)
  form.set('client_secret', clientSecret)
}

function needs(method: string, what: string, hint = 'Configure the client with it.'): OAuthError {
  return new OAuthError('configuration', `The client authentication method ${method} needs ${what}.`, {
    step: 'client authentication',
    expected: what,
    hint,
  })
}

const SECRET_METHODS = ['client_secret_basic', 'client_secret_post'] as const

/**
 * The authentication method for a client whose registered method is not known, a pre-registered one: with a secret the
 * first of `client_secret_basic` and `client_secret_post` that is advertised, and `client_secret_basic` when the server
 * advertises nothing (the default of RFC 8414) or neither of them; without a secret `none`, whatever is advertised.
 * For a client about to be registered use {@link chooseRegistrationMethod}.
 *
 * @see RFC 8414 §2
 */
export function chooseAuthenticationMethod(
  supported: readonly string[] | undefined,
  has: { readonly secret: boolean },
): ClientAuthenticationMethod {
  if (!has.secret) return 'none'
  return SECRET_METHODS.find(method => supported?.includes(method)) ?? 'client_secret_basic'
}

/**
 * The authentication method to ask for in a dynamic registration: `none` when it is advertised or nothing is, else the
 * first of `client_secret_basic` and `client_secret_post` that is advertised (the server then issues a secret). The
 * answer to the registration has the last word.
 *
 * @see RFC 7591 §2
 */
export function chooseRegistrationMethod(supported: readonly string[] | undefined): ClientAuthenticationMethod {
  if (supported === undefined || supported.includes('none')) return 'none'
  return SECRET_METHODS.find(method => supported.includes(method)) ?? 'none'
}
