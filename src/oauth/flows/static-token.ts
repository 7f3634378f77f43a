import { OAuthError } from '../errors.ts'
import type { GrantStrategy, SuppliedToken } from '../grant-strategy.ts'
import { readFromCallback } from './read-assertion.ts'

/** A token, or how to get the one that is valid now. */
export type TokenSource =
  | string
  | ((wanted: { readonly server: string; readonly signal: AbortSignal }) => SuppliedToken | Promise<SuppliedToken>)

/**
 * A token that the application has from elsewhere: an API key, a personal access token, the token of its own login. It is sent to the MCP
 * server only, asked for again when it ends or is refused, and kept in memory alone.
 *
 * @throws {OAuthError} `configuration` for a text that no header can carry; it is not quoted
 * @see RFC 6750 §2.1
 */
export function staticToken(token: TokenSource): GrantStrategy {
  if (typeof token === 'string') checked({ accessToken: token })
  return {
    name: 'static_token',
    interactive: false,
    usesRedirect: false,
    grantTypes: [],
    async supply({ server, signal }) {
      if (typeof token === 'string') return { accessToken: token }
      return checked(await readFromCallback(() => token({ server, signal }), { step: STEP, signal }))
    },
  }
}

const STEP = 'supplied token'

/** What callers without types hand out may be anything. */
function checked(supplied: SuppliedToken | null | undefined): SuppliedToken {
  const token: unknown = supplied?.accessToken
  if (supplied && typeof token === 'string' && /^[\x21-\x7e]+$/u.test(token)) return supplied
  throw new OAuthError('configuration', 'The token cannot be sent in a header.', {
    step: STEP,
    expected: 'visible ASCII characters without a space',
    hint: 'Check for a line break or quotation marks around it.',
  })
}
