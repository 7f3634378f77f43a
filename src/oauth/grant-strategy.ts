import type { AuthorizationTarget } from './discovery.ts'
import type { ClientAuthenticationMethod } from './protocol/client-authentication.ts'
import type { HttpAnswer } from './protocol/http-answer.ts'
import type { ClientKey } from './protocol/signing-key.ts'

/** The private key that a client authenticates with, and how its assertions are made. */
export interface ClientPrivateKey extends ClientKey {
  /** `aud` of the assertions. Default: the issuer (RFC 7523bis); some servers want their token endpoint. */
  readonly audience?: string
  /** Life of an assertion in seconds. Default 60, at most 300. */
  readonly lifetimeSeconds?: number
}

/** A client that somebody registered at the authorization server beforehand. */
export interface PreRegisteredClient {
  readonly clientId: string
  readonly clientSecret?: string
  /** For `private_key_jwt` (RFC 7523). Never stored. */
  readonly privateKey?: ClientPrivateKey
  /** Default: `private_key_jwt` with a private key, else chosen from what the server advertises, `client_secret_basic` first when there is a secret. */
  readonly tokenEndpointAuthMethod?: ClientAuthenticationMethod
}

/** What a client says about itself when it registers (RFC 7591 §2). */
export interface ClientMetadata {
  /** Shown to the person on the consent page. Default `Latchkey`. */
  readonly clientName?: string
  readonly clientUri?: string
  readonly logoUri?: string
  readonly softwareId?: string
  readonly softwareVersion?: string
  /** A signed JWT in which somebody whom the authorization server trusts vouches for the software (RFC 7591 §2.3). */
  readonly softwareStatement?: string
}

