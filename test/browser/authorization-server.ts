import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import { createProvider } from '../../demo/src/authorization-server.ts'
import type { Recorder } from '../../demo/src/leg.ts'
import { listenRecorded, type RunningServer } from '../../demo/src/recorded-server.ts'

/** What tests may change while it runs. */
export interface AuthorizationServerBehaviour {
  /** Whether its pages cut the tie to the window that opened them. Default false. */
  opensNoTies: boolean
  /** Whether it publishes OpenID Connect metadata alone, and says nothing to other origins where there is none. Default false. */
  knowsOpenIdOnly: boolean
  /** Whether pages of other origins may register clients. oidc-provider itself lets none. Default true. */
  registersPages: boolean
  /** Whether pages of other origins may ask for tokens. Default true. */
  servesPages: boolean
}

export interface WebAuthorizationServer extends RunningServer {
  readonly behaviour: AuthorizationServerBehaviour
}

/** Starts oidc-provider for clients that are web pages: its own CORS, by client, and proof of possession with nonces. */
export async function startWebAuthorizationServer(record: Recorder): Promise<WebAuthorizationServer> {
  const behaviour = { opensNoTies: false, knowsOpenIdOnly: false, registersPages: true, servesPages: true }
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const signingKey = { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'web' }
  const server = await listenRecorded(
    'authorization server',
    async origin => {
      const provider = await createProvider(origin, {
        jwks: { keys: [signingKey] },
        cookies: { keys: ['web'] },
        findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
        scopes: ['openid', 'offline_access'],
        responseTypes: ['code'],
        pkce: { required: () => true },
        clientDefaults: { id_token_signed_response_alg: 'ES256', grant_types: ['authorization_code', 'refresh_token'] },
        clientAuthMethods: ['none'],
        clientBasedCORS: (_context, origin, client) =>
          behaviour.servesPages && (client.redirectUris ?? []).some(uri => new URL(uri).origin === origin),
        extraClientMetadata: {
          properties: ['scope_policy'],
          validator: (_context, _name, _value, metadata) => void delete metadata.scope,
        },
        features: {
          devInteractions: { enabled: true },
          registration: { enabled: true },
          revocation: { enabled: true },
          dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
          resourceIndicators: {
            enabled: true,
            useGrantedResource: () => true,
            getResourceServerInfo: (_context, resource) => ({
              scope: 'notes:read notes:write',
              audience: resource,
              accessTokenFormat: 'jwt',
              accessTokenTTL: 300,
              jwt: { sign: { alg: 'ES256' } },
            }),
          },
        },
        issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
        rotateRefreshToken: true,
        ttl: { Grant: 86_400, Interaction: 3600, RefreshToken: 86_400, Session: 86_400, AuthorizationCode: 60 },
      })
      provider.use(async (context, next) => {
        // Its registration endpoint leaves CORS to whoever runs it.
        if (context.path === '/reg' && behaviour.registersPages) {
          context.set('access-control-allow-origin', '*')
          context.set('access-control-allow-headers', 'content-type')
          if (context.method === 'OPTIONS') {
            context.status = 204
            return
          }
        }
        if (behaviour.knowsOpenIdOnly && context.path === '/.well-known/oauth-authorization-server') {
          context.status = 404
          return
        }
        await next()
        if (behaviour.opensNoTies) context.set('cross-origin-opener-policy', 'same-origin')
      })
      const handle = provider.callback()
      return (request, response) => void handle(request, response)
    },
    { record },
  )
  return { ...server, behaviour }
}
