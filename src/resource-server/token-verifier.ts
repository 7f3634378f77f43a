import type { AuthInfo } from '../server/auth-info.ts'

/** A token as a request presents it. */
export interface PresentedToken {
  /** A secret: never log it. */
  readonly token: string
  /** The scheme of the `Authorization` header. */
  readonly scheme: 'bearer' | 'dpop'
  readonly request: {
    /** In upper case. */
    readonly method: string
    /** Origin and path of the resource as clients know it: from configuration, never from the `Host` header. */
    readonly url: string
    /** The values of the `DPoP` header. */
    readonly dpopProofs: readonly string[]
  }
  /** A token is for us when its audience is one of these, compared as exact strings. */
  readonly audience: readonly string[]
  /**
   * Confirmation methods (members of `cnf`) that the caller checks itself, such as `jkt`. A token that is bound by any other is refused: taken
   * as a bearer token it would be of use to whoever stole it.
   *
   * @see RFC 7800 §3.1
   */
  readonly confirms?: readonly string[] | undefined
  /** Ends the caller's own wait, with its reason. */
  readonly signal?: AbortSignal | undefined
}

/** How sure a verifier is that a token is its own: `yes` makes its verdict final. */
export type Recognition = 'yes' | 'maybe' | 'no'

/** What a server has to say about proofs of possession. */
export interface DpopTerms {
  /** Bearer tokens are refused. */
  readonly required: boolean
  /** For `algs` of the challenge and `dpop_signing_alg_values_supported`. */
  readonly algorithms: readonly string[]
  /** The current nonce; absent when none is needed. */
  readonly nonce?: (() => Promise<string>) | undefined
}

/**
 * Verifies a token: that it is from the issuer, for this resource and valid now, and that whoever presents it may.
 *
 * A plain function is a verifier. It must check the audience, and throw `TokenError`: anything else it throws counts as a fault of ours.
 *
 * @throws {TokenError}
 */
export interface TokenVerifier {
  (presented: PresentedToken): Promise<AuthInfo>
  /** Looks only at the token's form, for `firstOf`. Absent: `maybe`. */
  readonly recognizes?: ((token: string) => Recognition) | undefined
  /** Set by `withDpop`. */
  readonly dpop?: DpopTerms | undefined
}
