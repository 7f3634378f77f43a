import { OAuthError, type OAuthErrorDetail } from './errors.ts'
import type { AuthorizationChallenge } from './protocol/challenge.ts'
import { displayText, displayUrl } from './protocol/display-text.ts'
import { refusedProofHint } from './protocol/proof-hint.ts'
import { ENCRYPTED_TOKEN_HINT, isEncryptedToken } from './protocol/provider-hint.ts'

/** A login is needed, and nobody may be asked here. `cause` says why the stored one cannot be used any more. */
export function loginRequired(server: string, challenge?: AuthorizationChallenge, cause?: OAuthError): OAuthError {
  const why = cause === undefined ? '' : ` ${cause.message}`
  return new OAuthError(
    'login_required',
    `${displayUrl(server)} needs a login.${why}`,
    {
      step: 'authorization',
      url: displayUrl(server),
      ...describe(challenge),
      hint: 'Log in first, where a person can be asked.',
    },
    cause && { cause },
  )
}

/** The server wants more scopes, and nobody may be asked here. `detail.scope` is what to ask for. */
export function stepUpRequired(url: URL, challenge: AuthorizationChallenge, scope: string): OAuthError {
  return new OAuthError(
    'step_up_required',
    `This operation needs more permission: ${displayText(challenge.scope ?? scope)}.`,
    {
      step: 'step-up',
      url: displayUrl(url),
      status: 403,
      ...describe(challenge),
      scope,
      hint: `Log in again with the scope "${displayText(scope)}".`,
    },
  )
}

/** The challenge names nothing that is not held already (R-RETRY-4, field S4). */
export function stepUpFailed(url: URL, challenge: AuthorizationChallenge, granted: string | undefined): OAuthError {
  const asked = displayText(challenge.scope ?? 'no scope it names')
  return new OAuthError(
    'step_up_failed',
    `The server still refuses for lack of scope, and a new login would change nothing.`,
    {
      step: 'step-up',
      url: displayUrl(url),
      status: 403,
      ...describe(challenge),
      expected: asked,
      received:
        granted === undefined ? 'a token whose scope is unknown' : `a token with the scope ${displayText(granted)}`,
      hint: 'The account may lack this permission, or the server may disagree with its authorization server about scopes.',
    },
  )
}

/** A token that was just issued, and what is known about why it is rejected. */
export interface RejectedToken {
  readonly accessToken: string
  /** It is for another resource than the server's metadata names now. */
  readonly resource?: { readonly held: string; readonly wanted: string } | undefined
}

const DISAGREEMENT_HINT = 'The server and its authorization server disagree: check clocks, issuer and audience there.'
const OTHER_RESOURCE_HINT =
  'The server names another resource than the login is for, and one login holds tokens for one. If the server moved, log in again (`latchkey login --force`); if some of its tools want tokens of their own, use them under a profile of their own.'

/** A token that was just issued is rejected: logging in again would not help (field T23). */
export function freshTokenRejected(
  url: URL,
  challenge: AuthorizationChallenge | undefined,
  { accessToken, resource }: RejectedToken,
): OAuthError {
  const said = [challenge?.error, challenge?.errorDescription]
    .filter(text => text !== undefined)
    .map(text => displayText(text))
  return new OAuthError(
    'fresh_token_rejected',
    `The server rejects a token that was just issued${said.length > 0 ? `: ${said.join(', ')}` : ''}.`,
    {
      step: 'authorized request',
      url: displayUrl(url),
      status: 401,
      ...describe(challenge),
      ...(resource && {
        expected: `a token for ${displayText(resource.wanted)}`,
        received: `one for ${displayText(resource.held)}`,
      }),
      hint: resource ? OTHER_RESOURCE_HINT : isEncryptedToken(accessToken) ? ENCRYPTED_TOKEN_HINT : DISAGREEMENT_HINT,
    },
  )
}

/** The proof that went with the token is rejected: neither a refresh nor a person would change that. */
export function proofRejected(
  url: URL,
  challenge: AuthorizationChallenge,
  { headers, now }: { readonly headers: Headers; readonly now: number },
): OAuthError {
  return new OAuthError('dpop_proof_rejected', 'The server rejects the proof that goes with the token.', {
    step: 'proof of possession',
    url: displayUrl(url),
    status: 401,
    ...describe(challenge),
    hint: refusedProofHint(headers, now),
  })
}

/** The token that the application supplies is rejected, and it has no other. */
export function suppliedTokenRejected(url: URL, challenge: AuthorizationChallenge | undefined): OAuthError {
  return new OAuthError('fresh_token_rejected', 'The server rejects the configured token.', {
    step: 'authorized request',
    url: displayUrl(url),
    status: 401,
    ...describe(challenge),
    hint: 'It may have ended or been revoked, or be meant for another server: configure a new one.',
  })
}

/** The budget of interactive attempts is used up (R-RETRY-1). */
export function tooManyAttempts(server: string): OAuthError {
  return new OAuthError(
    'too_many_attempts',
    `${displayUrl(server)} was not satisfied by three logins for the same operation.`,
    {
      step: 'authorization',
      url: displayUrl(server),
      hint: 'Wait ten minutes, or find out what the server lacks.',
    },
  )
}

function describe(challenge: AuthorizationChallenge | undefined): Partial<OAuthErrorDetail> {
  return {
    ...(challenge?.error !== undefined && { oauthError: displayText(challenge.error, 60) }),
    ...(challenge?.errorDescription !== undefined && {
      oauthErrorDescription: displayText(challenge.errorDescription),
    }),
    ...(challenge?.scope !== undefined && { scope: displayText(challenge.scope, 2_000) }),
  }
}
