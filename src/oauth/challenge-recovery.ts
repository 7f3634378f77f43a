import { createAttemptBudget } from './attempts.ts'
import {
  freshTokenRejected,
  loginRequired,
  proofRejected,
  stepUpFailed,
  stepUpRequired,
  suppliedTokenRejected,
  tooManyAttempts,
} from './challenge-errors.ts'
import { adoptChallengedLogin, differenceOf, rememberScope } from './challenged-login.ts'
import { isForeignGrant } from './client-identity.ts'
import { currentCredentials } from './credential-record.ts'
import { OAuthError, type OAuthErrorCode } from './errors.ts'
import type { LoginInput, Logins } from './login.ts'
import { authorizationChallenge, type AuthorizationChallenge } from './protocol/challenge.ts'
import { redactSecrets } from './protocol/redaction.ts'
import { hasScope, parseScope, unionScopes } from './protocol/scope.ts'
import type { Refresher } from './refresh.ts'
import type { SessionContext } from './session-context.ts'
import type { IssuerCredentials } from './store/credential-store.ts'
import { isExpired, isRefreshable } from './token-lifetime.ts'

const MAX_ADOPTIONS = 3
/** Characters of scope that challenges may add up to; a server that names other scopes every time would fill the store. */
export const MAX_KNOWN_SCOPE_LENGTH = 8_192

/** What one request has used up so far; each mark once (R-RETRY-1). */
export interface RequestMarks {
  recovered: boolean
  steppedUp: boolean
  adoptions: number
}

/** An answer that may be a challenge, and the token it answers. */
export interface RejectedRequest {
  readonly response: Response
  readonly url: URL
  /** The access token the request carried, if any. */
  readonly accessToken: string | undefined
  /** Why there was none to send, when the login was lost on the way. */
  readonly failure?: OAuthError | undefined
  /** See `operationOf`. */
  readonly operation: string
  readonly marks: RequestMarks
  readonly signal?: AbortSignal | undefined
}

/** Answers challenges. */
export interface ChallengeRecovery {
  /** True when the request should be sent again, false when its response stands as it is. @throws {OAuthError} when it cannot be authorized */
  recover(rejected: RejectedRequest): Promise<boolean>
  /** The operation went through. */
  succeeded(operation: string, accessToken: string | undefined): void
}

interface Parts {
  readonly context: SessionContext
  readonly logins: Logins
  readonly refresher: Refresher
}

