import { beginPendingLogin } from './begin-login.ts'
import { loginRequired } from './challenge-errors.ts'
import { createChallengeRecovery, needsLogin } from './challenge-recovery.ts'
import { currentCredentials } from './credential-record.ts'
import { createDiscovery } from './discovery.ts'
import { createDpopKeys } from './dpop-key.ts'
import { createDpopNonces } from './dpop-nonces.ts'
import { OAuthError } from './errors.ts'
import { finishPendingLogin } from './finish-login.ts'
import { createIdTokenAccess, type IdTokenAccess } from './id-token-access.ts'
import type { BegunLogin } from './grant-strategy.ts'
import { announceException, createLogins, type LoginInput } from './login.ts'
import { logout, type LogoutOptions, type LogoutReport } from './logout.ts'
import { createDocumentReader } from './metadata-document.ts'
import { createOAuthRequest } from './oauth-request.ts'
import { createPolicy } from './policy.ts'
import { redactSecrets } from './protocol/redaction.ts'
import { hasScope, parseScope } from './protocol/scope.ts'
import { isWithinServer, normalizeServerUrl } from './protocol/server-url.ts'
import { createRecordAccess } from './record-access.ts'
import { createRefresher } from './refresh.ts'
import type { RequestAuthorization } from './request-authorization.ts'
import { createSigner } from './request-signer.ts'
import { waitFor } from './single-flight.ts'
import { probeServer } from './server-probe.ts'
import { jitter, type SessionContext } from './session-context.ts'
import type { LoginOptions, OAuthSessionOptions } from './session-options.ts'
import { sleep as sleepWithTimer } from './sleep.ts'
import { loginStatus, type LoginStatus } from './status.ts'
import { createMemoryStore } from './store/memory-store.ts'
import { createTokenAccess } from './token-access.ts'

/** The parts of a session, put together. */
export interface SessionEngine {
  readonly server: string
  readonly profile: string
  readonly authorization: RequestAuthorization
  login(options: LoginOptions): Promise<LoginStatus>
  beginLogin(options: {
    readonly redirectUri: string
    readonly scope?: string
    readonly signal?: AbortSignal
  }): Promise<BegunLogin>
  finishLogin(parameters: URLSearchParams, signal?: AbortSignal): Promise<LoginStatus>
  accessToken(signal?: AbortSignal): Promise<string>
  /** Of a login at an identity provider. */
  readonly idToken: IdTokenAccess
  status(): Promise<LoginStatus>
  logout(options: LogoutOptions): Promise<LogoutReport>
  close(): Promise<void>
}

/** Puts a session together. @throws {OAuthError} `configuration` */
export function createSessionEngine(options: OAuthSessionOptions): SessionEngine {
  const { context, settled } = createContext(options)
  const logins = createLogins(context)
  const refresher = createRefresher(context)
  const tokens = createTokenAccess({ context, logins, refresher })
  const recovery = createChallengeRecovery({ context, logins, refresher })

  const status = async (): Promise<LoginStatus> => loginStatus(context, await context.records.read())

  /** How the server asks for authorization, found out by asking it. */
  const challengeOf = async (signal: AbortSignal | undefined): Promise<LoginInput> => {
    if (context.grant.openId) return { allowLegacy: false }
    const { challenge, challenged } = await probeServer(context, signal)
    return { challenge, allowLegacy: challenged }
  }

  return {
    server: context.server,
    profile: context.key.profile,
    async login({ scope, force = false, signal }) {
      const before = await status()
      let { grantId } = before
      if (!force && isEnough(before, scope)) {
        try {
          await tokens.valid(signal)
          return await status()
        } catch (error) {
          if (!needsLogin(error)) throw error
        }
      }
      if (!logins.allowed) throw loginRequired(context.server)
      if (context.grant.supply) {
        await logins.obtain({ explicit: true, seen: { grantId } }, signal)
        return status()
      }
      // A person is logging in already; a second window would not help them.
      const serves = async (): Promise<boolean> => isEnough(await status(), scope)
      if ((await logins.join(signal)) && (await serves())) return status()
      const input = { ...(await challengeOf(signal)), scope, alone: force, explicit: true, mayAsk: true }
      // A login that began meanwhile asked for its own scope, not for this one.
      while (!(await logins.obtain({ ...input, seen: { grantId } }, signal)) && !(await serves()))
        grantId = (await status()).grantId
      return status()
    },
    async beginLogin({ redirectUri, scope, signal }) {
      if (!context.grant.usesRedirect) throw noRedirect(context.grant.name)
      const { challenge, allowLegacy = true } = await challengeOf(signal)
      context.discovery.invalidate()
      const target = await context.discovery.target({
        challenge,
        record: await context.records.read(),
        allowLegacy,
        signal,
      })
      announceException(context, target)
      return beginPendingLogin(context, {
        target,
        redirectUri,
        explicitScope: scope,
        challenge,
        signal,
      })
    },
    async finishLogin(parameters, signal) {
      await finishPendingLogin(context, parameters, { signal })
      return status()
    },
    accessToken: signal => tokens.valid(signal),
    idToken: createIdTokenAccess({ context, logins, refresher }),
    status,
    async logout(logoutOptions) {
      // A login whose code was sent would store its tokens after they were to be forgotten.
      await waitFor(settled(), logoutOptions.signal)
      return logout(context, logoutOptions)
    },
    async close() {
      await Promise.all([logins.end(), refresher.settled()])
      await settled()
    },
    authorization: {
      covers: url => isWithinServer(url, context.server),
      async prepare(signal) {
        const { grant, failure } = await tokens.current(signal)
        return { ...(grant && { signer: createSigner(context, grant) }), ...(failure && { failure }) }
      },
      recover: rejected => recovery.recover(rejected),
      succeeded: (operation, accessToken) => recovery.succeeded(operation, accessToken),
      grantId: () => currentCredentials(context.records.snapshot())?.credentials.grant?.grantId,
      redact(text) {
        const { accessToken, refreshToken } = currentCredentials(context.records.snapshot())?.credentials.grant ?? {}
        return redactSecrets(text, [accessToken, refreshToken])
      },
      onInteraction: listener => logins.interaction.subscribe(listener),
    },
  }
}

function noRedirect(grant: string): OAuthError {
  return new OAuthError('configuration', `The grant ${grant} sends nobody to a page: use login.`, { step: 'login' })
}

function notBindable(grant: string): OAuthError {
  const message = `The grant ${grant} brings tokens that are bound to no key: dpop cannot be required.`
  return new OAuthError('configuration', message, { step: 'configuration' })
}

function isEnough({ scope, loggedIn }: LoginStatus, wanted: string | undefined): boolean {
  return loggedIn && parseScope(wanted).every(each => hasScope(scope, each))
}

function createContext(options: OAuthSessionOptions): { context: SessionContext; settled: () => Promise<void> } {
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
