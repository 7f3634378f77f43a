import type { AuthorizationTarget } from './discovery.ts'
import { OAuthError } from './errors.ts'
import { chooseRegistrationMethod } from './protocol/client-authentication.ts'
import { displayUrl } from './protocol/display-text.ts'
import { minimalRegistrationBody, readRegistrationResponse, registrationBody } from './protocol/registration.ts'
import type { SessionContext } from './session-context.ts'
import type { ClientRegistration } from './store/credential-store.ts'

/** What a dynamic registration depends on. */
export interface DynamicRegistrationInput {
  readonly target: AuthorizationTarget
  /** Absent for grants that send nobody to a page. */
  readonly redirectUri?: string | undefined
  readonly scope?: string | undefined
  /** Why an earlier registration does not serve any more; for the event. */
  readonly reason: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Registers this client with the authorization server. The answer governs (R-DCR-2).
 *
 * @throws {OAuthError} `registration_rejected`, `registration_invalid`; `discovery_failed` where the endpoint was only a guess
 * @see RFC 7591
 */
export async function registerClient(
  context: SessionContext,
  { target, redirectUri, scope, reason, signal }: DynamicRegistrationInput,
): Promise<ClientRegistration> {
  const { authorizationServer, issuer, legacy } = target
  const { clientName = 'Latchkey', ...metadata } = context.grant.clientMetadata ?? {}
  const token = await initialAccessTokenFor(context, issuer)
  const body = registrationBody({
    ...metadata,
    redirectUris: redirectUri === undefined ? [] : [redirectUri],
    clientName,
    ...(scope !== undefined && { scope }),
    grantTypes: context.grant.grantTypes,
    authMethod: chooseRegistrationMethod(authorizationServer.tokenEndpointAuthMethodsSupported),
  })
  const url = authorizationServer.registrationEndpoint ?? ''
  try {
    const registration = await postRegistration(context, url, { body, token, signal }).catch(async (error: unknown) => {
      if (!isBadRequest(error)) throw error
      // Some servers refuse members they do not know instead of ignoring them (field R9).
      return postRegistration(context, url, { body: minimalRegistrationBody(body), token, signal })
    })
    const because = reason !== undefined && { reason }
    context.emit({ type: 'registered', issuer, kind: 'dynamic', clientId: registration.clientId, ...because })
    return { ...registration, ...(scope !== undefined && { scope }) }
  } catch (error) {
    if (legacy && error instanceof OAuthError && error.code.startsWith('registration_'))
      throw noOAuthAtAll(context.server, error)
    throw error
  }
}

interface RegistrationPost {
  readonly body: Record<string, unknown>
  /** See `GrantStrategy.initialAccessToken`. */
  readonly token: string | undefined
  readonly signal: AbortSignal | undefined
}

async function postRegistration(
  context: SessionContext,
  url: string,
  { body, token, signal }: RegistrationPost,
): Promise<ClientRegistration> {
  const response = await context.request({
    step: 'client registration',
    method: 'POST',
    url,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })
  const secrets = [token, context.grant.clientMetadata?.softwareStatement]
  return readRegistrationResponse(response, body, { initialAccessToken: token !== undefined, secrets })
}

/**
 * The token to register with at `issuer`. An MCP server that suddenly names another authorization server than the one where this client
 * registered does not get it out of us (R-ISS-BIND).
 */
async function initialAccessTokenFor(context: SessionContext, issuer: string): Promise<string | undefined> {
  const { initialAccessToken } = context.grant
  if (initialAccessToken === undefined || context.grant.issuer === issuer) return initialAccessToken
  const { issuers = {} } = (await context.records.read()) ?? {}
  const elsewhere = Object.entries(issuers).some(
    ([key, { registration }]) => key !== issuer && registration?.kind === 'dynamic',
  )
  return elsewhere ? undefined : initialAccessToken
}

function isBadRequest(error: unknown): boolean {
  return error instanceof OAuthError && error.code === 'registration_rejected' && error.detail.status === 400
}

function noOAuthAtAll(server: string, cause: OAuthError): OAuthError {
  return new OAuthError(
    'discovery_failed',
    `${displayUrl(server)} asks for authorization but publishes no OAuth metadata.`,
    { ...cause.detail, hint: 'It probably wants an API key: send it as a header instead of logging in.' },
    { cause },
  )
}