/** Creates the {@link ChallengeRecovery} of one session. */
export function createChallengeRecovery({ context, logins, refresher }: Parts): ChallengeRecovery {
  const budget = createAttemptBudget(context)
  let rejectedFresh: string | undefined
  /** What a step-up asked for and its grant does not have. */
  let notGranted: { readonly grantId: string; readonly scope: string } | undefined

  async function recover(rejected: RejectedRequest): Promise<boolean> {
    const { response, accessToken, marks } = rejected
    const challenge = challengeOf(rejected)
    const stepUp = response.status === 403 && challenge?.error === 'insufficient_scope'
    if (response.status !== 401 && !stepUp) return accessToken === undefined && recoverUnmarked(rejected)

    // The server asks for another proof of the same token; no login would bring that (R-DPOP-1).
    if (accessToken !== undefined && challenge?.error === 'use_dpop_nonce' && (await isBound(accessToken))) return false
    if (accessToken !== undefined && challenge?.error === 'invalid_dpop_proof' && (await isBound(accessToken)))
      throw proofRejected(rejected.url, challenge, { headers: response.headers, now: context.now() })
    // Somebody is logging in already: what comes of it deserves its own try, and uses up no mark.
    if (marks.adoptions < MAX_ADOPTIONS && (await logins.join(rejected.signal))) {
      marks.adoptions++
      return true
    }
    const known = currentCredentials(await context.records.read())
    const usable = known && !isForeignGrant(context, known.credentials) ? known : undefined
    const grant = usable?.credentials.grant
    // The same for a newer token in the store.
    if (grant && grant.accessToken !== accessToken && marks.adoptions < MAX_ADOPTIONS) {
      marks.adoptions++
      context.emit({ type: 'adopted', issuer: usable.issuer, grantId: grant.grantId })
      return true
    }
    if (stepUp && accessToken !== undefined) return recoverScope(rejected, challenge, usable)
    return recoverUnauthorized(rejected, challenge, usable)
  }

  async function isBound(accessToken: string): Promise<boolean> {
    const grant = currentCredentials(await context.records.read())?.credentials.grant
    return grant?.accessToken === accessToken && grant.dpopJwk !== undefined
  }

  /** 401: refresh, else log in. */
  async function recoverUnauthorized(
    rejected: RejectedRequest,
    challenge: AuthorizationChallenge | undefined,
    known: Known | undefined,
  ): Promise<boolean> {
    const { accessToken, failure: lost, operation, marks, signal } = rejected
    if (context.grant.supply) return recoverSupplied(rejected, challenge, known)
    if (marks.recovered && marks.adoptions < MAX_ADOPTIONS && isEnded(known, accessToken)) {
      // It lived shorter than the request took, which says nothing about fresh tokens.
      marks.adoptions++
      marks.recovered = false
    }
    if (accessToken !== undefined && (marks.recovered || accessToken === rejectedFresh))
      return recoverFresh({ ...rejected, accessToken }, challenge, known)
    if (marks.recovered) return false
    context.discovery.rejected(challenge)
    if (known && marks.adoptions < MAX_ADOPTIONS && (await adoptChallengedLogin(context, challenge, known, signal))) {
      marks.adoptions++
      return true
    }
    marks.recovered = true
    let failure = lost
    if (known?.credentials.grant && isRefreshable(known.credentials)) {
      try {
        await refresher.refresh(known.credentials.grant, { reason: 'rejected', signal })
        return true
      } catch (error) {
        if (!needsLogin(error) && !needsNoRefresh(context, error)) throw error
        failure = error
      }
    }
    if (!logins.allowed) throw refuseToAsk(challenge, failure)
    const seen = { grantId: known?.credentials.grant?.grantId }
    await interact({ challenge, seen }, operation, signal)
    return true
  }

  /** A token that the application supplied: it is asked once for another, and no server is. */
  async function recoverSupplied(
    { url, accessToken, operation, marks, signal }: RejectedRequest,
    challenge: AuthorizationChallenge | undefined,
    known: Known | undefined,
  ): Promise<boolean> {
    if (marks.recovered) throw suppliedTokenRejected(url, challenge)
    marks.recovered = true
    const seen = { grantId: known?.credentials.grant?.grantId }
    await interact({ challenge, seen }, operation, signal)
    const supplied = currentCredentials(context.records.snapshot())?.credentials.grant?.accessToken
    if (supplied === accessToken) throw suppliedTokenRejected(url, challenge)
    return true
  }

  /** A token that was just issued: a tool with metadata of its own may want more scope; for the rest nothing would help. */
  async function recoverFresh(
    rejected: RejectedRequest & { readonly accessToken: string },
    challenge: AuthorizationChallenge | undefined,
    known: Known | undefined,
  ): Promise<boolean> {
    const { url, accessToken, marks, signal } = rejected
    const difference = known && (await differenceOf(context, challenge, known, signal))
    if (challenge && difference?.scope !== undefined && !marks.steppedUp)
      return recoverScope(rejected, { ...challenge, scope: difference.scope }, known)
    rejectedFresh = accessToken
    context.discovery.invalidate()
    throw freshTokenRejected(url, challenge, { accessToken, resource: difference?.resource })
  }

  /** 403 insufficient_scope: never a refresh, which cannot widen (RFC 6749 §6), but a new login for the union. */
  async function recoverScope(
    { url, operation, marks, signal }: RejectedRequest,
    challenge: AuthorizationChallenge,
    known: Known | undefined,
  ): Promise<boolean> {
    const { issuer = '', credentials } = known ?? {}
    const granted = credentials?.grant?.scope
    // Asked for and not given: a person who was sent there once is not sent again for the same (R-RETRY-4).
    const refused = notGranted?.grantId === credentials?.grant?.grantId ? notGranted?.scope : undefined
    const missing = parseScope(challenge.scope).filter(scope => !hasScope(granted, scope) && !hasScope(refused, scope))
    if (marks.steppedUp || missing.length === 0) throw stepUpFailed(url, challenge, granted)
    marks.steppedUp = true
    const scope = unionScopes(credentials?.knownScope, granted, challenge.scope) ?? ''
    if (scope.length > MAX_KNOWN_SCOPE_LENGTH) throw stepUpFailed(url, challenge, granted)
    // Kept even when nobody may be asked here, so that the next login asks for it (R-SCOPE-8).
    await rememberScope(context, issuer, scope)
    if (!logins.allowed) throw stepUpRequired(url, challenge, scope)
    context.emit({ type: 'stepUp', issuer, scope })
    const seen = { grantId: credentials?.grant?.grantId }
    if (!(await interact({ challenge, stepUp: true, seen }, operation, signal))) {
      // Somebody else's login had begun; it need not have asked for this scope.
      marks.steppedUp = ++marks.adoptions > MAX_ADOPTIONS
      return true
    }
    const fresh = currentCredentials(context.records.snapshot())?.credentials.grant
    const lacking = parseScope(scope).filter(each => !hasScope(fresh?.scope, each))
    notGranted = fresh && lacking.length > 0 ? { grantId: fresh.grantId, scope: lacking.join(' ') } : undefined
    return true
  }

  /** With no token yet, a 403 or a redirect to another origin may stand for a 401: only if OAuth metadata says so (field D10). */
  async function recoverUnmarked({ response, url, operation, marks, signal }: RejectedRequest): Promise<boolean> {
    if (marks.recovered || !looksLikeLogin(response, url)) return false
    marks.recovered = true
    const challenge = authorizationChallenge(response.headers)
    try {
      await context.discovery.target({ challenge, record: await context.records.read(), allowLegacy: false, signal })
    } catch (error) {
      if (error instanceof OAuthError && error.code !== 'aborted') return false
      throw error
    }
    if (!logins.allowed) throw refuseToAsk(challenge)
    await interact({ challenge, allowLegacy: false }, operation, signal)
    return true
  }

  function isEnded(known: Known | undefined, accessToken: string | undefined): boolean {
    const grant = known?.credentials.grant
    return grant !== undefined && grant.accessToken === accessToken && isExpired(grant, context.now())
  }

  function refuseToAsk(challenge: AuthorizationChallenge | undefined, failure?: OAuthError): OAuthError {
    const error = loginRequired(context.server, challenge, failure)
    context.emit({ type: 'loginRequired', reason: error.message })
    return error
  }

  async function interact(input: LoginInput, operation: string, signal: AbortSignal | undefined): Promise<boolean> {
    const admit = (): void => {
      if (!budget.take(operation)) throw tooManyAttempts(context.server)
    }
    return logins.obtain({ ...input, admit, mayAsk: true }, signal)
  }

  return {
    recover,
    succeeded(operation, accessToken) {
      budget.reset(operation)
      if (accessToken === rejectedFresh) rejectedFresh = undefined
    },
  }
}

