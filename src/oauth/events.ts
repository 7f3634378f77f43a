/** What a session does, for a log or a user interface. Never holds a secret. */
export type OAuthEvent =
  | {
      readonly type: 'http'
      readonly step: string
      readonly method: string
      readonly url: string
      readonly status: number
      readonly durationMs: number
    }
  | { readonly type: 'discovered'; readonly issuer: string; readonly resource?: string; readonly legacy: boolean }
  | { readonly type: 'exception'; readonly issuer: string; readonly exception: string; readonly source: string }
  | {
      readonly type: 'registered'
      readonly issuer: string
      readonly kind: 'dynamic' | 'client-id-metadata-document' | 'pre-registered'
      readonly clientId: string
      readonly reason?: string
    }
  | { readonly type: 'loginStarted'; readonly issuer: string; readonly scope?: string; readonly stepUp: boolean }
  | {
      readonly type: 'loggedIn'
      readonly issuer: string
      readonly grantId: string
      readonly scope?: string
      readonly expiresAt?: number
      readonly refreshable: boolean
    }
  | { readonly type: 'refreshing'; readonly issuer: string; readonly reason: 'expiring' | 'rejected' }
  | {
      readonly type: 'refreshed'
      readonly issuer: string
      readonly grantId: string
      readonly rotated: boolean
      readonly expiresAt?: number
    }
  | { readonly type: 'refreshFailed'; readonly issuer: string; readonly code: string; readonly retryable: boolean }
  | { readonly type: 'stepUp'; readonly issuer: string; readonly scope: string }
  | { readonly type: 'loginRequired'; readonly reason: string }
  | {
      readonly type: 'revoked'
      readonly issuer: string
      readonly token: 'refresh_token' | 'access_token'
      readonly ok: boolean
    }
  | { readonly type: 'loggedOut'; readonly issuer?: string }
  | { readonly type: 'warning'; readonly message: string }
