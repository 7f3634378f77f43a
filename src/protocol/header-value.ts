const PREFIX = '=?base64?'
const SUFFIX = '?='

/** Visible ASCII, with spaces and tabs only inside: what survives as a header value unchanged. */
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/

/**
 * Encodes a value for `Mcp-Name` and `Mcp-Param-*`: as it is when it is plain ASCII without outer white space, else as the Base64 of
 * its UTF-8 form between `=?base64?` and `?=`. A plain value that looks encoded is encoded too. An empty value stays empty.
 * Unpaired surrogates become U+FFFD, as in every UTF-8 encoder.
 *
 * @see MCP 2026-07-28, Streamable HTTP, Value Encoding
 */
export function encodeHeaderValue(value: string): string {
  if (value === '' || (PLAIN.test(value) && !looksEncoded(value))) return value
  let binary = ''
  for (const byte of new TextEncoder().encode(value)) binary += String.fromCharCode(byte)
  return `${PREFIX}${btoa(binary)}${SUFFIX}`
}

/**
 * Decodes what `encodeHeaderValue` made; a value without the markers is returned as it is. Returns undefined when the markers hold
 * no Base64, with all its padding, or no UTF-8.
 */
export function decodeHeaderValue(value: string): string | undefined {
  if (!looksEncoded(value)) return value
  // `=?base64?=`: the markers overlap.
  if (value.length < PREFIX.length + SUFFIX.length) return undefined
  try {
    const encoded = value.slice(PREFIX.length, -SUFFIX.length)
    const binary = atob(encoded)
    // `atob` forgives white space and missing padding; who else reads the header may not, and would see another value.
    if (btoa(binary) !== encoded) return undefined
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(binary, byte => byte.charCodeAt(0)),
    )
  } catch {
    return undefined
  }
}

function looksEncoded(value: string): boolean {
  return value.startsWith(PREFIX) && value.endsWith(SUFFIX)
}
