import type { InputRequest } from '../protocol/input-required.ts'
import { digestOf } from '../oauth/protocol/digest.ts'
import { toCanonicalJson } from './canonical-json.ts'

/**
 * A digest of a question: another question has another. The address of a page is left out, for authors put one-time values there, which would
 * differ each time `asks` is called.
 */
export function digestOfQuestion(request: InputRequest): Promise<string> {
  const { method } = request
  const isUrl = method === 'elicitation/create' && request.params.mode === 'url'
  const asked = isUrl ? { mode: 'url', message: request.params.message } : request.params
  return digestOf(toCanonicalJson([method, asked]) ?? method)
}
