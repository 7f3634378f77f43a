import type { RequestListener } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import type { Configuration, JWK, Provider } from 'oidc-provider'
import type { Recorder } from './leg.ts'
import { listenRecorded, type RunningServer } from './recorded-server.ts'

export interface AuthorizationServerOptions {
  /** Scopes a person may grant for a protected resource. */
  readonly scopes: readonly string[]
  /** Default 3600. Short ones show the silent refresh. */
  readonly accessTokenSeconds?: number
  /** Path of the issuer, such as `/tenant`; none by default. */
  readonly path?: string
  /**
   * Hold a client to the scope it registered with, and so refuse a wider one at the authorization endpoint. Default false: whoever
   * registers may ask for any scope, and the person decides.
   */
  readonly keepsRegisteredScope?: boolean
  /** Default: any free port. */
  readonly port?: number
  readonly record?: Recorder
}

export interface AuthorizationServer extends RunningServer {
  readonly issuer: string
}

/**
 * Starts oidc-provider, a certified authorization server: dynamic registration, PKCE required, resource indicators with JWT access
 * tokens, refresh token rotation, revocation, and its own login and consent pages, where any name and password will do.
 */
export async function startAuthorizationServer(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const path = options.path ?? ''
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const signingKey = { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'demo' }
  const server = await listenRecorded(
    'authorization server',
    async origin =>
      mountedAt(path, await createProvider(`${origin}${path}`, configuration(options, origin, signingKey))),
    options,
  )
  return { ...server, issuer: `${server.url}${path}` }
}

function configuration(options: AuthorizationServerOptions, origin: string, signingKey: JWK): Configuration {
  const port = new URL(origin).port
  return {
    jwks: { keys: [signingKey] },
    // Cookies do not know ports: names of their own keep two servers on one host apart.
    cookies: {
      keys: [`demo-${port}`],
      names: { session: `_session_${port}`, interaction: `_interaction_${port}`, resume: `_resume_${port}` },
    },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    scopes: ['openid', 'offline_access', ...(options.keepsRegisteredScope ? options.scopes : [])],
    responseTypes: ['code'],
    pkce: { required: () => true },
    clientDefaults: { id_token_signed_response_alg: 'ES256', grant_types: ['authorization_code', 'refresh_token'] },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    // oidc-provider refuses a registration that names the scopes of a resource, unless they are its own as well.
    ...(!options.keepsRegisteredScope && {
      extraClientMetadata: {
        properties: ['scope_policy'],
        validator: (_context, _name, _value, metadata) => void delete metadata.scope,
      },
    }),
    features: {
      devInteractions: { enabled: true },
      registration: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_context, client, token) => token.clientId === client.clientId },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => ({
          scope: options.scopes.join(' '),
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: options.accessTokenSeconds ?? 3600,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: (_context, token) => token.resourceServer?.accessTokenTTL ?? 3600,
      Grant: 86_400,
      Interaction: 3600,
      RefreshToken: 86_400,
      Session: 86_400,
      AuthorizationCode: 60,
      IdToken: 3600,
    },
  }
}

/** oidc-provider prints advice about the runtime and its development pages, which would only disturb here. */
export async function createProvider(issuer: string, settings: Configuration): Promise<Provider> {
  const { info, warn } = console
  console.info = console.warn = () => {}
  try {
    const { Provider } = await import('oidc-provider')
    return new Provider(issuer, settings)
  } finally {
    Object.assign(console, { info, warn })
  }
}

/** Serves the provider below `path`; RFC 8414 puts the path of an issuer *behind* the well-known name, which the provider leaves to its host. */
function mountedAt(path: string, provider: Provider): RequestListener {
  const handle = provider.callback()
  if (path === '') return (request, response) => void handle(request, response)
  return (request, response) => {
    const url = request.url ?? '/'
    const inserted = /^(\/\.well-known\/(?:oauth-authorization-server|openid-configuration))(\/[^?]*)/.exec(url)
    const inner = inserted?.[2] === path ? inserted[1] : url.startsWith(`${path}/`) ? url.slice(path.length) : undefined
    if (inner === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found')
      return
    }
    Object.assign(request, { originalUrl: path + inner })
    request.url = inner
    void handle(request, response)
  }
}
