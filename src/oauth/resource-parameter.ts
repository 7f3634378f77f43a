import type { AuthorizationTarget } from './discovery.ts'
import { parseScope } from './protocol/scope.ts'

/** Scopes of OpenID Connect, which belong to no resource. */
const WITHOUT_RESOURCE: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access'])

/**
 * The target as it is for a request of `scope`: under a `when-scopes-match` exception its `resource` stays only if every scope that
 * belongs to a resource carries it as prefix, as Entra demands (field A11). Decided once for a login; token and refresh requests follow.
 */
export function targetForScope(target: AuthorizationTarget, scope: string | undefined): AuthorizationTarget {
  const { resource, ...rest } = target
  if (resource === undefined || target.exception?.resource !== 'when-scopes-match') return target
  const prefix = resource.endsWith('/') ? resource : `${resource}/`
  const scopes = parseScope(scope).filter(each => !WITHOUT_RESOURCE.has(each))
  return scopes.length > 0 && scopes.every(each => each.startsWith(prefix)) ? target : rest
}

/**
 * Sends `resource` under the name that the exception for the issuer gives it: `audience`, which Auth0 and its like go by (field A15). One
 * that was set by hand stays.
 */
export function nameResourceParameter(
  parameters: URLSearchParams,
  { exception }: Pick<AuthorizationTarget, 'exception'>,
): void {
  if (exception?.resource !== 'audience') return
  const resource = parameters.get('resource')
  parameters.delete('resource')
  if (resource !== null && !parameters.has('audience')) parameters.set('audience', resource)
}
