import type { Client } from '../client/client.ts'
import { connect as connectOverHttp, type ConnectOptions as HttpConnectOptions } from '../http/connect.ts'
import { withOAuth } from '../oauth/with-oauth.ts'
import { createDefaultSession, type DefaultSessionOptions } from './default-session.ts'

/** Options of {@link connect}: those of the client, and what the login may be told. */
export interface ConnectOptions extends Omit<HttpConnectOptions, 'fetch'> {
  /** Makes every HTTP request, those to the authorization server included. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch
  /** What the session is made with; each member has Node's default. */
  readonly oauth?: Omit<DefaultSessionOptions, 'fetch'>
}

/**
 * Connects to an MCP server with Node's defaults: opens the browser when a login is needed, keeps it in the encrypted store shared with the
 * command line, refreshes silently.
 *
 * @throws {TransportError} @throws {RpcError} @throws {OAuthError} @throws {StoreError}
 */
export async function connect(server: string | URL, options: ConnectOptions = {}): Promise<Client> {
  const { oauth, fetch = globalThis.fetch, ...client } = options
  const session = createDefaultSession(server, { ...oauth, fetch })
  return connectOverHttp(server, {
    ...client,
    fetch: withOAuth(fetch, session),
    async onClosed() {
      await client.onClosed?.()
      await session.close()
    },
  })
}
