import type { AuthorizationContext } from '../oauth/with-oauth.ts'

/** The context of a `fetch` made by `withOAuth`; undefined for any other. Looks only at its shape: a client without OAuth loads none. */
export function authorizationContext(fetch: object): AuthorizationContext | undefined {
  if (!('authorization' in fetch)) return undefined
  const { authorization } = fetch
  return isContext(authorization) ? authorization : undefined
}

function isContext(value: unknown): value is AuthorizationContext {
  if (typeof value !== 'object' || value === null) return false
  const context: { readonly [Name in keyof AuthorizationContext]?: unknown } = value
  return typeof context.onInteraction === 'function' && typeof context.redact === 'function'
}
