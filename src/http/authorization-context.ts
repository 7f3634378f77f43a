/** What a transport may know of the authorization inside its `fetch`. */
export interface AuthorizationContext {
  /** One login's worth of tokens; undefined before the first. */
  grantId(): string | undefined
  /** Calls `listener` with true when a person starts being asked, and with false when that is over. */
  onInteraction(listener: (active: boolean) => void): () => void
}

/** The context of a `fetch` made by `withOAuth`; undefined for any other. */
export function authorizationContext(fetch: object): AuthorizationContext | undefined {
  if (!('authorization' in fetch)) return undefined
  const { authorization } = fetch
  return isContext(authorization) ? authorization : undefined
}

function isContext(value: unknown): value is AuthorizationContext {
  return (
    typeof value === 'object' && value !== null && 'onInteraction' in value && typeof value.onInteraction === 'function'
  )
}
