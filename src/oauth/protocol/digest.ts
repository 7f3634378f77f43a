import { encodeBase64Url } from './base64url.ts'

/** SHA-256 of a text in base64url. */
export async function digestOf(text: string): Promise<string> {
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))
}
