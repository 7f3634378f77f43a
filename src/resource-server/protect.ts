import { createGuardedApp, type ServerApp } from '../http/server/app.ts'
import type { Server } from '../server/server.ts'
import { type ProtectOptions, readProtectOptions } from './protect-options.ts'
import { createResourceGuard } from './resource-guard.ts'
import { checkAuthorizationServers } from './self-check.ts'
import { configurationError } from './configuration-error.ts'

/**
 * Serves a server to those who have an access token for it, as an OAuth 2.0 protected resource: metadata, verification and audience of every request,
 * challenges from which a client can log in and step up, scopes of tools, resources and prompts, CORS. What belongs to a principal (sessions, tasks, sealed
 * state, subscriptions) is of no use to another.
 *
 * Requests that need more scopes than their token has are refused before anything runs or streams, with all that are needed named at once.
 *
 * @throws {TokenError} `configuration`: an option that is unknown, missing or cannot be used
 * @see MCP 2026-07-28, Authorization; RFC 9728, RFC 6750
 */
export function protect(server: Server, options: ProtectOptions): ServerApp {
  const protection = readProtectOptions(options)
  const { selfCheck = globalThis.fetch, path = protection.resource.path } = options
  const report = (error: unknown): void => server.internals.report(error, {})
  let isChecked = selfCheck === false

  const check = async (): Promise<void> => {
    if (isChecked || selfCheck === false) return
    isChecked = true
    const findings = await checkAuthorizationServers(protection, { fetch: selfCheck })
    for (const { severity, message, hint, ...seen } of findings)
      if (severity !== 'info') report(configurationError(message, { ...seen, hint }))
  }
  const guard = createResourceGuard(protection, options, {
    declaredScopes: () => server.internals.declaredScopes(),
    report,
    // In the background: nobody waits for it, and a client learns nothing of it.
    onChallenge: () => void check().catch(report),
  })
  return createGuardedApp(server, guard, { ...options, path })
}
