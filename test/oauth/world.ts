import type { Authorizer } from '../../src/oauth/authorizer.ts'
import type { OAuthEvent } from '../../src/oauth/events.ts'
import { authorizationCode, type AuthorizationCodeOptions } from '../../src/oauth/flows/authorization-code.ts'
import { createOAuthSession, type OAuthSession } from '../../src/oauth/session.ts'
import type { OAuthSessionOptions } from '../../src/oauth/session-options.ts'
import type { CredentialStore } from '../../src/oauth/store/credential-store.ts'
import { createMemoryStore } from '../../src/oauth/store/memory-store.ts'
import { withOAuth, type AuthorizedFetch } from '../../src/oauth/with-oauth.ts'

export const SERVER = 'https://mcp.example.com/mcp'
export const ISSUER = 'https://as.example.com'
export const OTHER_ISSUER = 'https://other.example.com'
export const REDIRECT_URI = 'http://127.0.0.1:4711/callback'

/** One request that arrived anywhere in the world. */
export interface Seen {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: string
  readonly form: URLSearchParams
}

type Answer = Response | undefined | Promise<Response | undefined>
export type Route = (seen: Seen) => Answer

export const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } })

export const notFound = (): Response => new Response('Not Found', { status: 404 })

/** An MCP server and two authorization servers in one `fetch`, each route of which a test may replace. */
export class World {
  now = 1_800_000_000_000
  store: CredentialStore = createMemoryStore()
  readonly seen: Seen[] = []
  readonly events: OAuthEvent[] = []
  /** By `METHOD origin/path`; answers first; undefined falls through. */
  readonly routes = new Map<string, Route>()
  /** Which access tokens the MCP server accepts. */
  accepts = (token: string): boolean => this.live.has(token)
  challenge = `Bearer resource_metadata="${new URL('/.well-known/oauth-protected-resource/mcp', SERVER).href}"`
  resourceMetadata: Record<string, unknown> = { resource: SERVER, authorization_servers: [ISSUER] }
  serverMetadata: Record<string, unknown> = {}
  /** Members of every token response; the tokens are numbered. */
  tokenResponse: Record<string, unknown> = { expires_in: 3600 }
  givesRefreshToken = true
  /** What the person does on the consent page. */
  consent: (url: URL) => Record<string, string> = () => ({ code: `code-${++this.#counter}` })
  readonly live = new Set<string>()
  /** Live refresh tokens, each with the client it was given to. */
  readonly refreshTokens = new Map<string, string>()
  readonly slept: number[] = []
  readonly authorizer: Authorizer
  port = 4711
  #counter = 0
  #random = 0

  constructor() {
    this.authorizer = {
      prepare: async () => ({
        redirectUri: `http://127.0.0.1:${this.port}/callback`,
        authorize: async (url, handle) => {
          const parameters = await this.approve(url)
          await handle(parameters)
        },
        close: async () => undefined,
      }),
    }
  }

  /** Visits the authorization URL as a browser would and returns what the callback receives. */
  async approve(url: URL): Promise<URLSearchParams> {
    await this.fetch(url.href)
    const answer = this.consent(url)
    return new URLSearchParams({ state: url.searchParams.get('state') ?? '', iss: url.origin, ...answer })
  }

