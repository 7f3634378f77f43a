import { calculateJwkThumbprint, CompactSign, type JWK } from 'jose'
import { makeKey, RESOURCE } from './issuer-world.ts'

/** A client's key, and proofs made with it. */
export interface ProofMaker {
  readonly thumbprint: string
  readonly publicJwk: JWK
  /** Members that are undefined are left out. */
  make(proof: {
    readonly token: string
    readonly now: number
    readonly claims?: Record<string, unknown>
    readonly header?: Record<string, unknown>
  }): Promise<string>
}

let made = 0

export const hashOf = async (token: string): Promise<string> =>
  Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))).toString('base64url')

export async function proofMaker(alg = 'ES256', variant = 'client'): Promise<ProofMaker> {
  const { privateKey, publicJwk } = await makeKey(alg, undefined, variant)
  return {
    thumbprint: await calculateJwkThumbprint(publicJwk),
    publicJwk,
    async make({ token, now, claims = {}, header = {} }) {
      const payload = {
        jti: `proof-${++made}`,
        htm: 'POST',
        htu: RESOURCE,
        iat: Math.floor(now / 1000),
        ath: await hashOf(token),
        ...claims,
      }
      const all = { typ: 'dpop+jwt', alg, jwk: publicJwk, ...header }
      return new CompactSign(Buffer.from(JSON.stringify(payload)))
        .setProtectedHeader(JSON.parse(JSON.stringify(all)) as { alg: string })
        .sign(privateKey, { crit: { exp: true } })
    },
  }
}
