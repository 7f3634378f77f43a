/**
 * Whether work ended only because its signal told it to: that is what cancelling means, and no failure that anybody should hear of. What goes
 * wrong otherwise while it stops is one.
 */
export function isGivenUp(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError')
}
