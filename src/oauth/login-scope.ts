import type { AuthorizationTarget } from './discovery.ts'
import { determineScope, unionScopes } from './protocol/scope.ts'
import type { SessionContext } from './session-context.ts'
import type { IssuerCredentials } from './store/credential-store.ts'

/** What a login may go by when it chooses its scope. */
export interface LoginScopeInput {
  readonly target: AuthorizationTarget
  readonly credentials: IssuerCredentials | undefined
  /** Asked for explicitly at this login; wins alone. */
  readonly explicit?: string | undefined
  readonly challenged?: string | undefined
}

/**
 * The scope of a login: what R-SCOPE-1 finds, together with everything that was requested, granted or challenged before
 * (R-SCOPE-8). An explicit request stands alone.
 */
export function loginScope(
  context: Pick<SessionContext, 'grant' | 'scope'>,
  { target, credentials, explicit, challenged }: LoginScopeInput,
): { readonly base?: string; readonly authorization?: string } {
  const server = {
    serverScopes: target.authorizationServer.scopesSupported,
    grantTypes: context.grant.grantTypes,
    refusesOfflineAccess: credentials?.refuses?.offlineAccess ?? false,
  }
  if (explicit !== undefined && explicit.trim() !== '') return determineScope({ explicit, ...server })
  const { base } = determineScope({
    challenge: challenged,
    resourceScopes: target.protectedResource?.scopesSupported,
    configured: context.scope,
  })
  return determineScope({ challenge: unionScopes(credentials?.knownScope, base), ...server })
}
