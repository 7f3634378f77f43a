import { importJWK, type JWTPayload, SignJWT } from 'jose'
import { answer, type Leg, requestParameters } from '../../demo/src/leg.ts'
import { createOAuthSession, type OAuthSession, type OAuthSessionOptions } from '../../src/oauth.ts'
import type { IdentityAssertionPolicy } from './machine-assertions.ts'
import {
  type MachineAuthorizationServer,
  type MachineAuthorizationServerOptions,
  type OAuthRefusal,
  startMachineAuthorizationServer,
} from './machine-authorization-server.ts'
import { CLIENTS, signingKey } from './machine-clients.ts'
import { type IdentityProvider, startIdentityProvider } from './machine-identity-provider.ts'
import { type MachineNotes, type MachineNotesOptions, startMachineNotes } from './machine-notes.ts'

const SCOPES: readonly string[] = ['notes:read', 'notes:write']

/** Long enough for every test, short enough to look like production. */
export const ACCESS_TOKEN_SECONDS = 300

const PLATFORM_ISSUER = 'https://platform.example'

export interface MachineWorldOptions
  extends Partial<
    Pick<
      MachineAuthorizationServerOptions,
      'accessTokenSeconds' | 'pushedAuthorizationRequests' | 'registration' | 'deviceFlow'
    >
  > {
  /** What the authorization server does about proof of possession. Default `off`. */
  readonly dpop?: MachineAuthorizationServerOptions['dpop']
  /** What the MCP server does about it. Default `off`. */
  readonly notesDpop?: MachineNotesOptions['dpop']
  /** Whether the MCP server wants nonces of its own. Default false. */
  readonly notesNonces?: boolean
  readonly clientMetadataDocument?: object | null
  /** What the authorization server grants at most; the MCP server knows `notes:read` and `notes:write`. Default: both. */
  readonly scopes?: readonly string[]
  /** Opaque access tokens can be revoked; JWTs cannot. Default `jwt`. */
  readonly accessTokens?: 'jwt' | 'opaque'
}

/**
 * An authorization server for machines, an enterprise's identity provider, a platform that issues workload tokens, and an MCP server
 * that trusts them; made of nothing of ours, and every exchange recorded.
 */
export interface MachineWorld extends AsyncDisposable {
  readonly mcpUrl: string
  readonly issuer: string
  readonly identityProvider: IdentityProvider
  readonly authorizationServer: MachineAuthorizationServer
  readonly notes: MachineNotes
  /** Everything since the last call of `forget`. */
  readonly legs: readonly Leg[]
  /** Exchanges at one path of the authorization server. */
  at(path: string): readonly Leg[]
  /** Token requests at the authorization server, of one grant type or all. */
  tokenRequests(grantType?: string): readonly Leg[]
  forget(): void
  /** The clock that sessions are given. */
  now(): number
  /** Moves that clock: what sessions hold looks older to them. */
  advance(ms: number): void
  /** From now on the MCP server rejects every access token issued so far. */
  revokeAccessTokens(): void
  /** From now on the MCP server rejects every access token there will ever be. */
  rejectAll(): void
  /** The next token requests are answered with these, one each, before the provider sees them. */
  refuseTokens(...refusals: readonly OAuthRefusal[]): void
  /** A token of the platform for a workload; `claims` replaces single ones. */
  workloadToken(claims?: JWTPayload): Promise<string>
  /** Lets the time of the last device code run out at the authorization server. */
  expireDeviceCode(): Promise<void>
  /** A session for the MCP server, on this clock; closed with the world. */
  session(options: Partial<OAuthSessionOptions> & Pick<OAuthSessionOptions, 'grant'>): OAuthSession
  /** Makes the identity provider wrong, or strict. */
  misissue(changes: Omit<IdentityAssertionPolicy, 'clientIds'>): void
}

export async function startMachineWorld(options: MachineWorldOptions = {}): Promise<MachineWorld> {
  const { dpop, notesDpop, notesNonces, accessTokens, ...authorization } = options
  const legs: Leg[] = []
  const issued = new Set<string>()
  const revoked = new Set<string>()
  const refusals: OAuthRefusal[] = []
  const clientIds = new Map<string, string>()
  let misissued: Omit<IdentityAssertionPolicy, 'clientIds'> = {}
  let skipped = 0
  let rejecting = false
  const record = (leg: Leg): void => {
    legs.push(leg)
    const { access_token: accessToken } = answer(leg)
    if (leg.server === 'authorization server' && typeof accessToken === 'string') issued.add(accessToken)
  }
  const platformKey = await signingKey('ES256')
  const identityProvider = await startIdentityProvider({ record, policy: () => ({ clientIds, ...misissued }) })
  const authorizationServer = await startMachineAuthorizationServer({
    accessTokenSeconds: ACCESS_TOKEN_SECONDS,
    scopes: SCOPES,
    ...authorization,
    ...(dpop && { dpop }),
    ...(accessTokens && { accessTokens }),
    trusted: {
      platform: { issuer: PLATFORM_ISSUER, jwks: { keys: [platformKey.publicJwk] } },
      identityProvider,
    },
    record,
    beforeToken: () => refusals.shift(),
  })
  clientIds.set(authorizationServer.issuer, CLIENTS.enterprise.clientId)
  const { provider } = authorizationServer
  const notes = await startMachineNotes({
    issuer: authorizationServer.issuer,
    scopes: SCOPES,
    record,
    ...(notesDpop && { dpop: notesDpop }),
    ...(notesNonces !== undefined && { nonces: notesNonces }),
    ...(accessTokens === 'opaque' && {
      introspect: async (token: string) => {
        const found = (await provider.ClientCredentials.find(token)) ?? (await provider.AccessToken.find(token))
        return found && { clientId: String(found.clientId), scope: found.scope ?? '' }
      },
    }),
    isRevoked: token => rejecting || revoked.has(token),
  })
  legs.length = 0
  const at = (path: string): readonly Leg[] =>
    legs.filter(leg => leg.server === 'authorization server' && leg.url.pathname === path)
  const sessions: OAuthSession[] = []
  const now = (): number => Date.now() + skipped
  return {
    mcpUrl: notes.mcpUrl,
    issuer: authorizationServer.issuer,
    identityProvider,
    authorizationServer,
    notes,
    legs,
    at,
    tokenRequests: type =>
      at('/token').filter(leg => type === undefined || requestParameters(leg)['grant_type'] === type),
    forget: () => void (legs.length = 0),
    now,
    advance: ms => void (skipped += ms),
    revokeAccessTokens: () => {
      for (const token of issued) revoked.add(token)
    },
    rejectAll: () => void (rejecting = true),
    refuseTokens: (...more) => void refusals.push(...more),
    workloadToken: async claims => {
      const jwt = new SignJWT({
        iss: PLATFORM_ISSUER,
        aud: authorizationServer.issuer,
        sub: 'spiffe://jobs/1',
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid: String(platformKey.publicJwk.kid) })
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .setExpirationTime('5m')
      return jwt.sign(await importJWK(platformKey.privateJwk, 'ES256'))
    },
    expireDeviceCode: async () => {
      const issuedCode = String(answer(at('/device/auth').at(-1)!)['device_code'])
      // The memory store hands out what it keeps.
      Object.assign((await provider.DeviceCode.adapter.find(issuedCode))!, { exp: 1 })
    },
    session: options => {
      const session = createOAuthSession({ server: notes.mcpUrl, now, ...options })
      sessions.push(session)
      return session
    },
    misissue: changes => void (misissued = changes),
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) await session.close()
      await Promise.all([notes.close(), authorizationServer.close(), identityProvider.close()])
    },
  }
}
