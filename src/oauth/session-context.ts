import type { Discovery } from './discovery.ts'
import type { DpopKeys } from './dpop-key.ts'
import type { DpopNonces } from './dpop-nonces.ts'
import type { OAuthEvent } from './events.ts'
import type { GrantStrategy } from './grant-strategy.ts'
import type { IssuerException } from './issuer-exceptions.ts'
import type { DocumentReader } from './metadata-document.ts'
import type { OAuthRequest } from './oauth-request.ts'
import { encodeBase64Url } from './protocol/base64url.ts'
import type { Policy } from './policy.ts'
import type { RecordAccess } from './record-access.ts'
import type { CredentialKey, CredentialStore } from './store/credential-store.ts'

/** The world as one session sees it: what was configured, and the injected edges. Shared by the parts of the session. */
export interface SessionContext {
  readonly server: string
  readonly key: CredentialKey
  readonly store: CredentialStore
  readonly records: RecordAccess
  readonly grant: GrantStrategy
  readonly scope: string | undefined
  readonly interactive: boolean
  readonly fetch: typeof globalThis.fetch
  readonly policy: Policy
  readonly request: OAuthRequest
  readonly readDocument: DocumentReader
  readonly discovery: Discovery
  readonly exceptions: readonly IssuerException[]
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly emit: (event: OAuthEvent) => void
  /** Whether logins are bound to a key; absent: where both servers know DPoP. */
  readonly dpop: boolean | undefined
  readonly nonces: DpopNonces
  readonly dpopKeys: DpopKeys
  /** Keeps hold of a redemption that was sent, so that closing the session waits for it whoever else still does (R-TOKEN-3). */
  readonly track: <T>(redemption: Promise<T>) => Promise<T>
}

/** A number in [0, 1), from the session's own source of randomness. */
export function jitter(context: Pick<SessionContext, 'randomBytes'>): number {
  return (context.randomBytes(1)[0] ?? 0) / 256
}

/** A random name for a grant or an owner. */
export function randomId(context: Pick<SessionContext, 'randomBytes'>): string {
  return encodeBase64Url(context.randomBytes(16))
}
