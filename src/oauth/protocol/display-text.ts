import { parseUrl } from './url.ts'

// C0 and C1 controls, soft hyphen, zero-width and bidirectional format characters, line separators, tags, lone surrogates.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu

/**
 * Text from a server made safe to show as data: control and format characters become one space, white space is
 * collapsed, and what is longer than `max` characters is cut and marked with `…`. Anything but a string is shown as JSON.
 */
export function displayText(value: unknown, max: number = 300): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  // Cut first as well: collapsing a hostile megabyte for 300 characters is wasted work.
  const clean = text
    .slice(0, max * 8)
    .replace(UNPRINTABLE, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  const characters = Array.from(clean)
  if (characters.length <= max && text.length <= max * 8) return clean
  return `${characters.slice(0, max - 1).join('')}…`
}

/** A URL fit for a message or an event: query, fragment and userinfo, which may hold secrets, are left out. */
export function displayUrl(url: string | URL): string {
  const parsed = parseUrl(String(url))
  if (parsed === undefined) return displayText(String(url).replace(/[?#].*$/su, '?…'))
  const origin = parsed.host === '' ? parsed.protocol : `${parsed.protocol}//${parsed.host}`
  return displayText(`${origin}${parsed.pathname}${parsed.search === '' ? '' : '?…'}`)
}
