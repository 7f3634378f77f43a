import type { ClientAuthenticationMethod } from '../protocol/client-authentication.ts'
import type { DpopJwk } from '../protocol/dpop.ts'

/** Names one credential record: everything known about one server under one profile. */
export interface CredentialKey {
  /** Normalized server URL (see `normalizeServerUrl`). */
  readonly server: string
  /** Profile name; `default` unless chosen. */
  readonly profile: string
}

/** A client's identity at one issuer. A client-id metadata document is never stored (each flow decides anew). */
export interface ClientRegistration {
  readonly kind: 'pre-registered' | 'dynamic'
  readonly clientId: string
  readonly clientSecret?: string
  /** Milliseconds since the epoch; absent when the secret never expires. */
  readonly clientSecretExpiresAt?: number
  readonly tokenEndpointAuthMethod: ClientAuthenticationMethod
  /** The redirect URIs that were registered. */
  readonly redirectUris?: readonly string[]
  /** The scope that was registered. */
  readonly scope?: string
  /** A machine's: no person logs in as this client. */
  readonly withoutPerson?: true
  /** RFC 7592 management, when offered. */
  readonly registrationClientUri?: string
  readonly registrationAccessToken?: string
}

/** The tokens of one login. A refresh keeps `grantId`; a login or step-up makes a new one and inherits nothing. */
export interface StoredGrant {
  readonly grantId: string
  readonly accessToken: string
  readonly tokenType: 'Bearer' | 'DPoP'
  /** Milliseconds since the epoch when the current tokens were asked for. */
  readonly obtainedAt: number
  /** Milliseconds since the epoch; absent when the server did not say. */
  readonly expiresAt?: number
  readonly refreshToken?: string
  /** Granted scope; when the answer named none, the scope that was requested (RFC 6749 §5.1). */
  readonly scope?: string
  /** The RFC 8707 `resource` exactly as sent; absent when an exception omits it. */
  readonly resource?: string
  /** The registered client it was issued to; no other may refresh or revoke it. A client-id metadata document is never stored. */
  readonly clientId?: string
  /** It was obtained without asking a person: it speaks for a machine. */
  readonly withoutPerson?: true
  /** Whom it speaks for, where that was a matter of configuration; used for nobody else. */
  readonly obtainedFor?: string
  /** The private key, a JWK with `alg`, that the tokens are bound to (RFC 9449). */
  readonly dpopJwk?: DpopJwk
  /** Who logged in, as an identity provider asserts it; kept only for logins at one. */
  readonly idToken?: string
}

/** Says that a redemption of a refresh token is under way, so that a crash in its middle can be told apart. */
export interface RefreshMark {
  /** Names the process and attempt. */
  readonly owner: string
  readonly startedAt: number
  /** SHA-256 (base64url) of the refresh token being redeemed. */
  readonly tokenHash: string
}

/** What is known at one issuer. */
export interface IssuerCredentials {
  readonly registration?: ClientRegistration
  readonly grant?: StoredGrant
  /** Union of the scopes requested, granted and challenged so far; survives refresh and re-login (R-SCOPE-8). */
  readonly knownScope?: string
  readonly refreshing?: RefreshMark
  /** Milliseconds since the epoch of the last definite refusal of the refresh token. */
  readonly refreshRefusedAt?: number
  /** The login that was refused was bound to a key: so is the next one, whatever the servers say then (R-DPOP-1). */
  readonly lostBoundGrant?: true
  /** What this issuer refused before; it is not tried again. */
  readonly refuses?: {
    readonly offlineAccess?: true
    readonly clientIdMetadataDocument?: true
    /** A client may not ask for more than the scope it registered with. */
    readonly scopeBeyondRegistration?: true
  }
}

/** A login that was begun and not yet finished; found again by its `state`. */
export interface PendingLogin {
  readonly issuer: string
  readonly codeVerifier: string
  readonly redirectUri: string
  readonly clientId: string
  /** A registration made for this login; replaces the issuer's when the login completes. */
  readonly registration?: ClientRegistration
  readonly resource?: string
  readonly requestedScope?: string
  /** The key that the tokens will be bound to. */
  readonly dpopJwk?: DpopJwk
  /** What the ID token must repeat, where one is to come. */
  readonly nonce?: string
  /** The `issuer` the metadata document stated, where an exception trusts another than the identifier; `iss` is held to it. */
  readonly statedIssuer?: string
  /** Whether `iss` must be present in the response (RFC 9207 §2.3). */
  readonly issRequired: boolean
  readonly createdAt: number
  readonly expiresAt: number
}

/** Says that a person is being asked, so that other processes wait for this login instead of opening another browser. */
export interface LoginUnderWay {
  /** Names the session and attempt. */
  readonly owner: string
  readonly issuer: string
  /** What is asked for; space-separated. */
  readonly scope?: string
  /** Of the client that was configured, if one was. */
  readonly clientId?: string
  /** Milliseconds since the epoch. */
  readonly askedAt: number
  /** Milliseconds since the epoch; renewed every few seconds. An owner that stops renewing is taken for dead. */
  readonly renewedAt: number
}

/** What is stored for one key. Written as a whole, replaced by compare-and-set. */
export interface CredentialRecord {
  /** Format of this record. */
  readonly format: 1
  readonly server: string
  readonly profile: string
  /** The issuer in use. */
  readonly current?: string
  readonly issuers: Readonly<Record<string, IssuerCredentials>>
  /** By `state`. At most {@link MAX_PENDING_LOGINS}; the oldest is dropped first. */
  readonly pendingLogins?: Readonly<Record<string, PendingLogin>>
  readonly loginUnderWay?: LoginUnderWay
}

export const MAX_PENDING_LOGINS = 8

/** A record as it was read, with the version that a write must name. */
export interface VersionedRecord {
  readonly version: number
  readonly record: CredentialRecord
}

/**
 * Keeps credential records. Every method may be called from many processes at once. Versions count up from 1 for each key;
 * 0 stands for "no record". Failures are `StoreError`s; an unreadable record is never reported as absent.
 */
export interface CredentialStore {
  /** What kind of store it is, for people: `memory`, `encrypted files in …`. */
  readonly description: string
  /** The record, or undefined when there is none. */
  get(key: CredentialKey): Promise<VersionedRecord | undefined>
  /** Every key that has a record. */
  list(): Promise<readonly CredentialKey[]>
  /** Writes `record` if the stored version is still `version`. Resolves to the new version, or undefined when another writer won. Durable once resolved. */
  compareAndSet(key: CredentialKey, version: number, record: CredentialRecord): Promise<number | undefined>
  /** Deletes the record if its version is still `version`; false when another writer won. */
  delete(key: CredentialKey, version: number): Promise<boolean>
  /** Runs `task` while no one else holds the lock of `key`. Waits; never runs `task` without the lock. `signal` ends the wait, not the task. */
  withLock<T>(key: CredentialKey, task: () => Promise<T>, options?: { readonly signal?: AbortSignal }): Promise<T>
}
