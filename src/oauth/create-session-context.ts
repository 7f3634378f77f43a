import { createDiscovery } from './discovery.ts'
import { createDpopKeys } from './dpop-key.ts'
import { createDpopNonces } from './dpop-nonces.ts'
import { OAuthError } from './errors.ts'
import { createDocumentReader } from './metadata-document.ts'
import { createOAuthRequest } from './oauth-request.ts'
import { createPolicy } from './policy.ts'
import { normalizeServerUrl } from './protocol/server-url.ts'
import { createRecordAccess } from './record-access.ts'
import { jitter, type SessionContext } from './session-context.ts'
import type { OAuthSessionOptions } from './session-options.ts'
import { sleep as sleepWithTimer } from './sleep.ts'
import { createMemoryStore } from './store/memory-store.ts'

/**
 * Puts together the world of one session. `settled` resolves when no redemption is under way.
 *
 * @throws {OAuthError} `configuration`
 */
export function createSessionContext(options: OAuthSessionOptions): {
  readonly context: SessionContext
  readonly settled: () => Promise<void>
} {
  const server = normalizeServerUrl(options.server)
  if (options.dpop === true && options.grant.supply) throw notBindable(options.grant.name)
  const key = { server, profile: options.profile ?? 'default' }
  // A token that the application supplies is the application's to keep.
  const store = options.grant.supply ? createMemoryStore() : (options.store ?? createMemoryStore())
  const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const now = options.now ?? Date.now
  const randomBytes = options.randomBytes ?? (length => crypto.getRandomValues(new Uint8Array(length)))
  const sleep = options.sleep ?? sleepWithTimer
  const exceptions = options.issuerExceptions ?? []
  const emit: SessionContext['emit'] = event => {
    try {
      options.onEvent?.(event)
    } catch {
      // A listener that throws must not cost a login, or a rotated token on its way to the store.
    }
  }
  const { resolveHost, preferIssuer } = options
  const policy = createPolicy({ server, exceptions, ...(resolveHost && { resolveHost }) })
  const request = createOAuthRequest({ fetch, policy, onEvent: emit, now })
  const readDocument = createDocumentReader({ request, sleep, jitter: () => jitter({ randomBytes }), emit })
  const underWay = new Set<Promise<unknown>>()
  const context: SessionContext = {
    server,
    key,
    store,
    records: createRecordAccess(store, key),
    grant: options.grant,
    scope: options.scope ?? options.grant.scope,
    interactive: options.interactive ?? true,
    fetch,
    policy,
    request,
    readDocument,
    discovery: createDiscovery({
      server,
      readDocument,
      exceptions,
      requirePkce: options.grant.usesRedirect,
      preferIssuer,
      onlyIssuer: options.grant.issuer,
      withoutResource: options.grant.openId,
      now,
      emit,
    }),
    exceptions,
    now,
    randomBytes,
    sleep,
    emit,
    dpop: options.dpop,
    nonces: createDpopNonces(),
    dpopKeys: createDpopKeys(),
    track(redemption) {
      const tracked = redemption.finally(() => underWay.delete(tracked))
      underWay.add(tracked)
      return tracked
    },
  }
  return {
    context,
    settled: async () => {
      await Promise.allSettled(underWay)
    },
  }
}

function notBindable(grant: string): OAuthError {
  const message = `The grant ${grant} brings tokens that are bound to no key: dpop cannot be required.`
  return new OAuthError('configuration', message, { step: 'configuration' })
}
