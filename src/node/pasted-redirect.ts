/** A pasted line, read: the parameters of the authorization response, or what is wrong with it. */
export type PastedRedirect = { readonly parameters: URLSearchParams } | { readonly problem: string }

/**
 * Reads the address a browser ended on: a whole URL, or its query alone. A bare code is refused, because nothing ties it to this login:
 * accepting it would let anybody plant theirs (login CSRF, RFC 6749 §10.12).
 */
export function readPastedRedirect(line: string, redirectUri: string): PastedRedirect {
  const text = line.trim().replace(/^["'<]+|["'>]+$/g, '')
  const query = queryOf(text)
  const parameters = new URLSearchParams(query)
  if (query !== undefined && (parameters.has('code') || parameters.has('error')) && parameters.has('state'))
    return { parameters }
  if (query === undefined) {
    return {
      problem: `That is not an address. Paste the whole address the browser ended on; it begins with ${redirectUri}`,
    }
  }
  return {
    problem: 'That address holds no answer to this login (it lacks code or state). Paste the one the browser ended on.',
  }
}

function queryOf(text: string): string | undefined {
  if (/^https?:\/\//i.test(text)) return URL.canParse(text) ? new URL(text).search : undefined
  const query = text.startsWith('?') ? text.slice(1) : text
  return /^[\w.-]+=/.test(query) ? query : undefined
}
