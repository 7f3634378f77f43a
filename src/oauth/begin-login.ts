import { identifyClient, type ClientIdentity } from './client-identity.ts'
import { withPendingLogin } from './credential-record.ts'
import type { AuthorizationTarget } from './discovery.ts'
import { OAuthError } from './errors.ts'
import type { BegunLogin } from './grant-strategy.ts'
import { storeFirstRegistration } from './login-registration.ts'
import { learnFromRefusal } from './login-refusal.ts'
import { loginScope } from './login-scope.ts'
import { buildAuthorizationUrl, createPkce, createState } from './protocol/authorization.ts'
import { assertRedirectUri } from './redirect-uri.ts'
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
 * @throws {OAuthError} `redirect_uri_refused`, `url_refused`, and what {@link identifyClient} throws
 */
export async function beginPendingLogin(context: SessionContext, input: BeginInput): Promise<BegunLogin> {
  const { target, redirectUri, signal } = input
  assertRedirectUri(redirectUri)
  const { authorizationServer, issuer } = target
  const endpoint = authorizationServer.authorizationEndpoint
  if (endpoint === undefined) throw noAuthorizationEndpoint(target)
  // A browser asks this machine and its network as readily as we would: the same guard holds for where it is sent.
  await context.policy.assertUrl(endpoint, 'authorization request')
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
    ...(authorizationServer.issuer !== issuer && { statedIssuer: authorizationServer.issuer }),
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

function noAuthorizationEndpoint({ issuer, authorizationServer }: AuthorizationTarget): OAuthError {
  return new OAuthError('server_metadata_invalid', `${issuer} publishes no authorization endpoint.`, {
    step: 'authorization server metadata',
    url: authorizationServer.url,
    issuer,
    expected: 'authorization_endpoint (RFC 8414 §2)',
    received: 'none',
  })
}
