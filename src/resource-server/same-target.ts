import { parseUrl } from '../oauth/protocol/url.ts'

/**
 * Whether two URLs name the same target once query and fragment are left out and both are normalized by syntax and scheme: case of scheme and
 * host, default port, dot segments, and how unreserved characters are written.
 *
 * @see RFC 9449 §4.3, RFC 3986 §6.2.2, §6.2.3
 */
export function sameTarget(one: string, other: string): boolean {
  const target = targetOf(one)
  return target !== undefined && target === targetOf(other)
}

function targetOf(text: string): string | undefined {
  const url = parseUrl(text)
  if (!url || url.username !== '' || url.password !== '') return undefined
  return `${url.origin}${url.pathname.replaceAll(/%[0-9a-f]{2}/giu, normalizeEscape)}`
}

function normalizeEscape(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
  return /^[\w.~-]$/u.test(character) ? character : escape.toUpperCase()
}