  session(options: Partial<OAuthSessionOptions> = {}, grant: AuthorizationCodeOptions = {}): OAuthSession {
    return createOAuthSession({
      server: SERVER,
      store: this.store,
      grant: authorizationCode({ authorizer: this.authorizer, ...grant }),
      fetch: this.fetch,
      now: () => this.now,
      sleep: async ms => {
        this.slept.push(ms)
      },
      randomBytes: length => Uint8Array.from({ length }, () => (this.#random = (this.#random * 31 + 7) % 251)),
      onEvent: event => this.events.push(event),
      ...options,
    })
  }

  client(
    options: Partial<OAuthSessionOptions> = {},
    grant: AuthorizationCodeOptions = {},
  ): { session: OAuthSession; fetch: AuthorizedFetch } {
    const session = this.session(options, grant)
    return { session, fetch: withOAuth(this.fetch, session) }
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, { ...init, redirect: 'manual' })
    const body = await request.text()
    const seen: Seen = {
      method: request.method,
      url: new URL(request.url),
      headers: request.headers,
      body,
      form: new URLSearchParams(body),
    }
    this.seen.push(seen)
    const replaced = await this.routes.get(routeOf(seen))?.(seen)
    return replaced ?? this.#answer(seen)
  }

  /** The requests to `METHOD origin/path`. */
  to(route: string): readonly Seen[] {
    return this.seen.filter(seen => routeOf(seen) === route)
  }

  count(route: string): number {
    return this.to(route).length
  }

  get tokenRequests(): readonly Seen[] {
    return this.to(`POST ${ISSUER}/token`)
  }

  get refreshes(): readonly Seen[] {
    return this.tokenRequests.filter(({ form }) => form.get('grant_type') === 'refresh_token')
  }

  /** Visits of a person; a look that the client takes by itself names the client. */
  get authorizations(): readonly Seen[] {
    return this.seen.filter(({ url, headers }) => url.pathname === '/authorize' && !headers.has('user-agent'))
  }

  /** Looks at the authorization page that the client took by itself. */
  get looks(): readonly Seen[] {
    return this.seen.filter(({ url, headers }) => url.pathname === '/authorize' && headers.has('user-agent'))
  }

  /** Waits until `condition` holds; the test's own time-out is the limit. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise(resolve => setImmediate(resolve))
  }

  /** Gives whatever should not happen ample opportunity. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
  }

  /** Holds every answer of the token endpoint until the returned function is called. */
  holdTokenEndpoint(): () => void {
    const gate = new EventTarget()
    const opened = new Promise(resolve => gate.addEventListener('open', resolve))
    this.routes.set(`POST ${ISSUER}/token`, async seen => {
      await opened
      return this.token(seen)
    })
    return () => void gate.dispatchEvent(new Event('open'))
  }

  #answer(seen: Seen): Response {
    const { url, method } = seen
    if (url.href.split('?')[0] === SERVER) return this.#mcp(seen)
    if (url.href === new URL('/.well-known/oauth-protected-resource/mcp', SERVER).href)
      return json(this.resourceMetadata)
    if (url.origin === ISSUER || url.origin === OTHER_ISSUER) {
      if (url.pathname === '/.well-known/oauth-authorization-server') return json(this.metadataOf(url.origin))
      if (url.pathname === '/authorize') return new Response('consent')
      if (url.pathname === '/register' && method === 'POST') {
        const { redirect_uris } = JSON.parse(seen.body) as { redirect_uris: string[] }
        return json({ client_id: `client-${++this.#counter}`, redirect_uris, token_endpoint_auth_method: 'none' }, 201)
      }
      if (url.pathname === '/token' && method === 'POST') return this.token(seen)
      if (url.pathname === '/revoke' && method === 'POST') return new Response(null, { status: 200 })
    }
    return notFound()
  }

  metadataOf(issuer: string): Record<string, unknown> {
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      registration_endpoint: `${issuer}/register`,
      revocation_endpoint: `${issuer}/revoke`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      ...this.serverMetadata,
    }
  }

  #mcp({ headers }: Seen): Response {
    const token = headers.get('authorization')?.replace(/^Bearer /, '')
    if (token === undefined || !this.accepts(token)) {
      const error = token === undefined ? '' : ', error="invalid_token"'
      return new Response('unauthorized', { status: 401, headers: { 'www-authenticate': this.challenge + error } })
    }
    return json({ ok: true })
  }

  /** The honest token endpoint: rotation, and refresh tokens bound to their client. */
  token({ form }: Seen): Response {
    const client = form.get('client_id') ?? ''
    if (form.get('grant_type') === 'refresh_token') {
      const old = form.get('refresh_token') ?? ''
      if (this.refreshTokens.get(old) !== client) return json({ error: 'invalid_grant' }, 400)
      this.refreshTokens.delete(old)
    }
    const id = ++this.#counter
    this.live.add(`access-${id}`)
    if (this.givesRefreshToken) this.refreshTokens.set(`refresh-${id}`, client)
    return json({
      access_token: `access-${id}`,
      token_type: 'Bearer',
      ...(this.givesRefreshToken && { refresh_token: `refresh-${id}` }),
      ...this.tokenResponse,
    })
  }

  /** Everything that was handed out so far is rejected from now on. */
  revokeAccessTokens(): void {
    this.live.clear()
  }
}

function routeOf({ method, url }: Seen): string {
  return `${method} ${url.origin}${url.pathname}`
}
