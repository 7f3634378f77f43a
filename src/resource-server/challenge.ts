import type { DpopTerms } from './token-verifier.ts'

/** What a challenge says, besides where the metadata is. */
export interface ChallengeContent {
  /** Absent when no token came: the client has done nothing wrong (RFC 6750 §3.1). */
  readonly error?: string | undefined
  readonly description?: string | undefined
  /** What to ask for; empty: nothing is said. */
  readonly scopes?: readonly string[] | undefined
}

/**
 * Makes the `WWW-Authenticate` header: a Bearer challenge and, where proofs are checked, a DPoP one, both with all that there is to say, since clients
 * read the first that they know.
 *
 * @param dpop absent: no proofs are checked. Where they are required there is no Bearer challenge, nor after a proof that was refused.
 * @see RFC 6750 §3, RFC 9728 §5.1, RFC 9449 §7.1
 */
export function buildChallenge(
  metadataUrl: string,
  { error, description, scopes = [] }: ChallengeContent,
  dpop?: DpopTerms,
): string {
  const parameters = [
    ...(error === undefined ? [] : [`error=${quote(error)}`]),
    ...(description === undefined ? [] : [`error_description=${quote(description)}`]),
    ...(scopes.length === 0 ? [] : [`scope=${quote(scopes.join(' '))}`]),
    `resource_metadata=${quote(metadataUrl)}`,
  ].join(', ')
  const isAboutProof = error === 'invalid_dpop_proof' || error === 'use_dpop_nonce'
  return [
    ...(dpop && (dpop.required || isAboutProof) ? [] : [`Bearer ${parameters}`]),
    ...(dpop ? [`DPoP ${parameters}, algs=${quote(dpop.algorithms.join(' '))}`] : []),
  ].join(', ')
}

/** A quoted-string; what no header can hold is left out (RFC 9110 §5.6.4). */
function quote(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/gu, '').replace(/["\\]/gu, String.raw`\$&`)}"`
}
