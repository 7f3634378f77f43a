/** What a self-check can find, as a closed list that callers may switch on. */
export type ProtectionFindingCode =
  /** The issuer's metadata cannot be read: clients cannot log in, and keys cannot be found. */
  | 'issuer_unavailable'
  /** Its metadata is for another issuer, such as one with a slash more: clients refuse it (RFC 8414 §3.3). */
  | 'issuer_mismatch'
  /** Its metadata cannot be used. */
  | 'issuer_invalid'
  /** It does not say that it supports PKCE with S256: clients refuse it unless they know better. */
  | 'pkce_not_advertised'
  /** It names no `jwks_uri`: JWTs cannot be verified by its metadata. */
  | 'no_keys'
  /** It lists the resources it protects, and this one is not among them (RFC 9728 §4). */
  | 'resource_not_listed'
  /** It lists its scopes, and one that is asked for is not among them. */
  | 'scope_not_offered'
  /** Tokens must be bound to a key, and it does not say that it binds any (RFC 9449 §5.1). */
  | 'dpop_not_offered'
  /** It takes neither client-id metadata documents nor registrations: every client must be known to it beforehand. */
  | 'clients_must_be_known'
  /** An audience that tokens for any service name. */
  | 'audience_too_wide'
  /** The resource leads to this machine, or into a private network. */
  | 'resource_not_public'
  /** What is served where clients look for the metadata is not this server's. */
  | 'metadata_not_served'

/** One thing that a self-check found. */
export interface ProtectionFinding {
  readonly code: ProtectionFindingCode
  /** `error`: nobody can log in, or too many can. `warning`: some clients cannot. `info`: good to know. */
  readonly severity: 'error' | 'warning' | 'info'
  readonly message: string
  readonly url?: string
  readonly expected?: string
  readonly received?: string
  /** What to do about it. */
  readonly hint: string
}
