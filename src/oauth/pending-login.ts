import { documentIdentity, identifyClient, identityOf, type ClientIdentity } from './client-identity.ts'
import { findPendingLogin, mergeTokens, withLogin, withPendingLogin, withoutPendingLogin } from './credential-record.ts'
import type { AuthorizationTarget } from './discovery.ts'
import { OAuthError } from './errors.ts'
import type { BegunLogin } from './grant-strategy.ts'
import { findIssuerException } from './issuer-exceptions.ts'
import { storeFirstRegistration } from './login-registration.ts'
import { learnFromRefusal } from './login-refusal.ts'
import { loginScope } from './login-scope.ts'
import {
  buildAuthorizationUrl,
  createPkce,
  createState,
  validateAuthorizationResponse,
} from './protocol/authorization.ts'
import { unionScopes } from './protocol/scope.ts'
import { authorizationCodeForm } from './protocol/token.ts'
import { assertRedirectUri } from './redirect-uri.ts'
import { randomId, type SessionContext } from './session-context.ts'
import { throwIfAborted, waitFor } from './single-flight.ts'
import type { PendingLogin } from './store/credential-store.ts'
import { requestToken } from './token-request.ts'

/** How long a begun login waits for its answer. */
export const PENDING_LOGIN_LIFETIME_MS = 600_000

/** What a redirect-based login starts from. */
export interface BeginInput {
  readonly target: AuthorizationTarget
  readonly redirectUri: string
  /** Asked for explicitly at this login. */
  readonly explicitScope?: string | undefined
  /** Scope of the challenge that led here. */
  readonly challengedScope?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Called when a refused registration taught something that makes a second attempt worth it. */
  readonly onLearned?: (() => void) | undefined
}

/**
 * Begins a login: identifies the client for this redirect URI, stores issuer, verifier and state, and builds the authorization URL
 * (R-AUTHZ-1). The stored grant and its client stay as they are until the login completes (R-DCR-4).
 *
 * @throws {OAuthError} `redirect_uri_refused`, and what {@link identifyClient} throws
 */
export async function beginPendingLogin(context: SessionContext, input: BeginInput): Promise<BegunLogin> {
  const { target, redirectUri, signal } = input
  assertRedirectUri(redirectUri)
  const { authorizationServer, issuer } = target
  const endpoint = authorizationServer.authorizationEndpoint
  if (endpoint === undefined) throw noAuthorizationEndpoint(target)
  const record = await context.records.read()
  const credentials = record?.issuers[issuer]
  const { authorization: scope } = loginScope(context, {
    target,
    credentials,
    explicit: input.explicitScope,
    challenged: input.challengedScope,
  })
  let client: ClientIdentity
  try {
    client = await identifyClient(context, { target, record, redirectUri, scope, signal })
  } catch (error) {
    const refused = { issuer, clientId: '', ...(scope !== undefined && { requestedScope: scope }) }
    if (await learnFromRefusal(context, refused, error)) input.onLearned?.()
    throw error
  }
  assertRedirectUri(redirectUri, client.registration?.redirectUris)
  throwIfAborted(signal)
  const { verifier, challenge } = await createPkce(context.randomBytes)
  const state = createState(context.randomBytes)
  const createdAt = context.now()
  const pending: PendingLogin = {
    issuer,
    codeVerifier: verifier,
    redirectUri,
    clientId: client.clientId,
    ...(client.registration && { registration: client.registration }),
    ...(target.resource !== undefined && { resource: target.resource }),
    ...(scope !== undefined && { requestedScope: scope }),
    issRequired: authorizationServer.authorizationResponseIssParameterSupported,
    createdAt,
    expiresAt: createdAt + PENDING_LOGIN_LIFETIME_MS,
  }
  await context.records.update(latest => withPendingLogin(storeFirstRegistration(latest, pending), state, pending))
  const extra = { ...target.exception?.authorizationParameters, ...context.grant.authorizationParameters }
  const url = buildAuthorizationUrl({
    endpoint,
    clientId: client.clientId,
    redirectUri,
    state,
    codeChallenge: challenge,
    ...(scope !== undefined && { scope }),
    ...(target.resource !== undefined && { resource: target.resource }),
    extra,
  })
  return { url, state, expiresAt: pending.expiresAt }
}

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
 * @throws {OAuthError} `authorization_response_invalid` (unknown or stale `state`, wrong `iss`), `authorization_refused`, and what the token request throws
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
  try {
    const code = codeOf(context, parameters, pending)
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

function codeOf(context: SessionContext, parameters: URLSearchParams, pending: PendingLogin): string {
  const trusted = findIssuerException(pending.issuer, context.exceptions)?.trustedIssuer
  const expected = { issuer: trusted ?? pending.issuer, issRequired: pending.issRequired }
  return validateAuthorizationResponse(parameters, expected).code
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
  const { codeVerifier, redirectUri, resource, registration } = pending
  const form = authorizationCodeForm({
    code,
    codeVerifier,
    redirectUri,
    ...(resource !== undefined && { resource }),
    ...(target.exception?.tokenParameters && { extra: target.exception.tokenParameters }),
  })
  const identity = registration ? identityOf(registration) : documentIdentity(pending.clientId)
  const { response, client } = await requestToken(context, target, identity, form)
  const { requestedScope } = pending
  const grantId = randomId(context)
  const grant = mergeTokens(response, { kind: 'login', grantId, requestedScope, resource }, context.now())
  const { issuer } = target
  await context.records.update(record =>
    withLogin(record, { issuer, grant, registration: client.registration, requestedScope }),
  )
  const scope = unionScopes(grant.scope)
  const { expiresAt } = grant
  const refreshable = grant.refreshToken !== undefined
  context.emit({
    type: 'loggedIn',
    issuer,
    grantId,
    refreshable,
    ...(scope !== undefined && { scope }),
    ...(expiresAt !== undefined && { expiresAt }),
  })
  if (!refreshable && expiresAt !== undefined) {
    const minutes = Math.round((expiresAt - grant.obtainedAt) / 60_000)
    const message = `This login lasts ${minutes} minutes: ${issuer} gave no refresh token.`
    context.emit({ type: 'warning', message })
  }
}

function unknownState(): OAuthError {
  return new OAuthError('authorization_response_invalid', 'This answer belongs to no login that is waiting for one.', {
    step: 'authorization response',
    expected: 'the state of a login that was begun and is not finished',
    received: 'an unknown, used or expired state',
    hint: 'Begin the login again.',
  })
}

function noAuthorizationEndpoint({ issuer, authorizationServer }: AuthorizationTarget): OAuthError {
  return new OAuthError('server_metadata_invalid', `${issuer} publishes no authorization endpoint.`, {
    step: 'authorization server metadata',
    url: authorizationServer.url,
    issuer,
    expected: 'authorization_endpoint (RFC 8414 §2)',
    received: 'none',
  })
}
