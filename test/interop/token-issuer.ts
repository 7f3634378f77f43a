import type { RequestListener } from 'node:http'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { createProvider } from '../../demo/src/authorization-server.ts'
import type { Leg } from '../../demo/src/leg.ts'
import { listenRecorded } from '../../demo/src/recorded-server.ts'
import { createDpopProof, type DpopKey } from '../../src/oauth/protocol/dpop.ts'

type Configuration = Parameters<typeof createProvider>[1]

/** Gets tokens for itself. */
export const ROBOT = { clientId: 'robot', clientSecret: 'secret-of-the-robot' }
/** What the resource server introspects with. */
export const RESOURCE_SERVER = { clientId: 'resource server', clientSecret: 'sp ace+plus%percent:colon' }

export const TOKEN_SECONDS = 300

export interface TokenIssuer extends AsyncDisposable {
  readonly issuer: string
  readonly introspectionEndpoint: string
  readonly jwksUri: string
  /** Requests at one path. */
  at(path: string): readonly Leg[]
  /** The published keys. */
  publicKeys(): Promise<readonly JWK[]>
  /** An access token for a resource; opaque when its path ends in `/opaque`. `claims` replaces single ones of a JWT before it is signed. */
  token(
    resource: string,
    options?: { readonly claims?: Readonly<Record<string, unknown>>; readonly dpopKey?: DpopKey },
  ): Promise<string>
  revoke(token: string): Promise<void>
  /** Signs with a new key from now on; the old one stays published unless `withdraws`. */
  rotateKey(options?: { readonly withdraws?: boolean }): Promise<void>
}

/** Starts oidc-provider for services that get tokens with their own credentials, JWTs and opaque ones. */
export async function startTokenIssuer(): Promise<TokenIssuer> {
  const legs: Leg[] = []
  let claims: Readonly<Record<string, unknown>> = {}
  let keys: readonly JWK[] = [await newKey(1)]
  let made = 1
  let handle: RequestListener | undefined

  async function configure(origin: string): Promise<RequestListener> {
    const settings = configuration([...keys], (payload: object) => {
      Object.assign(payload, claims)
    })
    const provider = await createProvider(origin, settings)
    const callback = provider.callback()
    return (request, response) => void callback(request, response)
  }

  const server = await listenRecorded(
    'authorization server',
    async origin => {
      handle = await configure(origin)
      return (request, response) => handle?.(request, response)
    },
    { record: leg => void legs.push(leg) },
  )
  const basic = `Basic ${btoa(`${ROBOT.clientId}:${ROBOT.clientSecret}`)}`
  const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { authorization: basic, ...headers },
      body: new URLSearchParams(form),
    })

  return {
    issuer: server.url,
    introspectionEndpoint: `${server.url}/token/introspection`,
    jwksUri: `${server.url}/jwks`,
    at: path => legs.filter(leg => leg.url.pathname === path),
    publicKeys: async () => ((await (await fetch(`${server.url}/jwks`)).json()) as { keys: JWK[] }).keys,
    async token(resource, options = {}) {
      claims = options.claims ?? {}
      const url = `${server.url}/token`
      const proof =
        options.dpopKey &&
        (await createDpopProof(options.dpopKey, { method: 'POST', url, now: Date.now(), randomBytes }))
      const form = { grant_type: 'client_credentials', resource, scope: 'notes:read' }
      const response = await post('/token', form, proof === undefined ? {} : { dpop: proof })
      const answer = (await response.json()) as { access_token?: string; error_description?: string }
      if (answer.access_token === undefined) throw new Error(`no token: ${JSON.stringify(answer)}`)
      return answer.access_token
    },
    async revoke(token) {
      const response = await post('/token/revocation', { token })
      if (!response.ok) throw new Error(`not revoked: ${await response.text()}`)
    },
    async rotateKey({ withdraws = false } = {}) {
      keys = [await newKey(++made), ...(withdraws ? [] : keys)]
      handle = await configure(server.url)
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

export const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))

async function newKey(number: number): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: `key-${number}` }
}

function configuration(keys: JWK[], change: (payload: object) => void): Configuration {
  const service = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }
  const secretOf = ({ clientId, clientSecret }: typeof ROBOT) => ({ client_id: clientId, client_secret: clientSecret })
  return {
    jwks: { keys },
    clients: [ROBOT, RESOURCE_SERVER].map(client => ({ ...service, ...secretOf(client) })) as NonNullable<
      Configuration['clients']
    >,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    responseTypes: ['code'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: (_context, client) => client.clientId === RESOURCE_SERVER.clientId,
      },
      revocation: { enabled: true, allowedPolicy: () => true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'notes:read notes:write',
          audience: resource,
          accessTokenTTL: TOKEN_SECONDS,
          ...(resource.endsWith('/opaque')
            ? { accessTokenFormat: 'opaque' }
            : { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
        }),
      },
    },
    formats: { customizers: { jwt: (_context, _token, parts) => change(parts.payload ?? {}) } },
    ttl: { ClientCredentials: TOKEN_SECONDS },
  }
}
