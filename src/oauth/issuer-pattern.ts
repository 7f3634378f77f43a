import { isSecureUrl, parseUrl } from './protocol/url.ts'

const escape = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/gu, '\\$&')

/** Scheme and host of a pattern, and the rest of it. */
function split(pattern: string): readonly [host: string, path: string] {
  const pathStart = pattern.indexOf('/', 'https://'.length)
  const hostEnd = pathStart === -1 ? pattern.length : pathStart
  return [pattern.slice(0, hostEnd), pattern.slice(hostEnd)]
}

/** In the host `*` stands for no dot, so that no suffix of another owner's name matches. */
const hostExpression = (host: string): string => escape(host).replaceAll('*', '[A-Za-z0-9_-]+')

/**
 * Whether `issuer` is one that `pattern` names. `*` stands for one or more characters of a single host label or path segment (letters,
 * digits, `.` in a path only, `_`, `-`).
 */
export function matchesIssuer(pattern: string, issuer: string): boolean {
  if (!pattern.includes('*')) return pattern === issuer
  const [host, path] = split(pattern)
  const pathExpression = escape(path).replaceAll('*', '[A-Za-z0-9_][A-Za-z0-9._-]*')
  return new RegExp(`^${hostExpression(host)}${pathExpression}$`, 'u').test(issuer)
}

/** Whether `origin` is that of an issuer which `pattern` names. */
export function matchesIssuerOrigin(pattern: string, origin: string): boolean {
  const [host] = split(pattern)
  if (!host.includes('*')) return parseUrl(pattern.replaceAll('*', 'x'))?.origin === origin
  return new RegExp(`^${hostExpression(host)}$`, 'u').test(origin)
}

/**
 * What is wrong with an issuer or a pattern, undefined for nothing. With `*` in it, the last two labels of the host must be literal: a
 * pattern over everybody's names would be an exception from the rule for everybody.
 */
export function problemWithIssuerPattern(pattern: string): string | undefined {
  const url = parseUrl(pattern.replaceAll('*', 'x'))
  if (url === undefined || !isSecureUrl(url)) return 'it is no https URL, nor http on loopback'
  if (url.username !== '' || url.password !== '' || /[?#\s]/u.test(pattern))
    return 'an issuer has no query, fragment or user name'
  const [host] = split(pattern)
  const literal = host.slice(host.lastIndexOf('*') + 1)
  if (host.includes('*') && !/^[^.:]*(?:\.[A-Za-z0-9-]+){2,}(?::\d+)?$/u.test(literal))
    return '* may not stand in the last two labels of the host'
  return undefined
}
