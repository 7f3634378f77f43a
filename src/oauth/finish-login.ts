import { clientOfPendingLogin } from './client-identity.ts'
import { storeLogin } from './completed-login.ts'
import { findPendingLogin, withoutPendingLogin } from './credential-record.ts'
import type { AuthorizationTarget } from './discovery.ts'
import { OAuthError } from './errors.ts'
import { idTokenOfLogin } from './id-token.ts'
import { learnFromRefusal } from './login-refusal.ts'
import { validateAuthorizationResponse } from './protocol/authorization.ts'
import { authorizationCodeForm } from './protocol/token.ts'
import type { SessionContext } from './session-context.ts'
import { throwIfAborted, waitFor } from './single-flight.ts'
import type { PendingLogin } from './store/credential-store.ts'
import { requestToken } from './token-request.ts'

/** What the one who finishes a login may ask for. */
export interface FinishOptions {
  readonly signal?: AbortSignal | undefined
  /** Called when the refusal taught something that makes a second attempt worth it. */
  readonly onLearned?: (() => void) | undefined
}

/**
 * Finishes the login that `parameters` answer, whichever process began it: `state`, then `iss`, then everything else; the pending
 * login is burnt before its code is redeemed, once (R-AUTHZ-3, R-AUTHZ-5).
 *
 * @throws {OAuthError} `authorization_response_invalid` (unknown or stale `state`, wrong `iss`), `issuer_mismatch` (not the one that is configured),
 * `authorization_refused`, and what the token request throws
 */
export async function finishPendingLogin(
  context: SessionContext,
  parameters: URLSearchParams,
  { signal, onLearned }: FinishOptions = {},
): Promise<void> {
  throwIfAborted(signal)
  const states = parameters.getAll('state')
  const found =
    states.length === 1 ? findPendingLogin(await context.records.read(), states[0] ?? '', context.now()) : undefined
  if (!found) throw unknownState()
  const { state, pending } = found
  assertPinnedIssuer(context, pending)
  try {
    const { issuer, statedIssuer = issuer, issRequired } = pending
    const { code } = validateAuthorizationResponse(parameters, { issuer: statedIssuer, issRequired })
    const target = await context.discovery.issuer(pending.issuer, signal)
    await burn(context, state)
    await waitFor(context.track(redeemCode(context, target, pending, code)), signal)
  } catch (error) {
    if (error instanceof OAuthError && error.code === 'authorization_refused') await forgetPendingLogin(context, state)
    if (await learnFromRefusal(context, pending, error)) onLearned?.()
    throw error
  }
}

/** Forgets a login that was begun and will not be finished. */
export async function forgetPendingLogin(context: SessionContext, state: string): Promise<void> {
  await context.records.update(record => withoutPendingLogin(record, state))
}

async function burn(context: SessionContext, state: string): Promise<void> {
  let burnt = false
  await context.records.update(record => {
    const next = withoutPendingLogin(record, state)
    burnt = next !== undefined
    return next
  })
  if (!burnt) throw unknownState()
}

async function redeemCode(
  context: SessionContext,
  target: AuthorizationTarget,
  pending: PendingLogin,
  code: string,
): Promise<void> {
  const { codeVerifier, redirectUri, resource } = pending
  const form = authorizationCodeForm({
    code,
    codeVerifier,
    redirectUri,
    ...(resource !== undefined && { resource }),
    ...(target.exception?.tokenParameters && { extra: target.exception.tokenParameters }),
  })
  const identity = clientOfPendingLogin(context, pending)
  const answer = await requestToken(context, target, identity, { form, dpopJwk: pending.dpopJwk })
  const idToken = idTokenOfLogin(context, target, pending, answer)
  const { issuer, requestedScope } = pending
  await storeLogin(context, { issuer, answer, requestedScope, resource, idToken })
}

/** Somebody else over the same store, pinned to no issuer or to another one, may have begun it. */
function assertPinnedIssuer({ grant }: SessionContext, { issuer }: PendingLogin): void {
  if (grant.issuer === undefined || grant.issuer === issuer) return
  throw new OAuthError('issuer_mismatch', `This login was begun at ${issuer}, which may not be used here.`, {
    step: 'authorization response',
    issuer,
    expected: grant.issuer,
    received: issuer,
    hint: 'Begin the login again.',
  })
}

function unknownState(): OAuthError {
  return new OAuthError('authorization_response_invalid', 'This answer belongs to no login that is waiting for one.', {
    step: 'authorization response',
    expected: 'the state of a login that was begun and is not finished',
    received: 'an unknown, used or expired state',
    hint: 'Begin the login again.',
  })
}
