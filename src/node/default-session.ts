import { join } from 'node:path'
import { OAuthError } from '../oauth/errors.ts'
import type { OAuthEvent } from '../oauth/events.ts'
import { authorizationCode } from '../oauth/flows/authorization-code.ts'
import type { GrantStrategy } from '../oauth/grant-strategy.ts'
import type { IssuerException } from '../oauth/issuer-exceptions.ts'
import { createOAuthSession, type OAuthSession } from '../oauth/session.ts'
import type { OAuthSessionOptions } from '../oauth/session-options.ts'
import type { CredentialStore } from '../oauth/store/credential-store.ts'
import { createMemoryStore } from '../oauth/store/memory-store.ts'
import { createBrowserAuthorizer } from './browser-authorizer.ts'
import { dataDirectory } from './data-directory.ts'
import { createDataKey } from './data-key.ts'
import { assertStoreKind, createFileStore } from './file-store.ts'
import { readIssuerExceptions } from './issuer-exceptions-file.ts'
import { createNetworkFetch, type NetworkOptions } from './network-fetch.ts'
import { createHostResolver, resolveHost } from './resolve-host.ts'

/** Every option of a session; what is left out gets Node's default. */
export interface DefaultSessionOptions extends Partial<Omit<OAuthSessionOptions, 'server'>> {
  readonly grant?: GrantStrategy
  readonly store?: CredentialStore
  /** Proxies, CAs and client certificates. Default: the environment's. Not together with `fetch`. */
  readonly network?: NetworkOptions
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
 * The `fetch` for every leg: the one that is given, else one for the network that is described or that the environment describes.
 *
 * @throws {OAuthError} `configuration` when both are given, or certificates cannot be used
 */
export function defaultFetch({
  fetch,
  network,
}: Pick<DefaultSessionOptions, 'fetch' | 'network'>): typeof globalThis.fetch {
  if (fetch === undefined) return createNetworkFetch(network)
  if (network === undefined) return fetch
  throw new OAuthError('configuration', 'Both `fetch` and `network` are given.', {
    step: 'network',
    expected: 'one of them: a `fetch` of your own decides itself about proxies and certificates',
    hint: 'Leave one out, or build upon createNetworkFetch(network).',
  })
}

/**
 * A session with Node's defaults: login through the browser, credentials in the store shared with the command line, and its
 * `issuer-exceptions.json` where no `issuerExceptions` are given; proxies and `SSL_CERT_FILE` of the environment, names resolved for the guard
 * against private addresses where they are not a proxy's to resolve.
 *
 * @throws {OAuthError} `configuration`, that file that cannot be used included @throws {StoreError}
 */
export function createDefaultSession(server: string | URL, options: DefaultSessionOptions = {}): OAuthSession {
  const { network, ...session } = options
  return createOAuthSession({
    // A `fetch` that is given is not known to use the proxies of the environment.
    resolveHost: options.fetch === undefined ? createHostResolver(network?.env) : resolveHost,
    ...session,
    issuerExceptions: options.issuerExceptions ?? ownExceptions(),
    fetch: defaultFetch(options),
    server,
    store: options.store ?? createDefaultStore(),
    grant: options.grant ?? authorizationCode({ authorizer: createBrowserAuthorizer({ server: String(server) }) }),
  })
}

function ownExceptions(): readonly IssuerException[] {
  let directory: string
  try {
    directory = dataDirectory()
  } catch {
    // A container's user may have no home, and so no such file.
    return []
  }
  return readIssuerExceptions(directory)
}
