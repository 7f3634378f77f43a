import { OAuthError } from '../errors.ts'
import type { ClientPrivateKey, GrantStrategy } from '../grant-strategy.ts'
import { assertPrivateKey } from '../protocol/signing-key.ts'
import { clientCredentialsForm } from '../protocol/token-exchange.ts'

/** Options of {@link clientCredentials}. */
export interface ClientCredentialsOptions {
  readonly clientId: string
  /** For the two secret methods. */
  readonly clientSecret?: string
  /** For `private_key_jwt`. */
  readonly privateKey?: ClientPrivateKey
  /**
   * Default: `private_key_jwt` with a private key; else the one that the server advertises, `client_secret_basic` first. A public client
   * (`none`) cannot use this grant.
   */
  readonly tokenEndpointAuthMethod?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  /** The only authorization server that may see the credentials. Default: the one that the MCP server names first, and from then on that one. */
  readonly issuer?: string
  /** Asked for where neither the challenge nor the server's metadata names a scope. */
  readonly scope?: string
}

/**
 * The client credentials grant: a machine logs in as itself. Never registers a client; one token request serves every concurrent call.
 *
 * @throws {OAuthError} `configuration` for an id, a method or a secret that cannot be used, in that order (R-CC-1)
 * @see RFC 6749 §4.4, the OAuth client credentials extension
 */
export function clientCredentials(options: ClientCredentialsOptions): GrantStrategy {
  const { clientId, clientSecret, privateKey, issuer, scope } = options
  const method: string | undefined = options.tokenEndpointAuthMethod ?? (privateKey && 'private_key_jwt')
  if (isBlank(clientId)) throw invalid('The client id is empty.', 'a client id')
  if (method !== undefined && !METHODS.includes(method)) {
    const message =
      method === 'none'
        ? 'The client credentials grant needs a client that authenticates: the method none cannot be used.'
        : `The client authentication method ${method} is not supported.`
    throw invalid(message, METHODS.join(', '))
  }
  if (method === 'private_key_jwt') {
    if (!privateKey) throw invalid('The method private_key_jwt needs a private key.', 'a private key')
    assertPrivateKey(privateKey)
  } else if (isBlank(clientSecret)) {
    throw invalid('The client secret is empty.', 'a client secret')
  }
  return {
    name: 'client_credentials',
    interactive: false,
    usesRedirect: false,
    grantTypes: ['client_credentials'],
    obtainsFor: 'client_credentials',
    client: {
      clientId,
      ...(method !== 'private_key_jwt' && clientSecret !== undefined && { clientSecret }),
      ...(method === 'private_key_jwt' && privateKey && { privateKey }),
      ...(options.tokenEndpointAuthMethod && { tokenEndpointAuthMethod: options.tokenEndpointAuthMethod }),
    },
    ...(issuer !== undefined && { issuer }),
    ...(scope !== undefined && { scope }),
    obtain: ({ redeem, target, scope: asked }) => {
      const extra = target.exception?.tokenParameters
      return redeem(clientCredentialsForm({ scope: asked, resource: target.resource, extra }))
    },
  }
}

/** Options of {@link privateKeyJwt}: who the client is, and how it signs. */
export interface PrivateKeyJwtOptions extends ClientPrivateKey, Pick<ClientCredentialsOptions, 'issuer' | 'scope'> {
  readonly clientId: string
}

/**
 * The client credentials grant of a client that signs instead of sending a secret. The key may be a PEM, a JWK, a `CryptoKey`, or a
 * signer that keeps it elsewhere; it is never stored, and neither is what it signs.
 *
 * @throws {OAuthError} `configuration`
 * @see RFC 7523 §2.2
 */
export function privateKeyJwt({ clientId, issuer, scope, ...privateKey }: PrivateKeyJwtOptions): GrantStrategy {
  return clientCredentials({
    clientId,
    privateKey,
    ...(issuer !== undefined && { issuer }),
    ...(scope !== undefined && { scope }),
  })
}

const METHODS: readonly string[] = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

function isBlank(text: string | undefined): boolean {
  return text === undefined || text.trim() === ''
}

function invalid(message: string, expected: string): OAuthError {
  return new OAuthError('configuration', message, { step: 'client identity', expected })
}
