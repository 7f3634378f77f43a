import { exportJWK, generateKeyPair } from 'jose'
import { createProvider } from '../../demo/src/authorization-server.ts'
import type { Recorder } from '../../demo/src/leg.ts'
import { listenRecorded, type RunningServer } from '../../demo/src/recorded-server.ts'
import { exchangeIdentityAssertions, type IdentityAssertionPolicy, TOKEN_EXCHANGE } from './machine-assertions.ts'
import { ENTERPRISE_SSO_CLIENT, REDIRECT_URI } from './machine-clients.ts'

export interface IdentityProvider extends RunningServer {
  readonly issuer: string
  readonly jwksUri: string
}

/** Starts a second oidc-provider: the enterprise's, which logs people in and issues identity assertions for other authorization servers. */
export async function startIdentityProvider(options: {
  readonly record: Recorder
  readonly policy: () => IdentityAssertionPolicy
}): Promise<IdentityProvider> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const signingKey = { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'identity' }
  // Another spelling of the same host: what is good at one of the two servers must not be taken for good at the other.
  const issuerOf = (origin: string): string => origin.replace('127.0.0.1', 'localhost')
  const server = await listenRecorded(
    'identity provider',
    async origin => {
      const provider = await createProvider(issuerOf(origin), {
        jwks: { keys: [signingKey] },
        cookies: {
          keys: ['enterprise'],
          names: { session: '_e_session', interaction: '_e_interaction', resume: '_e_resume' },
        },
        clients: [
          {
            client_id: ENTERPRISE_SSO_CLIENT.clientId,
            client_secret: ENTERPRISE_SSO_CLIENT.clientSecret,
            token_endpoint_auth_method: 'client_secret_basic',
            application_type: 'native',
            redirect_uris: [REDIRECT_URI],
            grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE],
          },
        ],
        findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
        scopes: ['openid', 'offline_access'],
        responseTypes: ['code'],
        pkce: { required: () => true },
        clientDefaults: { id_token_signed_response_alg: 'ES256' },
        clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
        features: { devInteractions: { enabled: true } },
        ttl: {
          RefreshToken: 86_400,
          Grant: 86_400,
          Interaction: 3600,
          Session: 86_400,
          AccessToken: 3600,
          AuthorizationCode: 60,
          IdToken: 3600,
        },
      })
      await exchangeIdentityAssertions(provider, privateKey, options.policy)
      const handle = provider.callback()
      return (request, response) => void handle(request, response)
    },
    options,
  )
  const issuer = issuerOf(server.url)
  return { ...server, issuer, jwksUri: `${issuer}/jwks` }
}
