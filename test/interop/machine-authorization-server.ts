import { randomBytes } from 'node:crypto'
import { IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { createProvider } from '../../demo/src/authorization-server.ts'
import type { Recorder } from '../../demo/src/leg.ts'
import { listenRecorded, type RunningServer } from '../../demo/src/recorded-server.ts'
import { acceptAssertions } from './machine-assertions.ts'
import {
  CLIENT_METADATA_URL,
  CLIENTS,
  keyClientId,
  REDIRECT_URI,
  SIGNING_ALGORITHMS,
  signingKey,
  WEB_CLIENT_ID,
} from './machine-clients.ts'

type Configuration = Parameters<typeof createProvider>[1]
export type Provider = Awaited<ReturnType<typeof createProvider>>

export interface MachineAuthorizationServerOptions {
  readonly scopes: readonly string[]
  readonly accessTokenSeconds: number
  /** `nonces`: a proof without a nonce of this server is answered with one. Default `off`. */
  readonly dpop?: 'off' | 'offered' | 'nonces'
  /** Default `off`. */
  readonly pushedAuthorizationRequests?: 'off' | 'advertised' | 'required'
  /** Whether anybody may register. Default true. */
  readonly registration?: boolean
  /** What {@link CLIENT_METADATA_URL} serves, null for a page that is not found; without it, documents are not supported. */
  readonly clientMetadataDocument?: object | null
  /** Opaque tokens can be revoked and introspected, JWTs cannot. Default `jwt`. */
  readonly accessTokens?: 'jwt' | 'opaque'
  readonly deviceFlow?: boolean
  readonly trusted: TrustedIssuers
  readonly record: Recorder
  /** Asked before every token request; what it returns is answered instead. */
  readonly beforeToken: (form: URLSearchParams) => OAuthRefusal | undefined
}

/** Whose assertions are accepted, and by which keys. */
export interface TrustedIssuers {
  /** Issues workload tokens. */
  readonly platform: { readonly issuer: string; readonly jwks: { readonly keys: readonly object[] } }
  /** Issues identity assertions. */
  readonly identityProvider: { readonly issuer: string; readonly jwksUri: string }
}

export interface OAuthRefusal {
  readonly error: string
  readonly description?: string
}

export interface MachineAuthorizationServer extends RunningServer {
  readonly issuer: string
  readonly provider: Provider
}

/**
 * Starts oidc-provider as the authorization server of services, workloads, enterprises and devices: client credentials with every
 * kind of client authentication, assertions as grants, device codes, pushed authorization requests, client-id metadata documents and
 * proof of possession.
 */
export async function startMachineAuthorizationServer(
  options: MachineAuthorizationServerOptions,
): Promise<MachineAuthorizationServer> {
  let provider: Provider | undefined
  const server = await listenRecorded(
    'authorization server',
    async origin => {
      provider = await createProvider(origin, await configuration(options, origin))
      await acceptAssertions(provider, options.trusted)
      return tokenRequestsThrough(provider, options.beforeToken)
    },
    options,
  )
  return { ...server, issuer: server.url, provider: provider! }
}

async function configuration(options: MachineAuthorizationServerOptions, origin: string): Promise<Configuration> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const port = new URL(origin).port
  const { dpop = 'off', pushedAuthorizationRequests: pushed = 'off', accessTokens = 'jwt' } = options
  return {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'machine' }] },
    cookies: {
      keys: [`machine-${port}`],
      names: { session: `_session_${port}`, interaction: `_interaction_${port}`, resume: `_resume_${port}` },
    },
    clients: await registeredClients(),
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    scopes: ['openid', 'offline_access'],
    responseTypes: ['code'],
    pkce: { required: () => true },
    clientDefaults: { id_token_signed_response_alg: 'ES256', grant_types: ['authorization_code', 'refresh_token'] },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    // The provider refuses to fetch from loopback, and a document may not live there; so nothing is fetched at all.
    fetch: async url =>
      options.clientMetadataDocument && new Request(url).url === CLIENT_METADATA_URL
        ? Response.json(options.clientMetadataDocument)
        : new Response('not found', { status: 404 }),
    renderError: (context, out) => void (context.body = `<h1>${out.error}</h1><p>${out.error_description}</p>`),
    extraClientMetadata: {
      properties: ['scope_policy'],
      validator: (_context, _name, _value, metadata) => void delete metadata.scope,
    },
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      registration: { enabled: options.registration ?? true },
      revocation: { enabled: true, allowedPolicy: (_context, client, token) => token.clientId === client.clientId },
      deviceFlow: {
        enabled: options.deviceFlow ?? true,
        // The pages of development, without their advice; a refused code ends on a page without a form.
        userCodeInputSource: (context, form, _out, error) => void (context.body = error ? error.name : form),
        userCodeConfirmSource: (context, form) => void (context.body = form),
        successSource: context => void (context.body = 'The device may go on.'),
      },
      pushedAuthorizationRequests: {
        enabled: pushed !== 'off',
        requirePushedAuthorizationRequests: pushed === 'required',
      },
      dPoP: {
        enabled: dpop !== 'off',
        ...(dpop === 'nonces' && { nonceSecret: randomBytes(32), requireNonce: () => true }),
      },
      ...(options.clientMetadataDocument !== undefined && {
        clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
      }),
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => ({
          scope: options.scopes.join(' '),
          audience: resource,
          accessTokenTTL: options.accessTokenSeconds,
          ...(accessTokens === 'jwt'
            ? { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }
            : { accessTokenFormat: 'opaque' }),
        }),
      },
    },
    issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: (_context, token) => token.resourceServer?.accessTokenTTL ?? 3600,
      ClientCredentials: (_context, token) => token.resourceServer?.accessTokenTTL ?? 3600,
      DeviceCode: 600,
      Grant: 86_400,
      Interaction: 3600,
      RefreshToken: 86_400,
      Session: 86_400,
      AuthorizationCode: 60,
      IdToken: 3600,
    },
  }
}

