import { deleteRegistrations } from '../oauth/client-deletion.ts'
import { type ClientIdentity, identifyClient } from '../oauth/client-identity.ts'
import { emptyRecord } from '../oauth/credential-record.ts'
import type { AuthorizationTarget } from '../oauth/discovery.ts'
import { registerClient } from '../oauth/dynamic-registration.ts'
import { OAuthError } from '../oauth/errors.ts'
import { lookAsClient } from '../oauth/known-client.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import { refusedDocumentHint } from '../oauth/protocol/provider-hint.ts'
import type { SessionContext } from '../oauth/session-context.ts'
import type { CredentialRecord } from '../oauth/store/credential-store.ts'
import type { Examination } from './examination.ts'
import type { FindingCode } from './finding.ts'
import { factsOf } from './report.ts'

const STEP = 'client'
const DEFAULT_REDIRECT_URI = 'http://127.0.0.1/callback'

/** Where and how a client is looked for. */
interface ClientInput {
  readonly target: AuthorizationTarget
  readonly record: CredentialRecord | undefined
  readonly scope: string | undefined
}

const KINDS: Readonly<Record<ClientIdentity['kind'], string>> = {
  'pre-registered': 'registered beforehand',
  dynamic: 'registered before by this client',
  'client-id-metadata-document': 'a client-id metadata document',
  anonymous: 'none: the assertion speaks for itself',
}

/**
 * Says which client a login would be made as, and whether the authorization page takes it. Registers nothing unless that is asked for,
 * since a registration stays behind.
 */
export async function addClientSteps(examination: Examination, input: ClientInput): Promise<void> {
  const { context, options, report } = examination
  const { target, record } = input
  const expired = isSecretExpired(context, target, record)
  const unused =
    context.grant.clientMetadataUrl !== undefined &&
    !context.grant.client &&
    !target.authorizationServer.clientIdMetadataDocumentSupported
  const warnings: readonly FindingCode[] = [
    ...(expired ? (['client_secret_expired'] as const) : []),
    ...(unused ? (['client_metadata_document_unsupported'] as const) : []),
  ]
  let client: ClientIdentity | undefined
  try {
    client = await knownClient(context, target, record)
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    const { registrationEndpoint } = target.authorizationServer
    if (error.code === 'registration_required' && registrationEndpoint !== undefined) {
      report.add({ step: STEP, url: displayUrl(registrationEndpoint), received: 'will register itself' }, ...warnings)
    } else {
      const code = error.code === 'registration_required' ? 'registration_required' : 'client_of_other_issuer'
      report.add(factsOf(error, { step: STEP }), ...warnings, code)
      return
    }
  }
  if (client) {
    const id = client.clientId === '' ? '' : `${client.clientId}, `
    const method = client.kind === 'anonymous' ? '' : `, authenticates with ${client.tokenEndpointAuthMethod}`
    report.add({ step: STEP, received: `${id}${KINDS[client.kind]}${method}` }, ...warnings)
    await addPageStep(examination, client, input)
  }
  if (options.register === true && !target.legacy) await addRegistrationStep(examination, input)
}

/** The client that a login would use without registering one. @throws {OAuthError} `registration_required` */
function knownClient(
  context: SessionContext,
  target: AuthorizationTarget,
  record: CredentialRecord | undefined,
): Promise<ClientIdentity> {
  // Without a redirect URI a grant that needs one cannot register.
  const grant = { ...context.grant, usesRedirect: true }
  return identifyClient({ ...context, grant, emit: () => undefined }, { target, record })
}

function isSecretExpired(
  { grant, now }: SessionContext,
  { issuer }: AuthorizationTarget,
  record: CredentialRecord | undefined,
): boolean {
  const expiresAt = record?.issuers[issuer]?.registration?.clientSecretExpiresAt
  return grant.client === undefined && expiresAt !== undefined && expiresAt <= now()
}

/** Visits the authorization endpoint as the client, without a person: a dead client ends on an error page (field R3). */
async function addPageStep(
  { context, options, report, signal }: Examination,
  client: ClientIdentity,
  { target, record, scope }: ClientInput,
): Promise<void> {
  const { authorizationEndpoint: endpoint, raw, registrationEndpoint } = target.authorizationServer
  if (!context.grant.usesRedirect || endpoint === undefined || raw['require_pushed_authorization_requests'] === true)
    return
  const known = options.redirectUri ?? client.registration?.redirectUris?.[0]
  const redirectUri = known ?? DEFAULT_REDIRECT_URI
  const refusal = await lookAsClient(context, { target, record, scope, redirectUri, endpoint, signal }, client)
  const facts = { step: 'authorization page', url: displayUrl(endpoint) }
  // Where the redirect URI is only a guess, its refusal says nothing.
  if (!refusal || (refusal.refused === 'redirect-uri' && known === undefined)) {
    report.add({ ...facts, received: 'does not refuse the client' })
    return
  }
  const { text: received } = refusal
  const replaceable = registrationEndpoint !== undefined && client.kind !== 'pre-registered'
  if (refusal.refused === 'redirect-uri')
    report.add({ ...facts, expected: redirectUri, received }, 'redirect_uri_refused')
  else if (client.kind === 'client-id-metadata-document') {
    const hint = refusedDocumentHint(client.clientId)
    report.add({ ...facts, received, hint }, replaceable ? 'client_metadata_document_refused' : 'client_unknown')
  } else report.add({ ...facts, received }, replaceable ? 'client_forgotten' : 'client_unknown')
}

async function addRegistrationStep(
  { context, options, report, signal }: Examination,
  { target, scope }: ClientInput,
): Promise<void> {
  const { registrationEndpoint } = target.authorizationServer
  if (registrationEndpoint === undefined) return
  const redirectUri = context.grant.usesRedirect ? (options.redirectUri ?? DEFAULT_REDIRECT_URI) : undefined
  const step = 'client registration'
  try {
    const registration = await registerClient(context, { target, redirectUri, scope, reason: undefined, signal })
    report.hide(registration.clientSecret, registration.registrationAccessToken)
    const trial = { ...emptyRecord(context.key), issuers: { [target.issuer]: { registration } } }
    const [deletion] = await deleteRegistrations(context, trial, signal)
    const after = deletion?.ok === true ? 'deleted again' : 'it stays there: the server offers no way to delete it'
    const received = `registered ${registration.clientId}; ${after}`
    report.add({ step, url: displayUrl(registrationEndpoint), received })
  } catch (error) {
    if (!(error instanceof OAuthError) || error.code === 'aborted') throw error
    const code = error.code === 'registration_invalid' ? 'registration_invalid' : 'registration_refused'
    report.add(factsOf(error, { step }), code)
  }
}
