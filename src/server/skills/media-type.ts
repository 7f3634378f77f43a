/** By the ending of a name, in lower case. What is not here is told by its contents. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['md', 'text/markdown'],
  ['markdown', 'text/markdown'],
  ['txt', 'text/plain'],
  ['html', 'text/html'],
  ['css', 'text/css'],
  ['csv', 'text/csv'],
  ['js', 'text/javascript'],
  ['mjs', 'text/javascript'],
  ['json', 'application/json'],
  ['yaml', 'application/yaml'],
  ['yml', 'application/yaml'],
  ['toml', 'application/toml'],
  ['xml', 'application/xml'],
  ['py', 'text/x-python'],
  ['sh', 'application/x-sh'],
  ['svg', 'image/svg+xml'],
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['pdf', 'application/pdf'],
  ['zip', 'application/zip'],
])
/** Types whose contents are text. */
const TEXTUAL = /^text\/|[/+](?:json|yaml|toml|xml|x-sh)$/

/** What JSON writes six times as long, and is seldom text: control characters but those with an escape of two letters. */
const UNUSUAL = /[^\P{Cc}\b\t\n\f\r]/u

/** The type of a file, by its name; for a name that says nothing, by its contents. */
export function mediaTypeOf(path: string, bytes: Uint8Array): string {
  const ending = /\.([^./]+)$/.exec(path)?.[1] ?? ''
  const plain = textOf('text/plain', bytes) === undefined ? 'application/octet-stream' : 'text/plain'
  return TYPES.get(ending.toLowerCase()) ?? plain
}

/** Contents as text, where the type says that they are and they can be: encoding it again gives the same bytes. */
export function textOf(mimeType: string, bytes: Uint8Array): string | undefined {
  const text = TEXTUAL.test(mimeType) ? decodeText(bytes) : undefined
  return text === undefined || UNUSUAL.test(text) ? undefined : text
}

/** The text that these bytes are in UTF-8, a byte order mark included; undefined when they are none. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
