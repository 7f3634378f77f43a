import type { Authorizer } from '../authorizer.ts'
import type { BegunLogin, IdTokenRequest, PreRegisteredClient } from '../grant-strategy.ts'
import type { LogoutOptions, LogoutReport } from '../logout.ts'
import { unionScopes } from '../protocol/scope.ts'
import { createSessionEngine } from '../session-engine.ts'
import type { OAuthSessionOptions } from '../session-options.ts'
import type { LoginStatus } from '../status.ts'
import { authorizationCode } from './authorization-code.ts'
import type { IdentityProvider } from './identity-assertion.ts'

/** Options of {@link openIdLogin}. Those that a session has, too, mean the same there. */
export interface OpenIdLoginOptions
  extends Pick<
    OAuthSessionOptions,
    'store' | 'interactive' | 'fetch' | 'now' | 'randomBytes' | 'sleep' | 'issuerExceptions' | 'resolveHost' | 'onEvent'
  > {
  /** Issuer of the identity provider, exactly as its metadata states it. */
  readonly issuer: string
  /** This client as the identity provider knows it. */
  readonly client: PreRegisteredClient
  /** Takes the person to the identity provider. Without one only `beginLogin` and `finishLogin` log in. */
  readonly authorizer?: Authorizer
  /** Keeps several people apart. Default `openid`; a profile of its own, so that an MCP server at the issuer's address is not meant. */
  readonly profile?: string
  /** Default `openid`. `openid` is added where it is missing, `offline_access` where the identity provider offers it. */
  readonly scope?: string
  /** Added to the authorization request, for providers that need more (`access_type`, `prompt`). */
  readonly authorizationParameters?: Readonly<Record<string, string>>
}

/** The login of one person at an identity provider. To be given to `identityAssertion` as its `identityProvider`. */
export interface OpenIdLogin extends IdentityProvider, AsyncDisposable {
  /**
   * An ID token that has a minute to live: the stored one, else that of a refresh, else that of a new login, for which a person is asked unless
   * `interactive` is false.
   *
   * @throws {OAuthError} `login_required` where a person would have to be asked and may not; every code of a login
   */
  idToken(wanted?: Partial<IdTokenRequest>): Promise<string>
  /** Logs in if there is no usable login; with `force` in any case. @throws {OAuthError} */
  login(options?: { readonly force?: boolean; readonly signal?: AbortSignal }): Promise<LoginStatus>
  /** Begins a login whose answer comes back some other way, as that of a session does. @throws {OAuthError} */
  beginLogin(options: { readonly redirectUri: string; readonly signal?: AbortSignal }): Promise<BegunLogin>
  /** Finishes a login that any process over the same store began. @throws {OAuthError} */
  finishLogin(parameters: URLSearchParams, options?: { readonly signal?: AbortSignal }): Promise<LoginStatus>
  /** What the store says; asks nobody. @throws {StoreError} */
  status(): Promise<LoginStatus>
  /**
   * Revokes the tokens at the identity provider, then forgets them. The person's own session in the browser goes on, and so does what MCP servers
   * were given: log out there, too.
   *
   * @throws {StoreError}
   */
  logout(options?: LogoutOptions): Promise<LogoutReport>
  /** Gives up a login under way, and waits for redemptions. */
  close(): Promise<void>
}

/**
 * Logs a person in at an identity provider (OpenID Connect, authorization code with PKCE) and keeps that login as a session keeps one: in the
 * same store, refreshed once for everybody, one browser for all processes.
 *
 * @throws {OAuthError} `configuration`
 * @see OpenID Connect Core 1.0 §3.1, §12
 */
export function openIdLogin(options: OpenIdLoginOptions): OpenIdLogin {
  const { issuer, client, authorizer, profile = 'openid', scope, authorizationParameters, ...edges } = options
  const grant = authorizationCode({
    issuer,
    client,
    ...(authorizer && { authorizer }),
    ...(authorizationParameters && { authorizationParameters }),
  })
  const engine = createSessionEngine({
    ...edges,
    server: issuer,
    profile,
    scope: unionScopes('openid', scope) ?? 'openid',
    dpop: false,
    grant: { ...grant, name: 'openid', openId: true },
  })
  const idToken = ({
    signal = new AbortController().signal,
    interactive = true,
    asking = () => () => undefined,
    refused,
  }: Partial<IdTokenRequest> = {}): Promise<string> =>
    engine.idToken({ signal, interactive, asking, ...(refused !== undefined && { refused }) })
  return {
    issuer,
    client,
    idToken,
    async login({ force = false, signal } = {}) {
      if (force) return engine.login({ force, ...(signal && { signal }) })
      await idToken({ ...(signal && { signal }) })
      return engine.status()
    },
    beginLogin: begin => engine.beginLogin(begin),
    finishLogin: (parameters, { signal } = {}) => engine.finishLogin(parameters, signal),
    status: () => engine.status(),
    logout: (logoutOptions = {}) => engine.logout(logoutOptions),
    close: () => engine.close(),
    [Symbol.asyncDispose]: () => engine.close(),
  }
}
