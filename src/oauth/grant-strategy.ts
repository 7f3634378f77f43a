import type { AuthorizationTarget } from './discovery.ts'
import type { ClientAuthenticationMethod } from './protocol/client-authentication.ts'

/** A client that somebody registered at the authorization server beforehand. */
export interface PreRegisteredClient {
  readonly clientId: string
  readonly clientSecret?: string
  /** Default: chosen from what the server advertises, `client_secret_basic` first when there is a secret. */
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
  /** Scope to ask for when there is no person involved; `offline_access` is never in it. */
  readonly scope?: string
  readonly signal?: AbortSignal
  /** Redirect URIs of the stored registration, most wanted first. */
  readonly preferredRedirectUris: readonly string[]
  /** Identifies the client for `redirectUri`, stores a pending login, and builds the authorization URL. */
  begin(redirectUri: string): Promise<BegunLogin>
  /** Validates an authorization response, redeems its code and stores the tokens. @throws {OAuthError} */
  finish(parameters: URLSearchParams): Promise<void>
  /** Sends a token request as this client and stores its answer as a new grant. For grants without a redirect. @throws {OAuthError} */
  redeem(form: URLSearchParams): Promise<void>
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
  /** Added to the authorization request, for providers that need more (`audience`, `prompt`). */
  readonly authorizationParameters?: Readonly<Record<string, string>>
  /** Obtains tokens and hands them to `context`. Absent when only `beginLogin` and `finishLogin` are used. @throws {OAuthError} */
  obtain?(context: GrantContext): Promise<void>
}
