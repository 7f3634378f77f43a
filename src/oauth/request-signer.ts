import { parseChallenges } from './protocol/challenge.ts'
import { createDpopProof } from './protocol/dpop.ts'
import type { RequestSigner } from './request-authorization.ts'
import type { SessionContext } from './session-context.ts'
import type { StoredGrant } from './store/credential-store.ts'

/**
 * Signs requests with the token of a grant: as a bearer token, or with a fresh proof for every request where the token is bound to a key.
 *
 * @see RFC 6750 §2.1, RFC 9449 §7.1
 */
export function createSigner(context: SessionContext, { accessToken, dpopJwk }: StoredGrant): RequestSigner {
  if (!dpopJwk) {
    return {
      accessToken,
      async sign(headers) {
        headers.set('authorization', `Bearer ${accessToken}`)
      },
      answered: () => false,
    }
  }
  const { nonces, randomBytes } = context
  let used: string | undefined
  let demanded: string | undefined
  return {
    accessToken,
    async sign(headers, { method, url }) {
      const key = await context.dpopKeys.ready(dpopJwk)
      // The one that this request was told to use, not the one that another was told since.
      used = demanded ?? nonces.get('resource server', url)
      const proof = await createDpopProof(key, {
        method,
        url,
        accessToken,
        nonce: used,
        now: context.now(),
        randomBytes,
      })
      headers.set('authorization', `DPoP ${accessToken}`)
      headers.set('dpop', proof)
    },
    answered(response, url) {
      const nonce = nonces.note('resource server', url, response.headers)
      const again = nonce !== used && response.status === 401 && wantsNonce(response.headers)
      demanded = again ? nonce : undefined
      return demanded !== undefined
    },
  }
}

function wantsNonce(headers: Headers): boolean {
  return parseChallenges(headers.get('www-authenticate')).some(
    ({ scheme, parameters }) => scheme === 'dpop' && parameters['error'] === 'use_dpop_nonce',
  )
}
