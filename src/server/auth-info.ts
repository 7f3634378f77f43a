/** What a verified access token says. */
export interface AuthInfo {
  /**
   * Who the request acts for: issuer, subject and client in one string, never empty. What belongs to one principal (sessions, tasks, sealed
   * state, subscriptions) is of no use to another.
   */
  readonly principal: string
  readonly issuer?: string | undefined
  readonly subject?: string | undefined
  readonly clientId?: string | undefined
  /** Granted scopes; empty when the token names none. */
  readonly scopes: readonly string[]
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number | undefined
  /** Every claim of the token, or member of the introspection response. */
  readonly claims: Readonly<Record<string, unknown>>
  /** As it came. A secret: never log it, never pass it on to another server. */
  readonly token: string
}

/** Scopes that an operation needs, all of them; a function decides by what is asked for. */
export type RequiredScopes<Input> =
  | readonly string[]
  | ((input: Input, auth: AuthInfo | undefined) => readonly string[])
