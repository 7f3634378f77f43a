const OFFLINE_ACCESS = 'offline_access'

/** The tokens of a scope value in order, without duplicates; empty for undefined, `""` and white space. */
export function parseScope(scope: string | undefined): readonly string[] {
  if (scope === undefined) return []
  return [...new Set(scope.split(/\s+/u).filter(token => token !== ''))]
}

/** The union of scope values: earlier values first, first-appearance order, no duplicates, undefined when empty (R-SCOPE-7). */
export function unionScopes(...scopes: (string | undefined)[]): string | undefined {
  const tokens = parseScope(scopes.filter(scope => scope !== undefined).join(' '))
  return tokens.length === 0 ? undefined : tokens.join(' ')
}

/** Whether `scope` holds exactly this token. */
export function hasScope(scope: string | undefined, token: string): boolean {
  return parseScope(scope).includes(token)
}

/** Where a scope may come from. Empty strings and lists count as absent. */
export interface ScopeSources {
  /** Asked for at this login by the person or the program. */
  readonly explicit?: string | undefined
  /** `scope` of the challenge. */
  readonly challenge?: string | undefined
  /** `scopes_supported` of the protected resource metadata. */
  readonly resourceScopes?: readonly string[] | undefined
  /** Configured once for all logins. */
  readonly configured?: string | undefined
  /** `scopes_supported` of the authorization server: never a source, it only decides about `offline_access`. */
  readonly serverScopes?: readonly string[] | undefined
  /** `grant_types` of the client, as registered or about to be; nothing is assumed when absent. */
  readonly grantTypes?: readonly string[] | undefined
  /** The issuer refused `offline_access` before (R-SCOPE-9). */
  readonly refusesOfflineAccess?: boolean
}

/** The outcome of {@link determineScope}; a member is absent when the parameter is to be omitted. */
export interface DeterminedScope {
  /** For grants without a user: never holds `offline_access`. */
  readonly base?: string
  /** For registration and the authorization request. */
  readonly authorization?: string
}

/**
 * Decides once which scope to ask for: explicit, else challenge, else protected resource metadata, else configured, else
 * none. The authorization server's catalogue is never asked for. `offline_access` is appended when the server lists it,
 * the client may refresh and something else is asked for; it is stripped from every source but an explicit one when the
 * server publishes a list without it, or refused it before.
 */
export function determineScope(input: ScopeSources): DeterminedScope {
  const { serverScopes, refusesOfflineAccess = false } = input
  const listed = serverScopes?.includes(OFFLINE_ACCESS) ?? false
  const stripped = refusesOfflineAccess || (serverScopes !== undefined && !listed)
  const explicit = parseScope(input.explicit)
  const sources = [
    parseScope(input.challenge),
    parseScope(input.resourceScopes?.join(' ')),
    parseScope(input.configured),
  ]
  const found = sources.find(tokens => tokens.length > 0) ?? []
  const chosen = explicit.length > 0 ? explicit : found.filter(token => !stripped || token !== OFFLINE_ACCESS)
  const base = chosen.filter(token => token !== OFFLINE_ACCESS)
  const appended =
    base.length > 0 &&
    listed &&
    !refusesOfflineAccess &&
    input.grantTypes?.includes('refresh_token') === true &&
    !chosen.includes(OFFLINE_ACCESS)
  const authorization = appended ? [...chosen, OFFLINE_ACCESS] : chosen
  return {
    ...(base.length > 0 && { base: base.join(' ') }),
    ...(authorization.length > 0 && { authorization: authorization.join(' ') }),
  }
}
