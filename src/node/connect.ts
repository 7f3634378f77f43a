import type { Client } from '../client/client.ts'
import { connect as connectOverHttp, type ConnectOptions as HttpConnectOptions } from '../http/connect.ts'
import { withOAuth } from '../oauth/with-oauth.ts'
import { createDefaultSession, defaultFetch, type DefaultSessionOptions } from './default-session.ts'
import type { NetworkOptions } from './network-fetch.ts'
import { explainPlainHttp } from './plain-http.ts'
import { createHostResolver } from './resolve-host.ts'

/** Options of {@link connect}: those of the client, and what the login may be told. */
export interface ConnectOptions extends Omit<HttpConnectOptions, 'fetch'> {
  /** Makes every HTTP request, those to the authorization server included. Default: see `network`. */
  readonly fetch?: typeof globalThis.fetch
  /** Proxies, CAs and client certificates of every request. Default: the environment's. Not together with `fetch`. */
  readonly network?: NetworkOptions
  /** What the session is made with; each member has Node's default. */
  readonly oauth?: Omit<DefaultSessionOptions, 'fetch' | 'network'>
}

/**
 * Connects to an MCP server with Node's defaults: opens the browser when a login is needed, keeps it in the encrypted store shared with the
 * command line, refreshes silently, and goes through the proxies that the environment names.
 *
 * @throws {TransportError} @throws {RpcError} @throws {OAuthError} @throws {StoreError}
 */
export async function connect(server: string | URL, options: ConnectOptions = {}): Promise<Client> {
  const { oauth, fetch: given, network, ...client } = options
  // One for every leg, so that none passes by a proxy or meets other certificates.
  const fetch = defaultFetch({ ...(given && { fetch: given }), ...(network && { network }) })
  const resolver = given === undefined ? { resolveHost: createHostResolver(network?.env) } : {}
  const session = createDefaultSession(server, { ...resolver, ...oauth, fetch })
  return connectOverHttp(server, {
    ...client,
    fetch: withOAuth(explainPlainHttp(fetch), session),
    async onClosed() {
      await client.onClosed?.()
      await session.close()
    },
  })
}
