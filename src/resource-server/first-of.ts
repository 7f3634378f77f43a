import { refusedToken } from './access-token-rules.ts'
import { TokenError, type TokenErrorCode } from './token-error.ts'
import type { Recognition, TokenVerifier } from './token-verifier.ts'

/** Verdicts that leave open whether the token belongs to another issuer. */
const NOT_MINE: ReadonlySet<TokenErrorCode> = new Set(['inactive', 'malformed', 'wrong_issuer', 'unknown_key'])

/**
 * Accepts the tokens of several issuers. A JWT goes to the verifier of its issuer, whose verdict is final. An opaque token says nothing about
 * itself: it is shown to each introspection endpoint in turn until one knows it, so all of them must be trusted with it. Where one of those
 * could not be asked and no other knows the token, that is said (503), and not that the token is bad.
 *
 * For proofs of possession wrap the whole: `withDpop(firstOf(…))`.
 *
 * @throws {TokenError} `configuration` without verifiers, or when one is wrapped in `withDpop` by itself
 */
export function firstOf(...verifiers: readonly TokenVerifier[]): TokenVerifier {
  if (verifiers.length === 0 || verifiers.some(({ dpop }) => dpop !== undefined)) {
    throw new TokenError('configuration', 'firstOf takes verifiers that are not wrapped in withDpop.', {
      step: 'configuration',
      expected: 'withDpop(firstOf(…))',
    })
  }
  const verify: TokenVerifier = async presented => {
    const recognized = verifiers.map(each => recognition(each, presented.token))
    const certain = recognized.indexOf('yes')
    const candidates =
      certain === -1 ? verifiers.filter((_, index) => recognized[index] === 'maybe') : [verifiers[certain]]
    let [refusal, unavailable]: (TokenError | undefined)[] = []
    for (const candidate of candidates) {
      try {
        if (candidate) return await candidate(presented)
      } catch (error) {
        if (!(error instanceof TokenError)) throw error
        if (error.unavailable) unavailable ??= error
        else if (NOT_MINE.has(error.code)) refusal ??= error
        else throw error
      }
    }
    throw unavailable ?? refusal ?? refusedToken('wrong_issuer', 'is of none of the issuers that are accepted here')
  }
  return Object.assign(verify, {
    recognizes(token: string): Recognition {
      const recognized = verifiers.map(each => recognition(each, token))
      return recognized.find(each => each === 'yes') ?? recognized.find(each => each === 'maybe') ?? 'no'
    },
  })
}

function recognition(verifier: TokenVerifier, token: string): Recognition {
  return verifier.recognizes?.(token) ?? 'maybe'
}