/** A login that was begun: send the person to `url`; the answer carries `state`. */
export interface BegunLogin {
  readonly url: URL
  readonly state: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** What a session lends to a grant while it obtains tokens. The grant sees neither the store nor the tokens. */
export interface GrantContext {
  /** Normalized URL of the MCP server. */
  readonly server: string
  /** The authorization server to use, validated. */
  readonly target: AuthorizationTarget
  /** Scope to ask for, with `offline_access` only where a person takes part (R-SCOPE-5). */
  readonly scope?: string
  readonly signal: AbortSignal
  /** What the strategy's own `subjectToken` resolved to. */
  readonly subjectToken?: string
  /** Redirect URIs of the stored registration, most wanted first. */
  readonly preferredRedirectUris: readonly string[]
  /** Identifies the client for `redirectUri`, stores a pending login, and builds the authorization URL. */
  begin(redirectUri: string): Promise<BegunLogin>
  /** Validates an authorization response, redeems its code and stores the tokens. @throws {OAuthError} */
  finish(parameters: URLSearchParams): Promise<void>
  /** Sends a token request as this client and stores its answer as a new grant. For grants without a redirect. @throws {OAuthError} */
  redeem(form: URLSearchParams): Promise<void>
  /** Sends a form as this client to another endpoint of the authorization server. @throws {OAuthError} what the request throws */
  send(request: { readonly step: string; readonly url: string; readonly form: URLSearchParams }): Promise<HttpAnswer>
  /** Sends a form to a token endpoint of another authorization server, as a client that is registered there; nothing is stored. @throws {OAuthError} */
  sendElsewhere(
    request: ElsewhereRequest,
  ): Promise<{ readonly answer: HttpAnswer; readonly secrets: readonly (string | undefined)[] }>
  /** Waits. @throws {OAuthError} `aborted` */
  sleep(ms: number): Promise<void>
  /** Milliseconds since the epoch. */
  now(): number
}

/** What the token that says for whom tokens are wanted may take. */
export interface IdTokenRequest {
  readonly signal: AbortSignal
  /** Whether a person may be asked for it now. */
  readonly interactive: boolean
  /** A token that was refused where it was shown: to be replaced, if that can be. */
  readonly refused?: string
  /**
   * To be called before a person is asked; the result when they are done. The clocks of waiting calls stand still in between.
   *
   * @throws {OAuthError} `too_many_attempts`
   */
  asking(): () => void
}

/** A request to an authorization server that is not the session's own, such as an identity provider. */
export interface ElsewhereRequest {
  readonly step: string
  /** Its issuer, whose metadata names the token endpoint. */
  readonly issuer: string
  /** Where its metadata is not published. */
  readonly tokenEndpoint?: string
  readonly client: PreRegisteredClient
  readonly form: URLSearchParams
}

/** A token that no authorization server is asked for. */
export interface SuppliedToken {
  readonly accessToken: string
  /** Milliseconds since the epoch; absent when it is used until it is refused. */
  readonly expiresAt?: number
  /** Space-separated. */
  readonly scope?: string
}

/**
 * How tokens are obtained: the one extension point of a session. Everything around it (discovery, client identity, storage,
 * refresh, step-up, retry) is the session's.
 */
export interface GrantStrategy {
  /** For people and logs. */
  readonly name: string
  /** True when a person takes part: such a grant runs only where interaction is allowed, and its attempts are counted. */
  readonly interactive: boolean
  /** Whether the authorization endpoint is used; if so, its metadata must advertise PKCE with S256 (R-ASM-5). */
  readonly usesRedirect: boolean
  /** `grant_types` to register. */
  readonly grantTypes: readonly string[]
  /** Wins over everything stored or registered (R-REG-1). */
  readonly client?: PreRegisteredClient
  /** URL of a client-id metadata document. */
  readonly clientMetadataUrl?: string
  readonly clientMetadata?: ClientMetadata
  /**
   * Sent to the registration endpoint, where only clients with one may register (RFC 7591 §3); never stored or shown. It goes to the
   * authorization server that the MCP server names, but to no second one: give `issuer`, too, to say which.
   */
  readonly initialAccessToken?: string
  /** Its public half is in the client-id metadata document, which then says `private_key_jwt` (R-CIMD-5). */
  readonly clientMetadataKey?: ClientPrivateKey
  /** The only authorization server that may be used; another one named by the MCP server is an error. */
  readonly issuer?: string
  /** `none`: the token request names no client at all, the assertion speaks for itself. Default: the client authenticates. */
  readonly clientAuthentication?: 'none'
  /**
   * Names whom a grant without a person speaks for, for this session not to use what another one obtained for somebody else in the same record.
   * No secret. Absent: whoever has the same client.
   */
  readonly obtainsFor?: string
  /** Scope to ask for where neither challenge nor metadata names one; the session's own `scope` goes first. */
  readonly scope?: string
  /** Added to the authorization request, for providers that need more (`audience`, `prompt`). */
  readonly authorizationParameters?: Readonly<Record<string, string>>
  /**
   * A login at the authorization server itself (OpenID Connect): there is no MCP server to ask, no `resource` is sent, and the ID token is
   * checked and kept. With `issuer` and `usesRedirect`.
   */
  readonly openId?: true
  /**
   * Gets the token that says for whom tokens are wanted, before `obtain`, which then finds it in its context. Nothing is locked meanwhile, so a
   * person may be asked.
   *
   * @throws {OAuthError} `login_required` where a person would have to be asked and may not
   */
  subjectToken?(request: IdTokenRequest): Promise<string>
  /** Whether `obtain` was told that this token is not taken: it is asked for once more, and shown if it is another by then. */
  refusesSubjectToken?(token: string): boolean
  /** Obtains tokens and hands them to `context`. Absent when only `beginLogin` and `finishLogin` are used. @throws {OAuthError} */
  obtain?(context: GrantContext): Promise<void>
  /**
   * Supplies a token that is used as it is: no discovery, no store, no refresh. In place of `obtain`.
   *
   * @throws {OAuthError}
   */
  supply?(context: { readonly server: string; readonly signal: AbortSignal }): Promise<SuppliedToken>
}
