import type { AuthorizationTarget } from './discovery.ts'
import { registerClient } from './dynamic-registration.ts'
import { OAuthError } from './errors.ts'
import type { PreRegisteredClient } from './grant-strategy.ts'
import { chooseAuthenticationMethod, type ClientAuthenticationMethod } from './protocol/client-authentication.ts'
import { hasScope, parseScope } from './protocol/scope.ts'
import type { SessionContext } from './session-context.ts'
import type { ClientRegistration, CredentialRecord, IssuerCredentials } from './store/credential-store.ts'

/** Who this client is at one issuer. */
export interface ClientIdentity {
  readonly kind: 'pre-registered' | 'dynamic' | 'client-id-metadata-document'
  readonly clientId: string
  readonly clientSecret?: string
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
  readonly signal?: AbortSignal | undefined
}

/**
 * Identifies the client for a new login: pre-registered → stored registration → client-id metadata document → dynamic
 * registration → an error that says what a person must register (R-REG-1).
 *
 * @throws {OAuthError} `registration_required`, `registration_rejected`, `registration_invalid`, `registration_issuer_changed`
 */
export async function identifyClient(context: SessionContext, input: IdentityInput): Promise<ClientIdentity> {
  const { target, record, redirectUri } = input
  const credentials = record?.issuers[target.issuer]
  const { client, clientMetadataUrl } = context.grant
  if (client) {
    assertSameIssuer(client, target.issuer, record)
    return preRegistered(client, target, credentials?.registration)
  }
  const stored = credentials?.registration
  const unusable = stored && whyUnusable(stored, input, context.now())
  if (stored && unusable === undefined) return identityOf(stored)
  const { authorizationServer } = target
  if (
    clientMetadataUrl !== undefined &&
    authorizationServer.clientIdMetadataDocumentSupported &&
    !credentials?.refuses?.clientIdMetadataDocument
  ) {
    return metadataDocumentClient(context, target.issuer, clientMetadataUrl)
  }
  if (authorizationServer.registrationEndpoint !== undefined && redirectUri !== undefined) {
    const forgotten = credentials?.grant && !stored ? 'the authorization server no longer knew the client' : undefined
    return identityOf(await registerClient(context, { ...input, redirectUri, reason: unusable ?? forgotten }))
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
  const { registration } = credentials
  if (registration) {
    return client?.clientId === registration.clientId
      ? preRegistered(client, target, registration)
      : identityOf(registration)
  }
  if (clientMetadataUrl === undefined) throw missing('no client information is stored for this login')
  if (!target.authorizationServer.clientIdMetadataDocumentSupported) {
    throw missing('the authorization server no longer accepts client-id metadata documents')
  }
  return documentIdentity(clientMetadataUrl)

  function missing(what: string): OAuthError {
    return new OAuthError('configuration', `The login at ${target.issuer} cannot be refreshed: ${what}.`, {
      step: 'refresh',
      issuer: target.issuer,
      hint: 'Log in again.',
    })
  }
}

/** Whether a configured client is another one than the stored tokens were issued to; then they are not used (field D19). */
export function isOtherClient(client: PreRegisteredClient | undefined, credentials: IssuerCredentials): boolean {
  return (
    client !== undefined && credentials.grant !== undefined && credentials.registration?.clientId !== client.clientId
  )
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

function preRegistered(
  client: PreRegisteredClient,
  { authorizationServer, exception }: AuthorizationTarget,
  stored: ClientRegistration | undefined,
): ClientIdentity {
  const remembered = stored?.clientId === client.clientId ? stored : undefined
  // Whoever gives only the id means the client whose secret was given at the login.
  const clientSecret = client.clientSecret ?? remembered?.clientSecret
  return identityOf({
    kind: 'pre-registered',
    clientId: client.clientId,
    ...(clientSecret !== undefined && { clientSecret }),
    tokenEndpointAuthMethod:
      client.tokenEndpointAuthMethod ??
      exception?.authMethod ??
      remembered?.tokenEndpointAuthMethod ??
      chooseAuthenticationMethod(authorizationServer.tokenEndpointAuthMethodsSupported, {
        secret: clientSecret !== undefined,
      }),
  })
}

function metadataDocumentClient(context: SessionContext, issuer: string, clientId: string): ClientIdentity {
  context.emit({ type: 'registered', issuer, kind: 'client-id-metadata-document', clientId })
  return documentIdentity(clientId)
}

/** The identity that a client-id metadata document gives (R-CIMD-5). */
export function documentIdentity(clientId: string): ClientIdentity {
  return { kind: 'client-id-metadata-document', clientId, tokenEndpointAuthMethod: 'none' }
}

function whyUnusable(stored: ClientRegistration, input: IdentityInput, now: number): string | undefined {
  const { redirectUri, scope, record, target } = input
  if (stored.clientSecretExpiresAt !== undefined && stored.clientSecretExpiresAt <= now) {
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
  if (record?.issuers[issuer]?.registration?.clientId === client.clientId) return
  const bound = Object.entries(record?.issuers ?? {}).find(
    ([, { registration }]) => registration?.kind === 'pre-registered' && registration.clientId === client.clientId,
  )
  if (!bound) return
  throw new OAuthError(
    'registration_issuer_changed',
    `The MCP server now names the authorization server ${issuer}, but the client ${client.clientId} belongs to ${bound[0]}.`,
    {
      step: 'client identity',
      issuer,
      expected: bound[0],
      received: issuer,
      hint: 'If the move is genuine, forget the stored client (logout with the client) and configure one of the new authorization server.',
    },
  )
}

function registrationRequired(issuer: string, redirectUri: string | undefined): OAuthError {
  return new OAuthError('registration_required', `${issuer} does not let clients register themselves.`, {
    step: 'client identity',
    issuer,
    hint: `Register a client there${redirectUri === undefined ? '' : ` with the redirect URI ${redirectUri}`} and configure its client id.`,
  })
}
