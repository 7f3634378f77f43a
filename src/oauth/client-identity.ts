import type { AuthorizationTarget } from './discovery.ts'
import { registerClient } from './dynamic-registration.ts'
import { OAuthError } from './errors.ts'
import type { ClientPrivateKey, PreRegisteredClient } from './grant-strategy.ts'
import { chooseAuthenticationMethod, type ClientAuthenticationMethod } from './protocol/client-authentication.ts'
import { hasScope, parseScope } from './protocol/scope.ts'
import type { SessionContext } from './session-context.ts'
import type { ClientRegistration, CredentialRecord, IssuerCredentials, PendingLogin } from './store/credential-store.ts'

/** Who this client is at one issuer. */
export interface ClientIdentity {
  readonly kind: 'pre-registered' | 'dynamic' | 'client-id-metadata-document' | 'anonymous'
  /** Empty for an anonymous client. */
  readonly clientId: string
  readonly clientSecret?: string
  readonly privateKey?: ClientPrivateKey
  readonly tokenEndpointAuthMethod: ClientAuthenticationMethod
  /** What to store with the tokens; absent for a client-id metadata document (R-CIMD-3). */
  readonly registration?: ClientRegistration
}

/** What the choice of an identity depends on. */
export interface IdentityInput {
  readonly target: AuthorizationTarget
  readonly record: CredentialRecord | undefined
  /** Must be registered already, or will be. */
  readonly redirectUri?: string | undefined
  /** Registered with a new client: the same scope as in the authorization request (R-DCR-1). */
  readonly scope?: string | undefined
  /** A client that the authorization server was seen to refuse: another one is needed. */
  readonly refused?: { readonly clientId: string; readonly why: string } | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Identifies the client for a new login: pre-registered → stored registration → client-id metadata document → dynamic
 * registration → an error that says what a person must register (R-REG-1).
 *
 * @throws {OAuthError} `registration_required`, `registration_rejected`, `registration_invalid`, `registration_issuer_changed`
 */
export async function identifyClient(context: SessionContext, input: IdentityInput): Promise<ClientIdentity> {
  const { target, record, redirectUri, refused } = input
  const credentials = record?.issuers[target.issuer]
  const { client, clientMetadataUrl, clientAuthentication } = context.grant
  if (clientAuthentication === 'none' && !client) {
    assertSameWorkload(context, target.issuer, record)
    return ANONYMOUS
  }
  if (client) {
    assertSameIssuer(client, target.issuer, record)
    return preRegistered(client, target, credentials?.registration)
  }
  const stored = credentials?.registration
  const unusable = stored && whyUnusable(context, stored, input)
  if (stored && unusable === undefined) return identityOf(stored)
  const { authorizationServer } = target
  if (
    clientMetadataUrl !== undefined &&
    authorizationServer.clientIdMetadataDocumentSupported &&
    !credentials?.refuses?.clientIdMetadataDocument &&
    refused?.clientId !== clientMetadataUrl
  ) {
    context.emit({
      type: 'registered',
      issuer: target.issuer,
      kind: 'client-id-metadata-document',
      clientId: clientMetadataUrl,
    })
    return documentIdentity(context, clientMetadataUrl)
  }
  const mayRegister = redirectUri !== undefined || (context.grant.interactive && !context.grant.usesRedirect)
  if (authorizationServer.registrationEndpoint !== undefined && mayRegister) {
    const forgotten = credentials?.grant && !stored ? 'the authorization server no longer knew the client' : undefined
    const reason = refused?.why ?? unusable ?? forgotten
    return identityOf(await registerClient(context, { ...input, redirectUri, reason }))
  }
  throw registrationRequired(target.issuer, redirectUri)
}

/**
 * The client a stored grant was issued to; nobody else may refresh or revoke it (R-REFRESH-7).
 *
 * @throws {OAuthError} `configuration` naming what is missing
 */
export function clientOfGrant(
  context: SessionContext,
  target: AuthorizationTarget,
  credentials: IssuerCredentials,
): ClientIdentity {
  const { client, clientMetadataUrl } = context.grant
  const { registration, grant } = credentials
  const clientId = grant?.clientId ?? registration?.clientId ?? clientMetadataUrl
  if (clientId === undefined) {
    if (grant && context.grant.clientAuthentication === 'none') return ANONYMOUS
    throw missing('no client information is stored for this login')
  }
  if (client?.clientId === clientId) return preRegistered(client, target, registration)
  if (registration?.clientId === clientId) return identityOf(registration)
  if (clientId !== clientMetadataUrl)
    throw missing(`the client ${clientId} that it was issued to is no longer known here`)
  if (!target.authorizationServer.clientIdMetadataDocumentSupported) {
    throw missing('the authorization server no longer accepts client-id metadata documents')
  }
  return documentIdentity(context, clientMetadataUrl)

  function missing(what: string): OAuthError {
    return new OAuthError('configuration', `The login at ${target.issuer} cannot be refreshed: ${what}.`, {
      step: 'refresh',
      issuer: target.issuer,
      hint: 'Log in again.',
    })
  }
}

/**
 * Whether stored tokens are not for this session: issued to another client than the one configured (field D19), to a person or to somebody
 * else where the session speaks for a machine, or bearer tokens where it requires proofs. A token of which the key is lost is nobody's (R-DPOP-1).
 */
export function isForeignGrant(
  { grant: { client, interactive, obtainsFor }, dpop, dpopKeys }: Pick<SessionContext, 'grant' | 'dpop' | 'dpopKeys'>,
  credentials: IssuerCredentials,
): boolean {
  const { grant, registration } = credentials
  if (!grant) return false
  const isBound = grant.tokenType === 'DPoP'
  if (isBound ? !grant.dpopJwk || dpopKeys.isUnreadable(grant.dpopJwk) : dpop === true) return true
  if (!interactive && !grant.withoutPerson) return true
  const namesBoth = obtainsFor !== undefined && grant.obtainedFor !== undefined
  if (!interactive && namesBoth && grant.obtainedFor !== obtainsFor) return true
  return client !== undefined && (grant.clientId ?? registration?.clientId) !== client.clientId
}

/** The identity that a registration gives. */
export function identityOf(registration: ClientRegistration): ClientIdentity {
  return {
    kind: registration.kind,
    clientId: registration.clientId,
    ...(registration.clientSecret !== undefined && { clientSecret: registration.clientSecret }),
    tokenEndpointAuthMethod: registration.tokenEndpointAuthMethod,
    registration,
  }
}

/** The identity of a client that is registered elsewhere than at the session's own authorization server. */
export function preRegisteredIdentity(client: PreRegisteredClient, target: IdentityTarget): ClientIdentity {
  return preRegistered(client, target, undefined)
}

type IdentityTarget = Pick<AuthorizationTarget, 'authorizationServer' | 'exception'>

function preRegistered(
  client: PreRegisteredClient,
  { authorizationServer, exception }: IdentityTarget,
  stored: ClientRegistration | undefined,
): ClientIdentity {
  const remembered = stored?.clientId === client.clientId ? stored : undefined
  // Whoever gives only the id means the client whose secret was given at the login.
  const clientSecret = client.clientSecret ?? remembered?.clientSecret
  const { clientId, privateKey } = client
  const method = remembered?.tokenEndpointAuthMethod
  // What a public client did is not for one with a secret; whoever has none now is told so.
  const fits = method?.startsWith('client_secret') === (clientSecret !== undefined)
  const identity = identityOf({
    kind: 'pre-registered',
    clientId,
    ...(clientSecret !== undefined && { clientSecret }),
    tokenEndpointAuthMethod:
      client.tokenEndpointAuthMethod ??
      (privateKey && 'private_key_jwt') ??
      exception?.authMethod ??
      (fits ? method : undefined) ??
      chooseAuthenticationMethod(authorizationServer.tokenEndpointAuthMethodsSupported, {
        secret: clientSecret !== undefined,
      }),
  })
  return privateKey ? { ...identity, privateKey } : identity
}

const ANONYMOUS: ClientIdentity = { kind: 'anonymous', clientId: '', tokenEndpointAuthMethod: 'none' }

/** The identity that a client-id metadata document gives (R-CIMD-5). */
function documentIdentity(
  { grant: { clientMetadataKey: privateKey } }: SessionContext,
  clientId: string,
): ClientIdentity {
  return {
    kind: 'client-id-metadata-document',
    clientId,
    tokenEndpointAuthMethod: privateKey ? 'private_key_jwt' : 'none',
    ...(privateKey && { privateKey }),
  }
}

/** The client that began a login. */
export function clientOfPendingLogin(
  context: SessionContext,
  { clientId, registration }: PendingLogin,
): ClientIdentity {
  return registration ? withConfiguredKey(context, identityOf(registration)) : documentIdentity(context, clientId)
}

/** Private keys are never stored: whoever finishes, refreshes or revokes has them configured. */
function withConfiguredKey({ grant: { client } }: SessionContext, identity: ClientIdentity): ClientIdentity {
  return client?.privateKey && client.clientId === identity.clientId
    ? { ...identity, privateKey: client.privateKey }
    : identity
}

function whyUnusable(
  { grant, now }: SessionContext,
  stored: ClientRegistration,
  input: IdentityInput,
): string | undefined {
  const { redirectUri, scope, record, target, refused } = input
  if (stored.clientId === refused?.clientId) return refused.why
  if (grant.interactive && stored.withoutPerson) return "the stored client is a machine's"
  if (stored.clientSecretExpiresAt !== undefined && stored.clientSecretExpiresAt <= now()) {
    return 'the client secret expired'
  }
  if (redirectUri !== undefined && stored.redirectUris && !stored.redirectUris.includes(redirectUri)) {
    return `the redirect URI ${redirectUri} was not registered`
  }
  const bounded = record?.issuers[target.issuer]?.refuses?.scopeBeyondRegistration ?? false
  return bounded && isBeyondRegistration(stored, scope) ? `the scope ${scope} was not registered` : undefined
}

/** Whether `scope` holds more than a dynamic client registered with. */
export function isBeyondRegistration(
  { kind, scope: registered }: ClientRegistration,
  scope: string | undefined,
): boolean {
  return kind === 'dynamic' && registered !== undefined && parseScope(scope).some(each => !hasScope(registered, each))
}

function assertSameIssuer(client: PreRegisteredClient, issuer: string, record: CredentialRecord | undefined): void {
  const bound = boundTo(record, issuer, ({ registration }) => {
    // What a server calls those who register themselves says nothing: it may use the id of another.
    return registration?.kind === 'pre-registered' && registration.clientId === client.clientId
  })
  if (bound === undefined) return
  throw new OAuthError(
    'registration_issuer_changed',
    `The MCP server now names the authorization server ${issuer}, but the client ${client.clientId} belongs to ${bound}.`,
    {
      step: 'client identity',
      issuer,
      expected: bound,
      received: issuer,
      hint: 'If the move is genuine, forget the stored client (logout with the client) and configure one of the new authorization server.',
    },
  )
}

/** A workload without a client id has no registration that remembers where it belongs; its token does. */
function assertSameWorkload(
  { grant: own }: SessionContext,
  issuer: string,
  record: CredentialRecord | undefined,
): void {
  const bound = boundTo(record, issuer, ({ grant }) => {
    return grant?.withoutPerson === true && grant.clientId === undefined && grant.obtainedFor === own.obtainsFor
  })
  if (bound === undefined) return
  throw new OAuthError(
    'registration_issuer_changed',
    `The MCP server now names the authorization server ${issuer}, but this workload was given its tokens by ${bound}.`,
    {
      step: 'client identity',
      issuer,
      expected: bound,
      received: issuer,
      hint: 'If the move is genuine, log out first. To say which authorization server is meant, configure its issuer.',
    },
  )
}

/** The other issuer that something belongs to; undefined where it belongs to this one, or to none yet. */
function boundTo(
  record: CredentialRecord | undefined,
  issuer: string,
  belongs: (credentials: IssuerCredentials) => boolean,
): string | undefined {
  const bound = Object.entries(record?.issuers ?? {}).flatMap(([each, found]) => (belongs(found) ? [each] : []))
  return bound.includes(issuer) ? undefined : bound[0]
}

function registrationRequired(issuer: string, redirectUri: string | undefined): OAuthError {
  return new OAuthError('registration_required', `${issuer} does not let clients register themselves.`, {
    step: 'client identity',
    issuer,
    hint: `Register a client there${redirectUri === undefined ? '' : ` with the redirect URI ${redirectUri}`} and configure its client id.`,
  })
}
