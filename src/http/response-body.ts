import { TransportError } from '../jsonrpc/errors.ts'

/**
 * Reads a body as text, at most `maxBytes` of it.
 *
 * @throws {TransportError} `message_too_large`; and what reading the body throws
 */
export async function readText(response: Response, maxBytes: number): Promise<string> {
  if (!response.body) return ''
  const declared = response.headers.get('content-length')
  // Without a content encoding HTTP itself enforces the declared length; a compressed body may grow without bound.
  if (declared !== null && Number(declared) <= maxBytes && !response.headers.has('content-encoding'))
    return response.text()
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  let text = ''
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text + decoder.decode()
      bytes += value.byteLength
      if (bytes > maxBytes)
        throw new TransportError('message_too_large', `The answer is larger than ${maxBytes} bytes`, {
          mayHaveRun: true,
        })
      text += decoder.decode(value, { stream: true })
    }
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

/** Reads the beginning of a body, for an error message. Never throws. */
export async function readExcerpt(response: Response, maxBytes = 4096): Promise<string> {
  if (!response.body) return ''
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  let text = ''
  try {
    for (let bytes = 0; bytes < maxBytes; ) {
      const { done, value } = await reader.read()
      if (done) break
      bytes += value.byteLength
      text += decoder.decode(value, { stream: true })
    }
  } catch {
    // What was read so far will do.
  }
  reader.cancel().catch(() => undefined)
  return text
}

/** Lets go of a body nobody reads, so that its connection is freed. */
export function discardBody(response: Response): void {
  response.body?.cancel().catch(() => undefined)
}

/** The media type of an answer without its parameters, in lower case. */
export function mediaType(response: Response): string {
  return (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
