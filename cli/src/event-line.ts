import type { OAuthEvent } from 'latchkey/oauth'
import { displayText } from 'latchkey/oauth/protocol'
import { redactedUrl } from './redacted-url.ts'

const text = (value: string): string => displayText(value, 500)
const when = (expiresAt: number | undefined): string =>
  expiresAt === undefined ? 'expiry unknown' : `expires ${new Date(expiresAt).toISOString()}`

/** One HTTP exchange in a line. */
export function httpLine(leg: {
  method: string
  url: string
  status: number | string
  durationMs: number
  step: string
}): string {
  const duration = `${Math.round(leg.durationMs)} ms`
  return `${leg.method.padEnd(4)} ${String(leg.status).padEnd(3)} ${duration.padStart(8)}  ${text(redactedUrl(leg.url))}  (${text(leg.step)})`
}

/** One event of a session in a line, without secrets. */
export function eventLine(event: OAuthEvent): string {
  switch (event.type) {
    case 'http':
      return httpLine(event)
    case 'discovered':
      return `discovered ${text(event.issuer)}${event.resource === undefined ? '' : ` for resource ${text(event.resource)}`}${event.legacy ? ' (no metadata: legacy fallback)' : ''}`
    case 'exception':
      return `exception for ${text(event.issuer)}: ${text(event.exception)} (${text(event.source)})`
    case 'registered':
      return `client ${text(event.clientId)} at ${text(event.issuer)} (${event.kind}${event.reason === undefined ? '' : `: ${text(event.reason)}`})`
    case 'loginStarted':
      return `${event.stepUp ? 'step-up' : 'login'} started at ${text(event.issuer)}${event.scope === undefined ? '' : `, scope: ${text(event.scope)}`}`
    case 'loggedIn':
      return `logged in at ${text(event.issuer)}, ${when(event.expiresAt)}, ${event.refreshable ? 'refreshable' : 'not refreshable'}${event.scope === undefined ? '' : `, scope: ${text(event.scope)}`}`
    case 'waitingForLogin':
      return `waiting for the login at ${text(event.issuer)} that another process began ${new Date(event.askedAt).toISOString()}`
    case 'adopted':
      return `using newer tokens of ${text(event.issuer)} from the store`
    case 'refreshing':
      return `refreshing at ${text(event.issuer)}: the token ${event.reason === 'expiring' ? 'is about to expire' : 'was rejected'}`
    case 'refreshed':
      return `refreshed at ${text(event.issuer)}, ${when(event.expiresAt)}${event.rotated ? ', refresh token rotated' : ''}`
    case 'refreshFailed':
      return `refresh failed at ${text(event.issuer)}: ${text(event.code)}${event.retryable ? ' (may pass)' : ''}`
    case 'retryScheduled':
      return `${text(event.step)}: next try no sooner than in ${Math.round(event.delayMs)} ms`
    case 'stepUp':
      return `step-up needed at ${text(event.issuer)}, scope: ${text(event.scope)}`
    case 'loginRequired':
      return `login required: ${text(event.reason)}`
    case 'revoked':
      return `${event.token.replace('_', ' ')} ${event.ok ? 'revoked' : 'not revoked'} at ${text(event.issuer)}`
    case 'unregistered':
      return `client ${text(event.clientId)} ${event.ok ? 'deleted' : 'not deleted'} at ${text(event.issuer)}`
    case 'loggedOut':
      return `logged out${event.issuer === undefined ? '' : ` at ${text(event.issuer)}`}`
    case 'warning':
      return text(event.message)
    default:
      return neverEvent(event)
  }
}

/** Fails to compile when an event is left out; one of a newer library is shown by its type. */
function neverEvent(event: never): string {
  return text((event as OAuthEvent).type)
}

/** What a person should hear of an event without asking for details; undefined for most. */
export function noticeLine(event: OAuthEvent): string | undefined {
  switch (event.type) {
    case 'exception':
      return `exception for ${text(event.issuer)}: ${text(event.exception)} (${text(event.source)})`
    case 'registered':
      return event.reason === undefined ? undefined : `registered again at ${text(event.issuer)}: ${text(event.reason)}`
    case 'waitingForLogin':
      return 'another process is logging in already: finish that login, or use login --force to log in from here'
    case 'stepUp':
      return `the server asks for more permission: ${text(event.scope)}`
    case 'warning':
      return text(event.message)
    default:
      return undefined
  }
}
