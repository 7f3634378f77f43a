import type { InputRequest } from '../protocol/input-required.ts'
import { encodeBase64Url } from './base64url.ts'
import { toCanonicalJson } from './canonical-json.ts'

/**
 * A digest of a question: another question has another. The address of a page is left out, for authors put one-time values there, which would
 * differ each time `asks` is called.
 */
export async function digestOf(request: InputRequest): Promise<string> {
  const { method } = request
  const isUrl = method === 'elicitation/create' && request.params.mode === 'url'
  const asked = isUrl ? { mode: 'url', message: request.params.message } : request.params
  const bytes = new TextEncoder().encode(toCanonicalJson([method, asked]) ?? method)
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}
