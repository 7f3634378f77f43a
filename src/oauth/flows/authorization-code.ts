import type { Authorizer, CallbackOutcome } from '../authorizer.ts'
import { OAuthError } from '../errors.ts'
import type {
  ClientMetadata,
  ClientPrivateKey,
  GrantContext,
  GrantStrategy,
  PreRegisteredClient,
} from '../grant-strategy.ts'
import { constantTimeEqual } from '../protocol/authorization.ts'
import { assertClientIdMetadataDocumentUrl } from '../protocol/client-id-metadata.ts'
import { assertPrivateKey } from '../protocol/signing-key.ts'

/** Options of {@link authorizationCode}. */
export interface AuthorizationCodeOptions {
  /** Takes the person to the authorization server. Without one only `beginLogin` and `finishLogin` work. */
  readonly authorizer?: Authorizer
  /** A client registered beforehand; wins over everything else. */
  readonly client?: PreRegisteredClient
  /** https URL of a client-id metadata document, used where the authorization server supports them. */
  readonly clientMetadataUrl?: string
  /** Its public half is in that document, which then says `private_key_jwt`. */
  readonly clientMetadataKey?: ClientPrivateKey
  /** The only authorization server that may be used. Default: the one that the MCP server names. */
  readonly issuer?: string
  /** What the client says about itself when it registers. */
  readonly clientMetadata?: ClientMetadata
  /**
   * For an authorization server that registers only clients with one (RFC 7591 §3); never stored or shown. It goes to the authorization
   * server that the MCP server names, but to no second one: give `issuer`, too, to say which.
   */
  readonly initialAccessToken?: string
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
  const { authorizer, client, clientMetadataUrl, clientMetadataKey, issuer, clientMetadata } = options
  const { authorizationParameters, initialAccessToken } = options
  if (clientMetadataUrl !== undefined) assertClientIdMetadataDocumentUrl(clientMetadataUrl)
  if (client && client.clientId.trim() === '') {
    throw new OAuthError('configuration', 'The client id is empty.', { step: 'client identity' })
  }
  for (const key of [client?.privateKey, clientMetadataKey]) if (key) assertPrivateKey(key)
  return {
    name: 'authorization_code',
    interactive: true,
    usesRedirect: true,
    grantTypes: ['authorization_code', 'refresh_token'],
    ...(client && { client }),
    ...(clientMetadataUrl !== undefined && { clientMetadataUrl }),
    ...(clientMetadataKey && { clientMetadataKey }),
    ...(issuer !== undefined && { issuer }),
    ...(clientMetadata && { clientMetadata }),
    ...(initialAccessToken !== undefined && { initialAccessToken }),
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
