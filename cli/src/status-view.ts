import type { LoginStatus } from 'latchkey/oauth'
import { displayText } from 'latchkey/oauth/protocol'
import { relativeTime } from './relative-time.ts'
import type { Style } from './style.ts'

const REGISTRATIONS: Readonly<Record<string, string>> = {
  'pre-registered': 'registered beforehand',
  dynamic: 'registered by Latchkey',
  'client-id-metadata-document': 'client-id metadata document',
}

/** What `status --json` and `login --json` print of one login; `store` says where it is kept. */
export function statusJson(status: LoginStatus, store: string): Readonly<Record<string, unknown>> {
  const { server, profile, loggedIn, scope, ...rest } = status
  return {
    server,
    profile,
    loggedIn,
    ...(scope !== undefined && { scopes: scope.split(' ').filter(Boolean) }),
    ...rest,
    store,
  }
}

/** Whether there is, or was, a login: a record may also hold nothing but a client registration. */
export function hasLogin(status: LoginStatus): boolean {
  return status.loggedIn || status.grantId !== undefined
}

/** The state of a login in a few words: `expires in 5 minutes`. */
function loginState(status: LoginStatus, now: number): string {
  const { loggedIn, expiresAt, refreshable, withoutPerson } = status
  if (!loggedIn) {
    if (expiresAt === undefined || expiresAt > now) return 'no'
    return `expired ${relativeTime(expiresAt, now)}${withoutPerson === true ? ', renewed on next use' : ''}`
  }
  if (refreshable === true || withoutPerson === true)
    return expiresAt === undefined ? 'yes, renews itself' : `yes, renews itself ${renewal(expiresAt, now)}`
  return expiresAt === undefined ? 'yes' : `yes, expires ${relativeTime(expiresAt, now)}`
}

function renewal(expiresAt: number, now: number): string {
  return expiresAt > now ? relativeTime(expiresAt, now) : 'on next use'
}

/** One login, a fact a line; the last says where it is kept. */
export function statusLines(status: LoginStatus, store: string, style: Style, now: number): readonly string[] {
  const fact = (name: string, value: string | undefined): readonly string[] =>
    value === undefined || value === '' ? [] : [`  ${style.dim(name.padEnd(10))}${displayText(value, 1_000)}`]
  const registration =
    status.registration === undefined ? '' : ` (${REGISTRATIONS[status.registration] ?? status.registration})`
  return [
    `${mark(status, style)} ${style.bold(displayText(status.server, 1_000))}${status.profile === 'default' ? '' : style.dim(` · ${displayText(status.profile)}`)}`,
    ...fact('logged in', loginState(status, now)),
    ...fact('scopes', status.scope),
    ...fact('issuer', status.issuer),
    ...fact('client', status.clientId === undefined ? undefined : `${status.clientId}${registration}`),
    ...fact('made by', status.withoutPerson === true ? 'a machine, as itself' : undefined),
    ...fact('bound to', status.dpop === true ? 'a key that is kept here (DPoP)' : undefined),
    ...(status.exceptions ?? []).flatMap(exception => fact('exception', exception)),
    ...fact('kept in', store),
  ]
}

/** All logins, one a line, in columns, and a line that says where they are kept. */
export function statusTable(
  statuses: readonly LoginStatus[],
  store: string,
  style: Style,
  now: number,
): readonly string[] {
  const rows = statuses.map(status => [
    displayText(status.server, 1_000),
    displayText(status.profile),
    loginState(status, now),
  ])
  const heads = ['SERVER', 'PROFILE', 'LOGGED IN']
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map(row => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ')
  return [
    style.dim(`  ${line(heads)}`),
    ...rows.map((row, index) => `${mark(statuses[index], style)} ${line(row)}`),
    style.dim(`  kept in ${displayText(store, 1_000)}`),
  ]
}

function mark(status: LoginStatus | undefined, style: Style): string {
  return status?.loggedIn === true ? style.green('✓') : style.dim('–')
}
