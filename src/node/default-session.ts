import { join } from 'node:path'
import type { OAuthEvent } from '../oauth/events.ts'
import { authorizationCode } from '../oauth/flows/authorization-code.ts'
import type { GrantStrategy } from '../oauth/grant-strategy.ts'
import { createOAuthSession, type OAuthSession } from '../oauth/session.ts'
import type { OAuthSessionOptions } from '../oauth/session-options.ts'
import type { CredentialStore } from '../oauth/store/credential-store.ts'
import { createMemoryStore } from '../oauth/store/memory-store.ts'
import { createBrowserAuthorizer } from './browser-authorizer.ts'
import { dataDirectory } from './data-directory.ts'
import { createDataKey } from './data-key.ts'
import { assertStoreKind, createFileStore } from './file-store.ts'
import { resolveHost } from './resolve-host.ts'

/** Every option of a session; what is left out gets Node's default. */
export interface DefaultSessionOptions extends Partial<Omit<OAuthSessionOptions, 'server'>> {
  readonly grant?: GrantStrategy
  readonly store?: CredentialStore
  readonly onEvent?: (event: OAuthEvent) => void
}

/**
 * The store that `LATCHKEY_STORE` and `LATCHKEY_HOME` name, shared with the command line: encrypted files, their key in the keychain if the
 * one of this machine can be used when the store is made, else in a file. `keychain` and `file` insist; `memory` stores nothing.
 *
 * @throws {StoreError}
 */
export function createDefaultStore(): CredentialStore {
  const kind = assertStoreKind(process.env['LATCHKEY_STORE'])
  if (kind === 'memory') return createMemoryStore()
  const directory = join(dataDirectory(), 'credentials')
  const dataKey = createDataKey({ directory, prefer: kind ?? 'keychain', insist: kind !== undefined })
  return createFileStore({ directory, dataKey })
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
