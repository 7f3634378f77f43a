/** Interactive attempts allowed for one operation until one succeeds or the window has passed (R-RETRY-1). */
export const MAX_INTERACTIVE_ATTEMPTS = 3
/** After this long, attempts no longer count, in milliseconds. */
export const ATTEMPT_WINDOW_MS = 600_000
/** Operations counted at once; the one counted longest ago is dropped first. */
export const MAX_COUNTED_OPERATIONS = 256

/** Counts interactive attempts, so that a server that is never satisfied cannot keep opening browsers. */
export interface AttemptBudget {
  /** Takes one attempt for `operation`; false when none is left. */
  take(operation: string): boolean
  /** The operation succeeded: it may ask a person again. */
  reset(operation: string): void
}

/** Creates an {@link AttemptBudget}. */
export function createAttemptBudget({ now }: { readonly now: () => number }): AttemptBudget {
  const attempts = new Map<string, readonly number[]>()
  return {
    take(operation) {
      const recent = (attempts.get(operation) ?? []).filter(at => Math.abs(now() - at) < ATTEMPT_WINDOW_MS)
      attempts.delete(operation)
      const allowed = recent.length < MAX_INTERACTIVE_ATTEMPTS
      attempts.set(operation, allowed ? [...recent, now()] : recent)
      for (const oldest of attempts.keys()) {
        if (attempts.size <= MAX_COUNTED_OPERATIONS) break
        attempts.delete(oldest)
      }
      return allowed
    },
    reset(operation) {
      attempts.delete(operation)
    },
  }
}

/** Names the operation of a request: what MCP calls it, else method and URL. */
export function operationOf(method: string, url: URL, headers: Headers): string {
  const mcpMethod = headers.get('mcp-method')
  return mcpMethod === null ? `${method} ${url.href}` : `${mcpMethod} ${headers.get('mcp-name') ?? ''}`
}
