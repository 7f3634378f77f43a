import { identifyClient, type ClientIdentity, type IdentityInput } from './client-identity.ts'
import { withCredentials } from './credential-record.ts'
import { OAuthError } from './errors.ts'
import { isProven, lookAtAuthorizationPage } from './preflight.ts'
import { buildAuthorizationUrl, createPkce, createState } from './protocol/authorization.ts'
import type { ClientRefusal } from './protocol/authorization-page.ts'
import { displayUrl } from './protocol/display-text.ts'
import { refusedDocumentHint } from './protocol/provider-hint.ts'
import { nameResourceParameter } from './resource-parameter.ts'
import type { SessionContext } from './session-context.ts'

/** A client to identify, and where a person would be sent as it. */
export interface KnownClientInput extends IdentityInput {
  readonly redirectUri: string
  readonly endpoint: string
}

/**
 * Identifies the client, and where it is one that the authorization server may have forgotten, or may not take, looks first (field R3, R12):
 * a registration that serves no more is replaced once, a refused client-id metadata document gives way to a registration, remembered for
 * the issuer (R-CIMD-7).
 *
 * @throws {OAuthError} `authorization_refused` for a document that is refused where clients cannot register, and what {@link identifyClient} throws
 */
export async function identifyKnownClient(context: SessionContext, input: KnownClientInput): Promise<ClientIdentity> {
  const client = await identifyClient(context, input)
  if (!mayBeUnknown(context, input, client)) return client
  const refusal = await lookAsClient(context, input, client)
  if (!refusal) return client
  if (input.target.authorizationServer.registrationEndpoint === undefined) {
    // With nothing to put in its place, a client that may live is better than none.
    if (client.kind === 'dynamic' || refusal.refused === 'redirect-uri') return client
    throw documentRefused(input, client, refusal)
  }
  const record = await forget(context, input, client, refusal)
  return identifyClient(context, {
    ...input,
    record,
    refused: { clientId: client.clientId, why: whyOf(client, refusal) },
  })
}

/** Only what was registered or accepted some time ago is doubted; a push finds out by itself. */
function mayBeUnknown(context: SessionContext, { target, record }: KnownClientInput, client: ClientIdentity): boolean {
  const { registration, grant } = record?.issuers[target.issuer] ?? {}
  if (target.authorizationServer.raw['pushed_authorization_request_endpoint'] !== undefined) return false
  const isDocument = client.kind === 'client-id-metadata-document'
  if (!isDocument && !(client.kind === 'dynamic' && registration?.clientId === client.clientId)) return false
  const isItsGrant = grant?.clientId === (isDocument ? undefined : client.clientId)
  return !(isItsGrant && isProven(grant?.obtainedAt, context.now()))
}

/** Looks at the authorization endpoint as `client` would be sent there; undefined unless that is refused. Changes nothing, never rejects. */
export async function lookAsClient(
  context: SessionContext,
  { target, redirectUri, scope, endpoint, signal }: KnownClientInput,
  { clientId }: Pick<ClientIdentity, 'clientId'>,
): Promise<ClientRefusal | undefined> {
  const { authorizationServer, resource, exception } = target
  const state = createState(context.randomBytes)
  const { challenge: codeChallenge } = await createPkce(context.randomBytes)
  const url = buildAuthorizationUrl({
    endpoint,
    clientId,
    redirectUri,
    state,
    codeChallenge,
    ...(scope !== undefined && { scope }),
    ...(resource !== undefined && { resource }),
    extra: { ...exception?.authorizationParameters, ...context.grant.authorizationParameters },
  })
  nameResourceParameter(url.searchParams, target)
  return lookAtAuthorizationPage(context, {
    url,
    clientId,
    redirectUri,
    state,
    issuer: authorizationServer.issuer,
    issRequired: authorizationServer.authorizationResponseIssParameterSupported,
    signal,
  })
}

/**
 * The record without what is refused. A registration that stored tokens belong to stays until the login completes: what a page says is
 * not enough to lose them (R-DCR-4).
 */
async function forget(
  context: SessionContext,
  { target }: KnownClientInput,
  client: ClientIdentity,
  { refused }: ClientRefusal,
): Promise<KnownClientInput['record']> {
  return context.records.update(record => {
    const known = record.issuers[target.issuer] ?? {}
    const { registration, ...rest } = known
    if (client.kind === 'dynamic') {
      if (known.grant || registration?.clientId !== client.clientId) return undefined
      return withCredentials(record, target.issuer, () => rest)
    }
    if (refused !== 'client' || known.refuses?.clientIdMetadataDocument) return undefined
    const refuses = { ...known.refuses, clientIdMetadataDocument: true } as const
    return withCredentials(record, target.issuer, () => ({ ...known, refuses }))
  })
}

function whyOf({ kind }: ClientIdentity, { refused, text }: ClientRefusal): string {
  const what = kind === 'dynamic' ? 'client' : 'client-id metadata document'
  return refused === 'client'
    ? `the authorization server does not know the ${what}: ${text}`
    : `the authorization server no longer takes the redirect URI of the ${what}: ${text}`
}

function documentRefused(
  { target, endpoint }: KnownClientInput,
  { clientId }: ClientIdentity,
  { text }: ClientRefusal,
): OAuthError {
  const { issuer } = target
  return new OAuthError('authorization_refused', `${issuer} does not accept the client ${clientId}: ${text}`, {
    step: 'authorization page',
    url: displayUrl(endpoint),
    issuer,
    received: text,
    hint: refusedDocumentHint(clientId),
  })
}
