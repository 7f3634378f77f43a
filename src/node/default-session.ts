import type { OAuthEvent } from '../oauth/events.ts'
import { authorizationCode } from '../oauth/flows/authorization-code.ts'
import type { GrantStrategy } from '../oauth/grant-strategy.ts'
import { createOAuthSession, type OAuthSession } from '../oauth/session.ts'
import type { OAuthSessionOptions } from '../oauth/session-options.ts'
import type { CredentialStore } from '../oauth/store/credential-store.ts'
import { createMemoryStore } from '../oauth/store/memory-store.ts'
import { createBrowserAuthorizer } from './browser-authorizer.ts'
import { assertStoreKind, createFileStore } from './file-store.ts'
import { resolveHost } from './resolve-host.ts'

/** Every option of a session; what is left out gets Node's default. */
export interface DefaultSessionOptions extends Partial<Omit<OAuthSessionOptions, 'server'>> {
  readonly grant?: GrantStrategy
  readonly store?: CredentialStore
  readonly onEvent?: (event: OAuthEvent) => void
}

/** The store that `LATCHKEY_STORE` and `LATCHKEY_HOME` name: encrypted files by default, shared with the command line. @throws {StoreError} */
export function createDefaultStore(): CredentialStore {
  return assertStoreKind(process.env['LATCHKEY_STORE']) === 'memory' ? createMemoryStore() : createFileStore()
}

/**
 * A session with Node's defaults: login through the browser, credentials in the store shared with the command line, names resolved for the
 * guard against private addresses.
 *
 * @throws {OAuthError} `configuration` @throws {StoreError}
 */
export function createDefaultSession(server: string | URL, options: DefaultSessionOptions = {}): OAuthSession {
  return createOAuthSession({
    resolveHost,
    ...options,
    server,
    store: options.store ?? createDefaultStore(),
    grant: options.grant ?? authorizationCode({ authorizer: createBrowserAuthorizer({ server: String(server) }) }),
  })
}
