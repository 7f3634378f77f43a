import type { Authorizer, CallbackOutcome } from '../authorizer.ts'
import { OAuthError } from '../errors.ts'
import type { GrantContext, GrantStrategy } from '../grant-strategy.ts'
import { constantTimeEqual } from '../protocol/authorization.ts'
import { type PersonClientOptions, readPersonClient } from './person-client.ts'

/** Options of {@link authorizationCode}. */
export interface AuthorizationCodeOptions extends PersonClientOptions {
  /** Takes the person to the authorization server. Without one only `beginLogin` and `finishLogin` work. */
  readonly authorizer?: Authorizer
  /** Added to the authorization request, for providers that need more (`audience`, `prompt`). */
  readonly authorizationParameters?: Readonly<Record<string, string>>
}

/**
 * The authorization code grant with PKCE: a person approves in a browser.
 *
 * @throws {OAuthError} `client_metadata_url_invalid`, `configuration`
 * @see RFC 6749 §4.1, RFC 7636
 */
export function authorizationCode(options: AuthorizationCodeOptions = {}): GrantStrategy {
  const { authorizer, authorizationParameters } = options
  return {
    name: 'authorization_code',
    interactive: true,
    usesRedirect: true,
    grantTypes: ['authorization_code', 'refresh_token'],
    ...readPersonClient(options),
    ...(authorizationParameters && { authorizationParameters }),
    ...(authorizer && { obtain: context => obtain(authorizer, context) }),
  }
}

async function obtain(authorizer: Authorizer, context: GrantContext): Promise<void> {
  const { signal, preferredRedirectUris, target } = context
  const redirectHost = target.exception?.redirectHost
  // Bound before it is registered or sent anywhere, so that the URI is one we can really receive (R-DCR-4).
  const prepared = await authorizer.prepare({ preferredRedirectUris, signal, ...(redirectHost && { redirectHost }) })
  try {
    const { url, state } = await context.begin(prepared.redirectUri)
    let outcome: Promise<CallbackOutcome> | undefined
    let failure: unknown
    await prepared.authorize(url, async parameters => {
      if (!constantTimeEqual(parameters.get('state') ?? '', state)) return { status: 'ignored', message: UNKNOWN_STATE }
      // A reloaded callback page gets the outcome of the first; the code is redeemed once (R-AUTHZ-5).
      outcome ??= context.finish(parameters).then(
        () => ({ status: 'completed' }),
        (error: unknown) => {
          failure = error
          return {
            status: 'failed',
            message: error instanceof OAuthError ? error.message : 'The login could not be stored.',
          }
        },
      )
      return outcome
    })
    if (failure) throw failure
    if ((await outcome)?.status !== 'completed') throw unanswered()
  } finally {
    await prepared.close()
  }
}

const UNKNOWN_STATE = 'This page belongs to another login, or to one that is over.'

function unanswered(): OAuthError {
  return new OAuthError('authorization_response_invalid', 'The authorizer came back without an answer.', {
    step: 'authorization',
    expected: 'an authorization response with our state',
    received: 'none',
  })
}
