/**
 * What a session does, for a log or a user interface. Never holds a secret: no token, code, verifier, state, secret or query string.
 * Texts that came from a server are cleaned and capped only where they are shown. New types may come; ignore those you do not know.
 */
export type OAuthEvent =
  /** One request of the authorization layer was answered, the login probe included; requests to the MCP server itself are the transport's. */
  | {
      readonly type: 'http'
      readonly step: string
      readonly method: string
      /** Without query and fragment. */
      readonly url: string
      readonly status: number
      readonly durationMs: number
    }
  /** The authorization server is known and its metadata valid; again whenever it was read or taken from memory. */
  | {
      readonly type: 'discovered'
      readonly issuer: string
      /** The RFC 8707 `resource` that tokens will be asked for. */
      readonly resource?: string
      /** Nothing was published: the endpoints are those that revision 2025-03-26 falls back to. */
      readonly legacy: boolean
    }
  /** Rules are relaxed for the issuer that a login goes to. */
  | { readonly type: 'exception'; readonly issuer: string; readonly exception: string; readonly source: string }
  /** A client identity was made for a login: registered, or named by its metadata document. */
  | {
      readonly type: 'registered'
      readonly issuer: string
      readonly kind: 'dynamic' | 'client-id-metadata-document'
      readonly clientId: string
      /** Why an earlier registration does not serve any more. */
      readonly reason?: string
    }
  /** Tokens are about to be obtained; with an interactive grant, a person is about to be asked. */
  | { readonly type: 'loginStarted'; readonly issuer: string; readonly scope?: string; readonly stepUp: boolean }
  /** Another process is asking a person for the same: its outcome is waited for. */
  | {
      readonly type: 'waitingForLogin'
      readonly issuer: string
      /** When that person was asked, in milliseconds since the epoch. */
      readonly askedAt: number
    }
  /** A login was completed and stored. */
  | {
      readonly type: 'loggedIn'
      readonly issuer: string
      readonly grantId: string
      readonly scope?: string
      /** Milliseconds since the epoch; absent when the server did not say. */
      readonly expiresAt?: number
      readonly refreshable: boolean
    }
  /** Newer tokens were found in the store and are used: somebody else logged in or refreshed. */
  | { readonly type: 'adopted'; readonly issuer: string; readonly grantId: string }
  /** A refresh token is about to be sent. */
  | { readonly type: 'refreshing'; readonly issuer: string; readonly reason: 'expiring' | 'rejected' }
  /** A refresh brought new tokens, and they are stored. */
  | {
      readonly type: 'refreshed'
      readonly issuer: string
      readonly grantId: string
      /** The refresh token was replaced, too. */
      readonly rotated: boolean
      readonly expiresAt?: number
    }
  /** A refresh failed. When it is retryable nothing is lost, else a login is needed. */
  | { readonly type: 'refreshFailed'; readonly issuer: string; readonly code: string; readonly retryable: boolean }
  /** What failed is tried again, no sooner than `delayMs` from now. */
  | { readonly type: 'retryScheduled'; readonly step: string; readonly delayMs: number }
  /** The server wants more scopes; a login for all of them follows. */
  | { readonly type: 'stepUp'; readonly issuer: string; readonly scope: string }
  /** A person must log in and may not be asked here. */
  | { readonly type: 'loginRequired'; readonly reason: string }
  /** A token was revoked at a logout, or could not be. */
  | {
      readonly type: 'revoked'
      readonly issuer: string
      readonly token: 'refresh_token' | 'access_token'
      readonly ok: boolean
    }
  /** A client registration was deleted at the authorization server at a logout, or could not be. */
  | { readonly type: 'unregistered'; readonly issuer: string; readonly clientId: string; readonly ok: boolean }
  /** A login was forgotten here. */
  | { readonly type: 'loggedOut'; readonly issuer?: string }
  /** Something works but should be known. */
  | { readonly type: 'warning'; readonly message: string }
