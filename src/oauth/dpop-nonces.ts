import { readDpopNonce } from './protocol/dpop.ts'

/** Which of the two kinds of server gave a nonce; on one origin they are still two servers. */
export type NonceRole = 'authorization server' | 'resource server'

/** The last nonce of every server (RFC 9449 §8, §9). In memory: another process is told by its own first answer. */
export interface DpopNonces {
  get(role: NonceRole, url: string | URL): string | undefined
  /** Remembers and returns the nonce of an answer, if it has one. */
  note(role: NonceRole, url: string | URL, headers: Headers): string | undefined
}

/** Servers remembered at once; the one heard of longest ago is dropped first. */
const MAX_SERVERS = 32

/** Creates the {@link DpopNonces} of one session. */
export function createDpopNonces(): DpopNonces {
  const nonces = new Map<string, string>()
  return {
    get: (role, url) => nonces.get(keyOf(role, url)),
    note(role, url, headers) {
      const nonce = readDpopNonce(headers)
      const key = keyOf(role, url)
      if (nonce === undefined) return undefined
      nonces.delete(key)
      nonces.set(key, nonce)
      for (const oldest of nonces.keys()) {
        if (nonces.size <= MAX_SERVERS) break
        nonces.delete(oldest)
      }
      return nonce
    },
  }
}

function keyOf(role: NonceRole, url: string | URL): string {
  return `${role} ${new URL(url).origin}`
}
