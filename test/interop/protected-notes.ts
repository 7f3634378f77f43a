import { type AuthorizationServer, startAuthorizationServer } from '../../demo/src/authorization-server.ts'
import { answer, type Leg } from '../../demo/src/leg.ts'
import { NOTES_SCOPES, startNotesServer } from '../../demo/src/notes-server.ts'
import { approve, type ScriptedUserOptions } from '../../demo/src/scripted-user.ts'
import { startOfficialNotesServer } from './official-notes-server.ts'
import {
  type Authorizer,
  authorizationCode,
  type CredentialStore,
  createOAuthSession,
  type OAuthSession,
  type OAuthSessionOptions,
} from '../../src/oauth.ts'

/** A real authorization server, a protected MCP server, and what went over the wire. */
export interface ProtectedNotes extends AsyncDisposable {
  readonly issuer: string
  readonly mcpUrl: string
  /** Everything since the last call of `forget`. */
  readonly legs: readonly Leg[]
  /** Exchanges at one path of the authorization server. */
  at(path: string): readonly Leg[]
  forget(): void
  /** Moves the sessions' clock: what they hold looks older to them. */
  advance(ms: number): void
  /** From now on the MCP server rejects every access token issued so far. */
  revokeAccessTokens(): void
  session(options?: SessionOptions): OAuthSession
}

interface SessionOptions extends Partial<OAuthSessionOptions> {
  readonly user?: ScriptedUserOptions
  readonly store?: CredentialStore
}

/** Long enough for every test, short enough to look like production. */
export const ACCESS_TOKEN_SECONDS = 300

const REDIRECT_URI = 'http://127.0.0.1:18080/callback'

interface NotesPolicy {
  readonly keepsRegisteredScope?: boolean
  /** Who made the MCP server: `official` is made with the official SDK alone, so that nobody here wrote it; `ours` filters lists. Default `official`. */
  readonly server?: 'official' | 'ours'
}

export async function startProtectedNotes(
  path = '',
  { server = 'official', ...policy }: NotesPolicy = {},
): Promise<ProtectedNotes> {
  const legs: Leg[] = []
  const issued = new Set<string>()
  let skipped = 0
  const now = (): number => Date.now() + skipped
  const record = (leg: Leg): void => {
    legs.push(leg)
    const { access_token: accessToken } = answer(leg)
    if (typeof accessToken === 'string') issued.add(accessToken)
  }
  const authorizationServer: AuthorizationServer = await startAuthorizationServer({
    scopes: NOTES_SCOPES,
    accessTokenSeconds: ACCESS_TOKEN_SECONDS,
    path,
    record,
    ...policy,
  })
  const revoked = new Set<string>()
  const start = server === 'ours' ? startNotesServer : startOfficialNotesServer
  const notes = await start({
    filterLists: true,
    issuer: authorizationServer.issuer,
    record,
    isRevoked: token => revoked.has(token),
  })
  legs.length = 0
  const sessions: OAuthSession[] = []
  return {
    issuer: authorizationServer.issuer,
    mcpUrl: notes.mcpUrl,
    legs,
    at: name => legs.filter(leg => leg.server === 'authorization server' && leg.url.pathname === `${path}${name}`),
    forget: () => void (legs.length = 0),
    advance: ms => void (skipped += ms),
    revokeAccessTokens: () => {
      for (const token of issued) revoked.add(token)
    },
    session: ({ user, ...options } = {}) => {
      const session = createOAuthSession({
        server: notes.mcpUrl,
        grant: authorizationCode({ authorizer: scriptedAuthorizer(user) }),
        now,
        ...options,
      })
      sessions.push(session)
      return session
    },
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) await session.close()
      await Promise.all([notes.close(), authorizationServer.close()])
    },
  }
}

/** An application that takes the redirect URL by hand: no listener, so that these tests are about the servers. */
export function scriptedAuthorizer(user: ScriptedUserOptions = {}): Authorizer {
  return {
    prepare: async () => ({
      redirectUri: REDIRECT_URI,
      authorize: async (url, handle) => {
        const page = await approve(url, { ...user, stopAt: REDIRECT_URI })
        await handle(new URL(page.url).searchParams)
      },
      close: async () => {},
    }),
  }
}
