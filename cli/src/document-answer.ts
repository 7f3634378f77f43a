import { displayUrl } from 'latchkey/oauth/protocol'

const TIMEOUT_MS = 15_000
/** Much more than any authorization server reads. */
const MAX_BYTES = 1_048_576

/** An answer as it came: no redirect followed, read to its end or to a megabyte. */
export interface AnsweredDocument {
  readonly status: number
  readonly headers: Headers
  readonly contentType: string | null
  readonly body: string
}

/**
 * Fetches a document the way authorization servers do.
 *
 * @throws {OAuthError} `network`, `timeout`, `aborted`
 */
export async function fetchDocument(
  url: string,
  { fetch, signal }: { readonly fetch: typeof globalThis.fetch; readonly signal: AbortSignal },
): Promise<AnsweredDocument> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    })
    const { status, headers } = response
    return { status, headers, contentType: headers.get('content-type'), body: await readStart(response) }
  } catch (error) {
    const { OAuthError } = await import('latchkey/oauth')
    const detail = { step: 'client-id metadata document', url: displayUrl(url) }
    if (signal.aborted) throw new OAuthError('aborted', 'cancelled', detail, { cause: error })
    if (timeout.aborted) {
      const message = `${detail.url} did not answer within ${TIMEOUT_MS / 1_000} seconds.`
      throw new OAuthError('timeout', message, detail, { cause: error })
    }
    const code = codeOf(error)
    const message = `${detail.url} cannot be reached${code === undefined ? '' : ` (${code})`}.`
    throw new OAuthError(
      'network',
      message,
      { ...detail, hint: 'check the URL and the network connection' },
      { cause: error },
    )
  }
}

async function readStart(response: Response): Promise<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let [text, length] = ['', 0]
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    length += chunk.byteLength
    // Leaving the loop ends the transfer.
    if (length > MAX_BYTES) break
  }
  return text + decoder.decode()
}

/** The code of the system error below what `fetch` throws: `ENOTFOUND`, `ECONNREFUSED`, `CERT_HAS_EXPIRED`. */
function codeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return undefined
}
