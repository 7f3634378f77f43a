import type { HttpRequest } from './http-message.ts'

/** Who may call a server, by the headers that browsers set and pages cannot. */
export interface HostCheckOptions {
  /**
   * Origins that pages may call from, such as `https://app.example.com`; `*` for every one. Loopback origins always may. A page of another origin
   * could otherwise use a server that listens on the machine of whoever visits it.
   */
  readonly allowedOrigins?: '*' | readonly string[] | undefined
  /**
   * Names by which the server is reached besides loopback ones, such as `api.example.com`, with a port or without; others are refused. Where none are
   * given, a connection that comes in on a loopback address is for loopback names only: a page could make its own name lead there (DNS rebinding).
   * `*` turns the check off.
   */
  readonly allowedHosts?: '*' | readonly string[] | undefined
}

/** A name, with a port or without. */
const HOST = /^[^/\s@*]+$/
/** Browser extensions have schemes of their own; pages without an origin say `null`. */
const ORIGIN = /^(?:[a-z][a-z0-9+.-]*:\/\/[^/\s*]+|null)$/i

/** Why a request is refused, in words for whoever runs the server; undefined when it may pass. */
export type HostCheck = (request: HttpRequest) => string | undefined

/**
 * Makes the check of `Host` and `Origin`.
 *
 * @param knownHosts names that are known otherwise, such as that of a protected resource. They are allowed on loopback addresses, and refuse no others.
 * @throws {TypeError} what no `Host` or `Origin` could ever be
 * @see MCP 2026-07-28, Streamable HTTP, Security & Endpoint
 */
export function createHostCheck(
  { allowedOrigins = [], allowedHosts = [] }: HostCheckOptions,
  knownHosts: readonly string[] = [],
): HostCheck {
  assertNames('allowedHosts', allowedHosts, HOST, "names such as 'api.example.com'")
  assertNames('allowedOrigins', allowedOrigins, ORIGIN, "origins such as 'https://app.example.com', without path")
  const hosts = new Set([...(allowedHosts === '*' ? [] : allowedHosts), ...knownHosts].map(host => host.toLowerCase()))
  const origins = allowedOrigins === '*' ? allowedOrigins : new Set(allowedOrigins.map(origin => origin.toLowerCase()))

  return request => {
    const host = (request.header('host') ?? '').toLowerCase()
    const isChecked = allowedHosts !== '*' && (request.isLoopback === true || allowedHosts.length > 0)
    if (isChecked && !isLoopbackHost(host) && !hosts.has(host) && !hosts.has(nameOf(host)))
      return `the Host ${quote(host)} is not a name of this server: add it to allowedHosts`
    const origin = request.header('origin')?.toLowerCase()
    if (origin === undefined || origins === '*' || origins.has(origin) || isLoopbackOrigin(origin)) return undefined
    return `pages of ${quote(origin)} may not call this server: add it to allowedOrigins`
  }
}

function assertNames(option: string, given: '*' | readonly string[], accepted: RegExp, expected: string): void {
  if (given === '*' || (Array.isArray(given) && given.every(name => accepted.test(String(name))))) return
  throw new TypeError(`${option} should be '*' or a list of ${expected}; received ${JSON.stringify(given)}`)
}

/** Whether a `Host` names the machine itself. */
export function isLoopbackHost(host: string): boolean {
  const name = nameOf(host)
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
  )
}

function isLoopbackOrigin(origin: string): boolean {
  const match = /^https?:\/\/([^/]+)$/.exec(origin)
  return match !== null && isLoopbackHost(match[1] ?? '')
}

/** Without the port, and without the dot that ends a complete name. */
function nameOf(host: string): string {
  return host.replace(/:\d*$/, '').replace(/\.$/, '')
}

function quote(value: string): string {
  return JSON.stringify(value.slice(0, 200))
}
