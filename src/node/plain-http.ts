import { OAuthError } from '../oauth/errors.ts'
import { PLAIN_HTTP_HINT } from '../oauth/policy.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import { isSecureUrl } from '../oauth/protocol/url.ts'

/**
 * Says why there will be no login when a server that is reached by plain http asks for one: authorization passes such requests through, and
 * the bare 401 would leave a person guessing (field P7). Requests with an `Authorization` of their own, and servers that ask for none, are
 * left alone.
 */
export function explainPlainHttp(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    const url = new URL(input instanceof Request ? input.url : input)
    if (response.status !== 401 || isSecureUrl(url)) return response
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    if (headers.has('authorization')) return response
    await response.body?.cancel()
    const shown = displayUrl(url)
    throw new OAuthError(
      'url_refused',
      `${shown} asks for a login, and is reached by plain http: none is made there.`,
      {
        step: 'authorization',
        url: shown,
        status: 401,
        expected: 'an https URL, or http on a loopback host',
        received: shown,
        hint: PLAIN_HTTP_HINT,
      },
    )
  }
}
