import { beginPendingLogin } from './begin-login.ts'
import { loginRequired } from './challenge-errors.ts'
import { createChallengeRecovery, needsLogin } from './challenge-recovery.ts'
import { createSessionContext } from './create-session-context.ts'
import { currentCredentials } from './credential-record.ts'
import { OAuthError } from './errors.ts'
import { finishPendingLogin } from './finish-login.ts'
import { createIdTokenAccess, type IdTokenAccess } from './id-token-access.ts'
import type { BegunLogin } from './grant-strategy.ts'
import { announceException, createLogins, type LoginInput } from './login.ts'
import { logout, type LogoutOptions, type LogoutReport } from './logout.ts'
import { redactSecrets } from './protocol/redaction.ts'
import { hasScope, parseScope } from './protocol/scope.ts'
import { isWithinServer } from './protocol/server-url.ts'
import { createRefresher } from './refresh.ts'
import type { RequestAuthorization } from './request-authorization.ts'
import { createSigner } from './request-signer.ts'
import { waitFor } from './single-flight.ts'
import { probeServer } from './server-probe.ts'
import type { LoginOptions, OAuthSessionOptions } from './session-options.ts'
import { loginStatus, type LoginStatus } from './status.ts'
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
  const { context, settled } = createSessionContext(options)
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

function isEnough({ scope, loggedIn }: LoginStatus, wanted: string | undefined): boolean {
  return loggedIn && parseScope(wanted).every(each => hasScope(scope, each))
}
