import { isJsonObject, type JsonObject, parseJsonObject } from '../oauth/protocol/json-object.ts'

/** A JWT taken apart. Nothing in it is verified. */
export interface UnverifiedJwt {
  readonly header: JsonObject
  readonly claims: JsonObject
}

/** Longer ones are not looked at: no HTTP server takes such a header. */
export const MAX_JWT_CHARACTERS = 16_384

const SIGNED = /^[\w-]+\.[\w-]+\.[\w-]*$/u
const ENCRYPTED = /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/u

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Takes a signed JWT apart (RFC 7519 §7.2); undefined for what is none. An empty signature, as of `alg: none`, is for others to refuse. */
export function parseJwt(token: string): UnverifiedJwt | undefined {
  if (token.length > MAX_JWT_CHARACTERS || !SIGNED.test(token)) return undefined
  const [header, claims] = token.split('.', 2).map(parsePart)
  return isJsonObject(header) && isJsonObject(claims) ? { header, claims } : undefined
}

/** True for the form of an encrypted JWT (RFC 7516 §7.1). */
export function isEncryptedJwt(token: string): boolean {
  return token.length <= MAX_JWT_CHARACTERS && ENCRYPTED.test(token)
}

function parsePart(part: string): JsonObject | undefined {
  try {
    const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'))
    // A loop: every request comes through here, and this is the dearest part of judging a token that is known already.
    const bytes = new Uint8Array(binary.length)
    for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index)
    return parseJsonObject(utf8.decode(bytes))
  } catch {
    return undefined
  }
}
