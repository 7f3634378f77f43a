import { readFile } from 'node:fs/promises'
import { assertClientIdMetadataDocumentUrl, type ClientIdMetadataSource } from 'latchkey/oauth/protocol'
import type { CommandContext } from './command-context.ts'
import { fetchDocument } from './document-answer.ts'
import { createFetch } from './proxy-fetch.ts'
import { UsageError } from './usage-error.ts'

/** Whether what was typed is a URL; anything else is a file. */
export function isCimdUrl(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source)
}

/**
 * A client-id metadata document as an authorization server would get it, with the key set it points to.
 *
 * @throws {UsageError} the file cannot be read
 * @throws {OAuthError} `client_metadata_url_invalid` for what cannot even be fetched; `network`, `timeout`, `aborted`
 */
export async function readCimdSource(context: CommandContext, source: string): Promise<ClientIdMetadataSource> {
  const { io, terminal } = context
  const fetch = await createFetch(io.env)
  const fetched = (url: string): ReturnType<typeof fetchDocument> =>
    terminal.progress.during(`Fetching ${url}`, () => fetchDocument(url, { fetch, signal: io.signal }))
  const document = isCimdUrl(source) ? await served(source, fetched) : { body: await readText(source) }
  const keySetUrl = keySetUrlOf(document)
  if (keySetUrl === undefined) return document
  try {
    return { ...document, keySet: await fetched(keySetUrl) }
  } catch (error) {
    if (io.signal.aborted) throw error
    return { ...document, keySet: 'unreachable' }
  }
}

async function served(
  url: string,
  fetched: (url: string) => ReturnType<typeof fetchDocument>,
): Promise<ClientIdMetadataSource> {
  // Whatever else is wrong with a URL is one of the findings; these cannot even be fetched.
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const fetchable = parsed?.username === '' && parsed.password === '' && /^https?:$/.test(parsed.protocol)
  if (!fetchable) assertClientIdMetadataDocumentUrl(url)
  const { body, ...answer } = await fetched(url)
  return { url, body, answer }
}

/** The document's `jwks_uri`, if it is one that may be asked: https, or beside the document. */
function keySetUrlOf({ body, url }: ClientIdMetadataSource): string | undefined {
  try {
    const document: unknown = JSON.parse(body)
    const found = typeof document === 'object' && document !== null && 'jwks_uri' in document && document.jwks_uri
    if (typeof found !== 'string') return undefined
    const { protocol, origin, username, href } = new URL(found)
    if (username !== '') return undefined
    return protocol === 'https:' || (url !== undefined && origin === new URL(url).origin) ? href : undefined
  } catch {
    // What is wrong with the document is said by those who judge it.
    return undefined
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    throw new UsageError(`${file} cannot be read`, 'give the URL of the document, or a file')
  }
}
