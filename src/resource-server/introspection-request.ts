import type { OAuthRequest } from '../oauth/oauth-request.ts'
import { applyClientAuthentication } from '../oauth/protocol/client-authentication.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import { describeAnswer, retryAfterMs } from '../oauth/protocol/http-answer.ts'
import { parseJsonObject } from '../oauth/protocol/json-object.ts'
import { toUnavailable } from './guarded-request.ts'
import type { KnownAnswer } from './introspection-cache.ts'
import { TokenError } from './token-error.ts'

/** How this server proves itself at the introspection endpoint. */
export type IntrospectionClient =
  | {
      readonly clientId: string
      readonly clientSecret: string
      /** Default `client_secret_basic`. */
      readonly method?: 'client_secret_basic' | 'client_secret_post' | undefined
    }
  /** Changes headers and form of each request: for a bearer token or an assertion. */
  | ((request: { readonly headers: Headers; readonly form: URLSearchParams }) => void | Promise<void>)

const STEP = 'introspection'

/**
 * Asks the authorization server about a token.
 *
 * @throws {TokenError} `introspection_unavailable` for whatever is no answer to the question
 * @see RFC 7662 §2
 */
export async function introspect(
  token: string,
  endpoint: string,
  { client, request }: { readonly client: IntrospectionClient; readonly request: OAuthRequest },
): Promise<KnownAnswer> {
  const where = displayUrl(endpoint)
  try {
    const form = new URLSearchParams({ token, token_type_hint: 'access_token' })
    const headers = new Headers({ accept: 'application/json' })
    await authenticate(client, headers, form)
    const answer = await request({ step: STEP, method: 'POST', url: endpoint, headers, body: form })
    const body = answer.status === 200 ? parseJsonObject(answer.body) : undefined
    const active = body && Object.hasOwn(body, 'active') ? body['active'] : undefined
    if (body && active === true) return body
    if (active === false) return 'inactive'
    const waitMs = retryAfterMs(answer.headers)
    throw new TokenError('introspection_unavailable', `The introspection endpoint ${where} gave no usable answer.`, {
      step: STEP,
      url: where,
      status: answer.status,
      expected: 'a JSON object with active: true or false (RFC 7662 §2.2)',
      received: describeAnswer(answer),
      ...(waitMs !== undefined && { retryAfterMs: waitMs }),
      ...((answer.status === 401 || answer.status === 403) && { hint: CREDENTIALS }),
    })
  } catch (error) {
    throw toUnavailable('introspection_unavailable', `The introspection endpoint ${where} cannot be asked`, error)
  }
}

const CREDENTIALS =
  "The authorization server refuses this server's own client id and secret, not the token: check them."

/** @throws {OAuthError} `configuration` */
export async function authenticate(
  client: IntrospectionClient,
  headers: Headers,
  form: URLSearchParams,
): Promise<void> {
  if (typeof client === 'function') return client({ headers, form })
  const { method = 'client_secret_basic', clientId, clientSecret } = client
  applyClientAuthentication({ clientId, clientSecret, tokenEndpointAuthMethod: method }, headers, form)
}