async function registeredClients(): Promise<NonNullable<Configuration['clients']>> {
  const service = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }
  const secret = (
    client: { clientId: string; clientSecret: string },
    method: 'client_secret_basic' | 'client_secret_post',
  ) => ({
    client_id: client.clientId,
    client_secret: client.clientSecret,
    token_endpoint_auth_method: method,
  })
  const keyed = await Promise.all(
    SIGNING_ALGORITHMS.map(async algorithm => ({
      ...service,
      client_id: keyClientId(algorithm),
      token_endpoint_auth_method: 'private_key_jwt' as const,
      jwks: { keys: [(await signingKey(algorithm)).publicJwk] },
    })),
  )
  return [
    { ...service, ...secret(CLIENTS.basic, 'client_secret_basic') },
    { ...service, ...secret(CLIENTS.post, 'client_secret_post') },
    ...keyed,
    {
      ...service,
      ...secret(CLIENTS.enterprise, 'client_secret_basic'),
      grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
    },
    {
      ...service,
      client_id: CLIENTS.workload.clientId,
      token_endpoint_auth_method: 'none',
      grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
    },
    {
      ...service,
      client_id: CLIENTS.device.clientId,
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    },
    {
      ...secret(CLIENTS.intranet, 'client_secret_basic'),
      application_type: 'native',
      redirect_uris: [REDIRECT_URI],
    },
    {
      client_id: WEB_CLIENT_ID,
      token_endpoint_auth_method: 'private_key_jwt',
      application_type: 'native',
      redirect_uris: [REDIRECT_URI],
      jwks: { keys: [(await signingKey('PS256')).publicJwk] },
    },
    {
      client_id: CLIENTS.desktop.clientId,
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      redirect_uris: [REDIRECT_URI],
    },
  ] as NonNullable<Configuration['clients']>
}

/**
 * Looks at token requests before the provider does: a test may have one refused, and a workload's, which names no client, gets the one
 * that the provider cannot do without.
 */
function tokenRequestsThrough(
  provider: Provider,
  beforeToken: MachineAuthorizationServerOptions['beforeToken'],
): RequestListener {
  const handle = provider.callback()
  return (request, response) => {
    if (request.method === 'POST' && request.url === '/token') void handleToken(request, response)
    else void handle(request, response)
  }

  async function handleToken(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await readText(request))
    const refusal = beforeToken(form)
    if (refusal) {
      response.writeHead(400, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      response.end(JSON.stringify({ error: refusal.error, error_description: refusal.description }))
      return
    }
    const anonymous = !form.has('client_id') && !form.has('client_assertion') && !request.headers.authorization
    if (anonymous && form.has('assertion')) form.set('client_id', CLIENTS.workload.clientId)
    await handle(withBody(request, form.toString()), response)
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** The same request with another body. */
function withBody(request: IncomingMessage, body: string): IncomingMessage {
  const replaced = new IncomingMessage(request.socket)
  const { method, url, httpVersion } = request
  Object.assign(replaced, { method, url, httpVersion, complete: true })
  replaced.headers = { ...request.headers, 'content-length': String(Buffer.byteLength(body)) }
  replaced.push(body)
  replaced.push(null)
  return replaced
}
