import { isJsonObject, type JsonObject, stringMember } from './json-object.ts'

/** Members that only a private or a shared key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1, RFC 9864). */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** Whether a JWK is, or holds, a secret: a private key or a shared one. */
export function holdsPrivateKey(jwk: JsonObject): boolean {
  return jwk['kty'] === 'oct' || SECRET_MEMBERS.some(name => Object.hasOwn(jwk, name))
}

/** What is wrong with a value that should be a set of public keys; undefined when nothing is. Never quotes a key. */
export function keySetFault(value: unknown): { readonly secret: boolean; readonly message: string } | undefined {
  const keys = isJsonObject(value) ? value['keys'] : undefined
  if (!Array.isArray(keys) || keys.length === 0) {
    return { secret: false, message: 'there is no JSON object with a list of keys' }
  }
  for (const [index, key] of keys.entries()) {
    if (!isJsonObject(key) || stringMember(key, 'kty') === undefined) {
      return { secret: false, message: `key ${index + 1} has no kty` }
    }
    if (holdsPrivateKey(key)) {
      return { secret: true, message: `key ${index + 1} holds a secret that everybody can read now` }
    }
  }
  return undefined
}
