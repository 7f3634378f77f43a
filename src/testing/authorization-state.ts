import type { CheckedAuthenticationMethod, Misbehaviours } from './misbehaviours.ts'

/** A client the machine knows at one issuer. */
export interface KnownClient {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret?: string
  /** Milliseconds since the epoch. */
  readonly secretExpiresAt?: number
  readonly method: CheckedAuthenticationMethod
  readonly redirectUris: readonly string[]
  readonly scope?: string
}

/** A client registered by hand before the test begins. */
export interface PreRegisteredClient {
  readonly clientId: string
  readonly clientSecret?: string
  /** Default: `client_secret_basic` with a secret, `none` without. */
  readonly method?: CheckedAuthenticationMethod
  readonly redirectUris: readonly string[]
  readonly scope?: string
  /** Default: the machine's first issuer. */
  readonly issuer?: string
}

/** What one authorization granted; every token of the family points here. */
export interface Family {
  readonly issuer: string
  readonly clientId: string
  readonly account: string
  readonly scope: string | undefined
  readonly resource: string | undefined
  revoked: boolean
}

export interface IssuedCode {
  readonly family: Family
  readonly redirectUri: string
  readonly codeChallenge: string
  readonly expiresAt: number
  redeemed: boolean
}

export interface IssuedAccessToken {
  readonly family: Family
  readonly scope: string | undefined
  readonly expiresAt: number
  revoked: boolean
}

export interface IssuedRefreshToken {
  readonly family: Family
  /** Replaced by rotation. */
  spent: boolean
  revoked: boolean
}

/** Everything the machine has handed out. */
export interface AuthorizationState {
  readonly clients: Map<string, KnownClient>
  /** The clients that registration access tokens manage. */
  readonly managementTokens: Map<string, KnownClient>
  readonly codes: Map<string, IssuedCode>
  readonly accessTokens: Map<string, IssuedAccessToken>
  readonly refreshTokens: Map<string, IssuedRefreshToken>
  /** Every secret that was issued or seen, for canary tests. */
  readonly secrets: Set<string>
  /** A new recognizable secret: `canary-<kind>-<number>-…`. Deterministic. */
  mint(kind: 'code' | 'access-token' | 'refresh-token' | 'client-secret' | 'registration-token'): string
  /** A new number for an identifier that is no secret. */
  count(): number
}

/** The part of the machine that the endpoints work with. */
export interface Machine {
  readonly mcpUrl: string
  readonly issuers: readonly string[]
  readonly state: AuthorizationState
  now(): number
  switches(): Misbehaviours
}

export function createAuthorizationState(): AuthorizationState {
  let counter = 0
  const secrets = new Set<string>()
  return {
    clients: new Map(),
    managementTokens: new Map(),
    codes: new Map(),
    accessTokens: new Map(),
    refreshTokens: new Map(),
    secrets,
    mint: kind => {
      counter += 1
      const secret = `canary-${kind}-${String(counter).padStart(4, '0')}-do.not~show_me`
      secrets.add(secret)
      return secret
    },
    count: () => ++counter,
  }
}

/** The key of a client: the same id may be known to two issuers. */
export function clientKey(issuer: string, clientId: string): string {
  return `${issuer} ${clientId}`
}

/** Adds `path` to an issuer or origin, whose trailing slash does not count. */
export function endpointOf(base: string, path: string): string {
  return `${base.replace(/\/$/, '')}${path}`
}

/** The `resource` the machine considers its own. */
export function ownResource(machine: Machine): string {
  return machine.switches().resource ?? machine.mcpUrl
}

/** An OAuth error answer in the status the switches ask for. */
export function oauthError(machine: Machine, error: string, description: string, usual: 400 | 401 = 400): Response {
  const { errorStatus } = machine.switches()
  const status = errorStatus === 'by-the-book' ? usual : errorStatus
  return Response.json({ error, error_description: description }, { status, headers: { 'cache-control': 'no-store' } })
}

/** Splits a scope string. */
export function scopeTokens(scope: string | undefined | null): readonly string[] {
  return scope?.split(' ').filter(Boolean) ?? []
}
