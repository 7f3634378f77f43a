import type { ClientIdentity } from './client-identity.ts'
import { sendAsClient } from './client-request.ts'
import { withPendingLogin } from './credential-record.ts'
import type { AuthorizationTarget } from './discovery.ts'
import { dpopKeyForLogin } from './dpop-key.ts'
import { OAuthError } from './errors.ts'
import { forgetPendingLogin } from './finish-login.ts'
import type { BegunLogin } from './grant-strategy.ts'
import { identifyKnownClient } from './known-client.ts'
import { storeFirstRegistration } from './login-registration.ts'
import { learnFromRefusal } from './login-refusal.ts'
import { loginScope } from './login-scope.ts'
import { buildAuthorizationUrl, createPkce, createState } from './protocol/authorization.ts'
import type { AuthorizationChallenge } from './protocol/challenge.ts'
import { dpopThumbprint } from './protocol/dpop.ts'
import { stringMember } from './protocol/json-object.ts'
import { pushedAuthorizationUrl, readPushedAuthorization } from './protocol/pushed-authorization.ts'
import { assertRedirectUri } from './redirect-uri.ts'
import { nameResourceParameter, targetForScope } from './resource-parameter.ts'
import type { SessionContext } from './session-context.ts'
import { throwIfAborted } from './single-flight.ts'
import type { PendingLogin } from './store/credential-store.ts'

/** How long a begun login waits for its answer. */
export const PENDING_LOGIN_LIFETIME_MS = 600_000

/** What a redirect-based login starts from. */
export interface BeginInput {
  readonly target: AuthorizationTarget
  readonly redirectUri: string
  /** Asked for explicitly at this login. */
  readonly explicitScope?: string | undefined
  /** The challenge that led here. */
  readonly challenge?: AuthorizationChallenge | undefined
  readonly signal?: AbortSignal | undefined
  /** Called when a refusal taught something that makes a second attempt worth it. */
  readonly onLearned?: (() => void) | undefined
}

/**
 * Begins a login: identifies the client for this redirect URI, stores issuer, verifier and state, and builds the authorization URL
 * (R-AUTHZ-1), pushing the request where the server takes that. The stored grant and its client stay as they are until the login completes (R-DCR-4).
 *
 * @throws {OAuthError} `redirect_uri_refused`, `url_refused`, `authorization_refused` by the push, and what {@link identifyKnownClient} throws
 */
export async function beginPendingLogin(context: SessionContext, input: BeginInput): Promise<BegunLogin> {
  const { redirectUri, challenge, signal } = input
  assertRedirectUri(redirectUri)
  const { authorizationServer, issuer } = input.target
  const endpoint = authorizationServer.authorizationEndpoint
  if (endpoint === undefined) throw noAuthorizationEndpoint(input.target)
  // A browser asks this machine and its network as readily as we would: the same guard holds for where it is sent.
  await context.policy.assertUrl(endpoint, 'authorization request')
  const record = await context.records.read()
  const credentials = record?.issuers[issuer]
  const { authorization: scope } = loginScope(context, {
    target: input.target,
    credentials,
    explicit: input.explicitScope,
    challenged: challenge?.scope,
  })
  const target = targetForScope(input.target, scope)
  let client: ClientIdentity
  try {
    client = await identifyKnownClient(context, { target, record, redirectUri, scope, endpoint, signal })
  } catch (error) {
    const refused = { issuer, clientId: '', ...(scope !== undefined && { requestedScope: scope }) }
    if (await learnFromRefusal(context, refused, error)) input.onLearned?.()
    throw error
  }
  assertRedirectUri(redirectUri, client.registration?.redirectUris)
  const dpopJwk = await dpopKeyForLogin(context, { target, credentials, challenge })
  throwIfAborted(signal)
  const { verifier, challenge: codeChallenge } = await createPkce(context.randomBytes)
  const state = createState(context.randomBytes)
  const nonce = context.grant.openId && createState(context.randomBytes)
  const createdAt = context.now()
  const pending: PendingLogin = {
    issuer,
    codeVerifier: verifier,
    redirectUri,
    clientId: client.clientId,
    ...(client.registration && { registration: client.registration }),
    ...(target.resource !== undefined && { resource: target.resource }),
    ...(scope !== undefined && { requestedScope: scope }),
    ...(dpopJwk && { dpopJwk }),
    ...(nonce !== undefined && { nonce }),
    ...(authorizationServer.issuer !== issuer && { statedIssuer: authorizationServer.issuer }),
    issRequired: authorizationServer.authorizationResponseIssParameterSupported,
    createdAt,
    expiresAt: createdAt + PENDING_LOGIN_LIFETIME_MS,
  }
  await context.records.update(latest => withPendingLogin(storeFirstRegistration(latest, pending), state, pending))
  const url = buildAuthorizationUrl({
    endpoint,
    clientId: client.clientId,
    redirectUri,
    state,
    codeChallenge,
    ...(scope !== undefined && { scope }),
    ...(target.resource !== undefined && { resource: target.resource }),
    extra: {
      ...target.exception?.authorizationParameters,
      ...context.grant.authorizationParameters,
      ...(dpopJwk && { dpop_jkt: await dpopThumbprint(dpopJwk) }),
      ...(nonce !== undefined && { nonce }),
    },
  })
  nameResourceParameter(url.searchParams, target)
  try {
    const pushed = await push(context, target, client, { url, endpoint, signal })
    return { url: pushed ?? url, state, expiresAt: pending.expiresAt }
  } catch (error) {
    await forgetPendingLogin(context, state)
    if (await learnFromRefusal(context, pending, error)) input.onLearned?.()
    throw error
  }
}

/** Seconds that a person may take to open the address. */
const MIN_PUSHED_LIFETIME_S = 300

/**
 * Sends the request to the authorization server itself, so that neither the browser nor its history sees it, and a refusal is known before
 * anybody is sent anywhere. Where pushing is not required, an endpoint that does not work is passed over, and so is a request that would be
 * over before a person who copies the address has opened it.
 *
 * @see RFC 9126
 */
async function push(
  context: SessionContext,
  target: AuthorizationTarget,
  client: ClientIdentity,
  { url, endpoint, signal }: { readonly url: URL; readonly endpoint: string; readonly signal: AbortSignal | undefined },
): Promise<URL | undefined> {
  const { raw } = target.authorizationServer
  const pushEndpoint = stringMember(raw, 'pushed_authorization_request_endpoint')
  if (pushEndpoint === undefined) return undefined
  const required = raw['require_pushed_authorization_requests'] === true
  const form = new URLSearchParams(url.search)
  for (const own of new URL(endpoint).searchParams.keys()) form.delete(own)
  try {
    const step = 'pushed authorization request'
    const { answer } = await sendAsClient(context, target, client, { step, url: pushEndpoint, form, signal })
    const verdict = readPushedAuthorization(answer)
    if (verdict.kind !== 'accepted') throw verdict.error
    if (!required && verdict.expiresIn < MIN_PUSHED_LIFETIME_S) return undefined
    return pushedAuthorizationUrl(endpoint, client.clientId, verdict.requestUri)
  } catch (error) {
    const definite =
      !(error instanceof OAuthError) || error.code === 'authorization_refused' || error.code === 'aborted'
    if (required || definite) throw error
    return undefined
  }
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
