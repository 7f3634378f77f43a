import { OAuthError } from './errors.ts'
import type { BegunLogin } from './grant-strategy.ts'
import type { LogoutOptions, LogoutReport } from './logout.ts'
import type { RequestAuthorization } from './request-authorization.ts'
import { createSessionEngine, type SessionEngine } from './session-engine.ts'
import type { LoginOptions, OAuthSessionOptions } from './session-options.ts'
import type { LoginStatus } from './status.ts'

/** The login of one profile at one MCP server: the state machine that finds, keeps and renews it. */
export interface OAuthSession extends AsyncDisposable {
  /** Normalized URL of the MCP server. */
  readonly server: string
  readonly profile: string
  /**
   * Logs in. With a usable login that covers `scope` and no `force`, returns its status without asking anybody.
   *
   * @throws {OAuthError} `login_required` where no person may be asked; every code of discovery, registration and the token request
   */
  login(options?: LoginOptions): Promise<LoginStatus>
  /**
   * Begins a login whose answer comes back some other way, perhaps to another process: send the person to `url`. The pending login
   * lives ten minutes in the store.
   *
   * @throws {OAuthError}
   */
  beginLogin(options: {
    readonly redirectUri: string
    readonly scope?: string
    readonly signal?: AbortSignal
  }): Promise<BegunLogin>
  /**
   * Finishes a login that any session over the same store began, with the query parameters of the answer.
   *
   * @throws {OAuthError} `authorization_response_invalid`, `authorization_refused`, `token_refused` and others
   */
  finishLogin(parameters: URLSearchParams, options?: { readonly signal?: AbortSignal }): Promise<LoginStatus>
  /**
   * A currently valid access token, refreshed if need be. Never asks a person.
   *
   * @throws {OAuthError} `login_required`, or a retryable code when the token could not be refreshed now
   */
  accessToken(options?: { readonly signal?: AbortSignal }): Promise<string>
  /** What the store says; asks no server. @throws {StoreError} */
  status(): Promise<LoginStatus>
  /** Revokes the tokens, then forgets them whatever the server said. `client: true` forgets the registration too. @throws {StoreError} */
  logout(options?: LogoutOptions): Promise<LogoutReport>
  /** Gives up a login under way, and waits for redemptions, so that no rotated token is lost (R-TOKEN-3). */
  close(): Promise<void>
}

/**
 * Creates the session of one profile at one MCP server. Nothing is sent until it is needed.
 *
 * @throws {OAuthError} `configuration` for a server URL that cannot be used
 */
export function createOAuthSession(options: OAuthSessionOptions): OAuthSession {
  return new Session(createSessionEngine(options))
}

/**
 * What `withOAuth` asks of a session; not for applications.
 *
 * @throws {OAuthError} `configuration` when `session` does not come from {@link createOAuthSession}
 */
export function requestAuthorization(session: OAuthSession): RequestAuthorization {
  return Session.authorizationOf(session)
}

/** Everything is behind `#engine`, so that neither `inspect` nor a log can show a token. */
class Session implements OAuthSession {
  readonly server: string
  readonly profile: string
  readonly #engine: SessionEngine

  constructor(engine: SessionEngine) {
    this.server = engine.server
    this.profile = engine.profile
    this.#engine = engine
  }

  static authorizationOf(session: OAuthSession): RequestAuthorization {
    if (!(#engine in session)) throw notOurs()
    return session.#engine.authorization
  }

  login(options: LoginOptions = {}): Promise<LoginStatus> {
    return this.#engine.login(options)
  }

  beginLogin(options: Parameters<OAuthSession['beginLogin']>[0]): Promise<BegunLogin> {
    return this.#engine.beginLogin(options)
  }

  finishLogin(parameters: URLSearchParams, options: { readonly signal?: AbortSignal } = {}): Promise<LoginStatus> {
    return this.#engine.finishLogin(parameters, options.signal)
  }

  accessToken(options: { readonly signal?: AbortSignal } = {}): Promise<string> {
    return this.#engine.accessToken(options.signal)
  }

  status(): Promise<LoginStatus> {
    return this.#engine.status()
  }

  logout(options: LogoutOptions = {}): Promise<LogoutReport> {
    return this.#engine.logout(options)
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function notOurs(): OAuthError {
  return new OAuthError('configuration', 'withOAuth needs a session from createOAuthSession.', {
    step: 'configuration',
  })
}
