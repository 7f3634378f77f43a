/** What became of one authorization response. The page or prompt the person sees tells exactly this. */
export type CallbackOutcome =
  /** Tokens are stored. */
  | { readonly status: 'completed' }
  /** This login has failed for good. `message` is safe to show. */
  | { readonly status: 'failed'; readonly message: string }
  /** Not an answer to this login (unknown or stale `state`): say so politely and keep waiting. */
  | { readonly status: 'ignored'; readonly message: string }

/** Takes the query parameters of an authorization response, finishes the login, and says what became of it. Never rejects. */
export type CallbackHandler = (parameters: URLSearchParams) => Promise<CallbackOutcome>

/** An authorizer whose redirect URI is known and can be received. */
export interface PreparedAuthorizer {
  /** Bound and listening before it is used anywhere (R-AUTHZ-4). */
  readonly redirectUri: string
  /**
   * Takes the person to `url` and hands every authorization response that arrives to `handle`. Resolves when `handle` said
   * `completed` or `failed` and the person has been told; `ignored` keeps it waiting.
   *
   * @throws {OAuthError} `login_timeout`, `aborted`
   */
  authorize(url: URL, handle: CallbackHandler): Promise<void>
  /** Frees the port or prompt. Safe to call twice. */
  close(): Promise<void>
}

export interface PrepareOptions {
  readonly signal?: AbortSignal
  /** Redirect URIs already registered, most wanted first: one of these should be bound when it can be had (R-DCR-4). */
  readonly preferredRedirectUris?: readonly string[]
  /** Host that a new loopback redirect URI should have, since the provider takes no other. What was configured goes first. */
  readonly redirectHost?: 'localhost' | '127.0.0.1'
}

/** Takes a person to an authorization URL and brings the answer back: a browser with a loopback listener, a paste prompt, or anything else. */
export interface Authorizer {
  prepare(options: PrepareOptions): Promise<PreparedAuthorizer>
}