interface Known {
  readonly issuer: string
  readonly credentials: IssuerCredentials
}

const NEEDS_LOGIN: ReadonlySet<OAuthErrorCode> = new Set(['refresh_refused', 'login_required', 'configuration'])

/** Whether a failed refresh means that only a new login helps. */
export function needsLogin(error: unknown): error is OAuthError {
  return error instanceof OAuthError && NEEDS_LOGIN.has(error.code)
}

/** Whether a machine, which can always obtain another token, need not wait until a refresh that was refused goes through (R-CC-3). */
export function needsNoRefresh({ grant }: SessionContext, error: unknown): error is OAuthError {
  return !grant.interactive && error instanceof OAuthError && error.detail.oauthError !== undefined
}

/** The challenge of an answer, without the token that some servers repeat in its description. */
function challengeOf({ response, accessToken }: RejectedRequest): AuthorizationChallenge | undefined {
  const challenge = authorizationChallenge(response.headers)
  if (challenge?.errorDescription === undefined) return challenge
  return { ...challenge, errorDescription: redactSecrets(challenge.errorDescription, [accessToken]) }
}

function looksLikeLogin(response: Response, url: URL): boolean {
  // Where it leads a browser does not tell; the metadata must.
  if (response.status === 403 || response.type === 'opaqueredirect') return true
  const location = response.headers.get('location')
  if (response.status < 300 || response.status > 399 || location === null || !URL.canParse(location, url)) return false
  return new URL(location, url).origin !== url.origin
}
