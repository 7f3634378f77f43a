import { constantTimeEqual } from '../oauth/protocol/authorization.ts'
import { DPOP_ALGORITHMS, type DpopAlgorithm } from '../oauth/protocol/dpop.ts'
import { isJsonObject } from '../oauth/protocol/json-object.ts'
import type { AuthInfo } from '../server/auth-info.ts'
import type { OptionNames } from '../server/given-options.ts'
import { claimOf, refusedToken } from './access-token-rules.ts'
import { digestOf } from '../oauth/protocol/digest.ts'
import { createDpopNonces, type DpopNonces } from './dpop-nonces.ts'
import { refusedProof, type VerifiedProof, verifyDpopProof } from './dpop-proof.ts'
import { assertKnownOptions } from './known-options.ts'
import { createMemoryReplayCache, type ReplayCache } from './replay-cache.ts'
import { TokenError } from './token-error.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** What is dated ahead has to be remembered for longer; clocks of clients are hardly ever further ahead (RFC 9449 §11.1 leaves it to the server). */
const MAX_AHEAD_MS = 60_000

export interface DpopOptions {
  /** Refuse bearer tokens. Default false: a token that is bound to no key is taken as one; a bound one never is. */
  readonly required?: boolean | undefined
  /** Where used proofs are remembered. Default: in memory, for one process. */
  readonly replay?: ReplayCache | undefined
  /**
   * Whether a proof needs a nonce of this server, which proves its age whatever the client's clock says, at the price of a second request
   * now and then. `required` makes them with a random key; for several machines give `createDpopNonces({ key })`. Default `off`.
   */
  readonly nonces?: 'off' | 'required' | DpopNonces | undefined
  /** Default: ES256, EdDSA, Ed25519, ES384, ES512, PS256 and RS256. */
  readonly algorithms?: readonly DpopAlgorithm[] | undefined
  /** How far `iat` of a proof may be behind now, where nonces do not tell; ahead it may be as far, but at most 60. Default 300. */
  readonly maxAgeSeconds?: number | undefined
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

const OPTIONS: OptionNames<DpopOptions> = {
  required: true,
  replay: true,
  nonces: true,
  algorithms: true,
  maxAgeSeconds: true,
  now: true,
}

/**
 * Adds proofs of possession (DPoP) to any verifier. A token bound to a key (`cnf.jkt`) needs a proof by that key, made for this request and this
 * token, and never used before; without one it is refused, so that a stolen token is of no use. A token bound to none is refused under the
 * `DPoP` scheme.
 *
 * The token is verified first: nobody without a valid one can fill the memory of used proofs.
 *
 * @throws {TokenError} besides what `verifier` throws: `binding_mismatch`, `invalid_dpop_proof`, `use_dpop_nonce`, `replay_cache_unavailable`
 * @see RFC 9449 §4.3, §7, §9, §11.1
 */
export function withDpop(verifier: TokenVerifier, options: DpopOptions = {}): TokenVerifier {
  assertKnownOptions(options, OPTIONS)
  const { required = false, algorithms = DPOP_ALGORITHMS, now = Date.now, maxAgeSeconds = 300 } = options
  const replay = options.replay ?? createMemoryReplayCache({ now })
  const nonces = noncesOf(options)
  assertOptions(verifier, algorithms)

  const verify: TokenVerifier = async presented => {
    const { scheme, token, request } = presented
    if (scheme === 'bearer' && required) {
      throw refusedToken('binding_mismatch', 'came as a bearer token', {
        expected: 'Authorization: DPoP, and a proof',
        received: 'Authorization: Bearer',
      })
    }
    const auth = await verifier({ ...presented, confirms: [...(presented.confirms ?? []), 'jkt'] })
    const thumbprint = boundKeyOf(auth)
    if (scheme === 'bearer') {
      if (thumbprint === undefined) return auth
      throw refusedToken('binding_mismatch', 'is bound to a key, and came as a bearer token', {
        expected: 'Authorization: DPoP, and a proof',
        received: 'Authorization: Bearer',
        hint: 'Either the client does not know that its token is bound, or somebody has stolen it.',
      })
    }
    if (thumbprint === undefined) {
      throw refusedToken('binding_mismatch', 'is bound to no key, and came under the DPoP scheme', {
        expected: 'Authorization: Bearer',
        received: 'Authorization: DPoP',
      })
    }
    const proof = await verifyDpopProof(request.dpopProofs, {
      token,
      algorithms,
      method: request.method,
      url: request.url,
    })
    if (!constantTimeEqual(proof.thumbprint, thumbprint)) {
      const hint = 'The client made a new key after it got its token, or somebody has stolen the token.'
      throw refusedToken('binding_mismatch', 'is bound to another key than that of the proof', { hint })
    }
    await assertNew(proof, await freshUntil(proof))
    return auth
  }

  /** Until when this proof would be taken. A nonce tells its age better than the client's clock does (§4.3, item 11). */
  async function freshUntil({ nonce, issuedAt }: VerifiedProof): Promise<number> {
    if (!nonces) return untilOf(issuedAt, now(), maxAgeSeconds * 1000)
    const until = nonce === undefined ? undefined : await nonces.acceptedUntil(nonce)
    if (until !== undefined) return until
    throw new TokenError('use_dpop_nonce', 'The proof of possession needs a nonce of this server.', {
      step: 'proof of possession',
      expected: 'the nonce of the DPoP-Nonce header',
      received: nonce === undefined ? 'none' : 'another, or one that is too old',
      dpopNonce: await nonces.current(),
    })
  }

  async function assertNew({ thumbprint, jti }: VerifiedProof, until: number): Promise<void> {
    let isNew: boolean
    try {
      isNew = await replay.claim(await digestOf(`${thumbprint}\n${jti}`), until, thumbprint)
    } catch (error) {
      const message = 'Whether the proof of possession came before cannot be found out now.'
      throw new TokenError('replay_cache_unavailable', message, { step: 'proof of possession' }, { cause: error })
    }
    if (isNew) return
    throw refusedProof('it came before', {
      expected: 'a new proof for every request',
      hint: 'The client, or something between, sends requests twice; or somebody replays one.',
    })
  }

  return Object.assign(verify, {
    ...(verifier.recognizes && { recognizes: verifier.recognizes }),
    dpop: { required, algorithms, ...(nonces && { nonce: () => nonces.current() }) },
  })
}

function noncesOf({ nonces = 'off', now }: DpopOptions): DpopNonces | undefined {
  if (nonces === 'off') return undefined
  return nonces === 'required' ? createDpopNonces({ now }) : nonces
}

function assertOptions(verifier: TokenVerifier, algorithms: readonly string[]): void {
  const known: readonly string[] = DPOP_ALGORITHMS
  const unknown = algorithms.find(each => !known.includes(each))
  if (!verifier.dpop && unknown === undefined && algorithms.length > 0) return
  const problem = verifier.dpop ? 'withDpop was called twice' : 'Proofs need algorithms with public keys'
  throw new TokenError('configuration', `${problem}.`, { step: 'configuration', expected: DPOP_ALGORITHMS.join(' ') })
}

function boundKeyOf({ claims }: AuthInfo): string | undefined {
  const confirmation = claimOf(claims, 'cnf')
  const thumbprint = isJsonObject(confirmation) ? claimOf(confirmation, 'jkt') : undefined
  if (thumbprint === undefined || (typeof thumbprint === 'string' && thumbprint !== '')) return thumbprint
  throw refusedToken('malformed', 'is bound to something that is no key', { expected: 'cnf with jkt' })
}

function untilOf(issuedAt: number, now: number, maxAgeMs: number): number {
  const maxAheadMs = Math.min(maxAgeMs, MAX_AHEAD_MS)
  const ageMs = now - issuedAt
  if (ageMs <= maxAgeMs && -ageMs <= maxAheadMs) return issuedAt + maxAgeMs
  const seconds = Math.round(ageMs / 1000)
  throw refusedProof('it is too old, or from the future', {
    expected: `iat from ${maxAgeMs / 1000} s ago to ${maxAheadMs / 1000} s ahead`,
    received: seconds > 0 ? `${seconds} s ago` : `${-seconds} s ahead`,
    hint: 'Check the clock of the client and of this machine; or require nonces, which need no clock of the client.',
  })
}
