/** Levels of arrays and objects that a message may have: far more than anybody writes, far fewer than make a recursive reader fail. */
export const MAX_JSON_DEPTH = 100

/** A message's text, read. */
export type ParsedBody = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string }

/** Reads JSON that is not nested too deeply. Never throws. */
export function parseBody(text: string): ParsedBody {
  if (isTooDeep(text)) return { ok: false, why: `the message is nested deeper than ${MAX_JSON_DEPTH} levels` }
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return { ok: false, why: 'the body is not JSON' }
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Whether brackets outside of strings go too deep. One look at every character, before anything is built. */
function isTooDeep(text: string): boolean {
  if (text.length <= MAX_JSON_DEPTH) return false
  let depth = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === QUOTE) {
      // Long strings are skipped by the engine's own search.
      index = endOfString(text, index)
    } else if (code === 0x5b || code === 0x7b) {
      depth += 1
      if (depth > MAX_JSON_DEPTH) return true
    } else if (code === 0x5d || code === 0x7d) depth -= 1
  }
  return false
}

function endOfString(text: string, start: number): number {
  for (let index = text.indexOf('"', start + 1); index !== -1; index = text.indexOf('"', index + 1)) {
    let backslashes = 0
    while (text.charCodeAt(index - 1 - backslashes) === BACKSLASH) backslashes += 1
    if (backslashes % 2 === 0) return index
  }
  return text.length
}
