import type { OAuthEvent } from './events.ts'
import type { GrantStrategy } from './grant-strategy.ts'
import type { IssuerException } from './issuer-exceptions.ts'
import type { PolicyOptions } from './policy.ts'
import type { CredentialStore } from './store/credential-store.ts'

/** Options of {@link createOAuthSession}. */
export interface OAuthSessionOptions {
  /** URL of the MCP server. Copied: changing a `URL` object later changes nothing. */
  readonly server: string | URL
  /** Keeps several accounts at one server apart. Default `default`. */
  readonly profile?: string
  /** Default: a memory store of its own. */
  readonly store?: CredentialStore
  /** How tokens are obtained. */
  readonly grant: GrantStrategy
  /** Asked for where neither the challenge nor the server's metadata names a scope. */
  readonly scope?: string
  /** Whether a person may be asked. With false, `login_required` or `step_up_required` is thrown instead. Default true. */
  readonly interactive?: boolean
  /**
   * Whether tokens are bound to a key of this login, so that nobody else can use them (DPoP, RFC 9449). True: always, and a bearer token is
   * refused; false: never. Default: where the MCP server and its authorization server both offer it.
   */
  readonly dpop?: boolean
  /** Used for every request of the session. Default `globalThis.fetch`. */
  readonly fetch?: typeof globalThis.fetch
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number
  readonly randomBytes?: (length: number) => Uint8Array
  /** Waits between retries. Default: a timer. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Rules relaxed for single issuers; win over the built-in ones. */
  readonly issuerExceptions?: readonly IssuerException[]
  /** Chooses among several authorization servers of the MCP server when none is known yet. Default: the first. */
  readonly preferIssuer?: (issuers: readonly string[]) => string | undefined
  /** Resolves host names, so that metadata of a public server cannot point into the private network. */
  readonly resolveHost?: NonNullable<PolicyOptions['resolveHost']>
  /** Told what happens. Never gets a secret. Must not throw. */
  readonly onEvent?: (event: OAuthEvent) => void
}

/** Options of {@link OAuthSession.login}. */
export interface LoginOptions {
  /** Ask for exactly this scope, space-separated. */
  readonly scope?: string
  /** Log in although a usable login exists. Default false. */
  readonly force?: boolean
  readonly signal?: AbortSignal
}
