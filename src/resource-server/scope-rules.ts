import type { AuthInfo } from '../server/auth-info.ts'
import type { ProtectOptions } from './protect-options.ts'

/** Decides what the granted scopes allow, and which ones a client is told to ask for. */
export interface ScopeRules {
  /** Whether the caller holds all of them, what they include counted in. */
  holds(auth: AuthInfo | undefined, needed: readonly string[]): boolean
  /** What a challenge names for an operation, in the words of the authorization server. */
  challenged(auth: AuthInfo | undefined, needed: readonly string[]): readonly string[]
}

/**
 * @param relevant scopes that mean something to this server, as of now
 */
export function createScopeRules(
  { scopeHierarchy, requestedScope = scope => scope }: Pick<ProtectOptions, 'scopeHierarchy' | 'requestedScope'>,
  relevant: () => readonly string[],
): ScopeRules {
  const held = new WeakMap<AuthInfo, ReadonlySet<string>>()

  const heldBy = (auth: AuthInfo): ReadonlySet<string> => {
    const known = held.get(auth)
    if (known) return known
    const { scopes } = auth
    const all = new Set(scopeHierarchy ? [...scopes, ...scopeHierarchy(scopes)] : scopes)
    held.set(auth, all)
    return all
  }

  return {
    holds: (auth, needed) => {
      if (needed.length === 0) return true
      if (!auth) return false
      const all = heldBy(auth)
      return needed.every(scope => all.has(scope))
    },
    challenged: (auth, needed) => {
      // Clients of older revisions replace their scopes by these: what they already have, and need here, is repeated for them (field S2).
      const known = auth ? new Set(relevant()) : undefined
      const kept = auth?.scopes.filter(scope => known?.has(scope)) ?? []
      const named = [...new Set([...needed, ...kept])].map(scope => requestedScope(scope))
      return [...new Set(named)].filter(scope => scope !== undefined)
    },
  }
}
