import {
  clientKey,
  endpointOf,
  type KnownClient,
  type Machine,
  oauthError,
  type PreRegisteredClient,
} from './authorization-state.ts'
import type { CheckedAuthenticationMethod } from './misbehaviours.ts'

/** RFC 7591 §2 members, and the two that MCP clients send besides. */
const REGISTERED_MEMBERS: ReadonlySet<string> = new Set([
  'redirect_uris',
  'token_endpoint_auth_method',
  'grant_types',
  'response_types',
  'client_name',
  'client_uri',
  'logo_uri',
  'scope',
  'contacts',
  'tos_uri',
  'policy_uri',
  'jwks_uri',
  'jwks',
  'software_id',
  'software_version',
  'software_statement',
  'application_type',
])

/** Dynamic client registration (RFC 7591), checked member by member. */
export function register(machine: Machine, issuer: string, request: Request, body: unknown): Response {
  const switches = machine.switches()
  if (!switches.registrationOffered) return new Response('Not Found', { status: 404 })
  const { initialAccessToken } = switches
  if (initialAccessToken !== null && request.headers.get('authorization') !== `Bearer ${initialAccessToken}`)
    return oauthError(machine, 'invalid_token', 'an initial access token is needed', 401)
  if (switches.registration === 'refused')
    return new Response('Forbidden: this client is not on the allow list', { status: 403 })
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return refuse(machine, 'the body is no JSON object')
  const metadata = body as Record<string, unknown>
  const problem = problemWith(metadata, switches.registration)
  if (problem) return refuse(machine, problem)

  const asked =
    typeof metadata['token_endpoint_auth_method'] === 'string'
      ? metadata['token_endpoint_auth_method']
      : 'client_secret_basic'
  const method = switches.registrationMethod ?? asked
  const secret =
    method === 'none' || switches.registrationSecret === 'missing' ? undefined : machine.state.mint('client-secret')
  const secretExpiresAt = switches.secretLifetimeS > 0 ? machine.now() + switches.secretLifetimeS * 1000 : undefined
  const client: KnownClient = {
    issuer,
    clientId: `client-${machine.state.count()}`,
    ...(secret !== undefined && { clientSecret: secret }),
    ...(secretExpiresAt !== undefined && { secretExpiresAt }),
    method: checkedMethod(method),
    redirectUris: metadata['redirect_uris'] as readonly string[],
    ...(typeof metadata['scope'] === 'string' && { scope: metadata['scope'] }),
  }
  machine.state.clients.set(clientKey(issuer, client.clientId), client)
  const managementToken =
    switches.registrationManagement === 'none' ? undefined : machine.state.mint('registration-token')
  if (managementToken !== undefined) machine.state.managementTokens.set(managementToken, client)
  const answer = {
    ...metadata,
    client_id: client.clientId,
    client_id_issued_at: Math.floor(machine.now() / 1000),
    token_endpoint_auth_method: method,
    ...(secret !== undefined && {
      client_secret: secret,
      client_secret_expires_at: secretExpiresAt === undefined ? 0 : Math.floor(secretExpiresAt / 1000),
    }),
    ...(managementToken !== undefined && {
      registration_client_uri: `${endpointOf(issuer, '/register')}?client_id=${client.clientId}`,
      registration_access_token: managementToken,
    }),
    ...(switches.nullMembers && {
      client_uri: null,
      logo_uri: '',
      contacts: null,
      ...(secret === undefined && { client_secret: null, client_secret_expires_at: null }),
    }),
    ...(switches.issuerMember !== null && { issuer: switches.issuerMember }),
  }
  return Response.json(answer, { status: switches.registrationStatus })
}

/** The management endpoint of a registered client (RFC 7592): deletion only. */
export function manageRegistration(machine: Machine, issuer: string, request: Request): Response {
  if (machine.switches().registrationManagement === 'refused') return new Response(null, { status: 405 })
  const token = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
  const client = machine.state.managementTokens.get(token)
  const clientId = new URL(request.url).searchParams.get('client_id')
  if (client?.issuer !== issuer || client.clientId !== clientId) return new Response(null, { status: 401 })
  machine.state.managementTokens.delete(token)
  machine.state.clients.delete(clientKey(issuer, client.clientId))
  return new Response(null, { status: 204 })
}

/** Makes clients known that were registered by hand. */
export function addPreRegisteredClients(machine: Machine, clients: readonly PreRegisteredClient[]): void {
  for (const client of clients) {
    const issuer = client.issuer ?? machine.issuers[0] ?? ''
    const method = client.method ?? (client.clientSecret === undefined ? 'none' : 'client_secret_basic')
    machine.state.clients.set(clientKey(issuer, client.clientId), { ...client, issuer, method })
    if (client.clientSecret !== undefined) machine.state.secrets.add(client.clientSecret)
  }
}

function refuse(machine: Machine, description: string): Response {
  return oauthError(machine, 'invalid_client_metadata', description)
}

function problemWith(metadata: Record<string, unknown>, policy: 'open' | 'strict' | 'minimal'): string | undefined {
  const redirectUris = metadata['redirect_uris']
  if (!Array.isArray(redirectUris) || redirectUris.length === 0 || !redirectUris.every(uri => typeof uri === 'string'))
    return 'redirect_uris must be an array of strings'
  if ('client_id' in metadata) return 'client_id is not for the client to choose'
  for (const [name, value] of Object.entries(metadata)) {
    if (value === null) return `${name} is null`
    if (policy === 'open') continue
    if (!REGISTERED_MEMBERS.has(name) || (policy === 'minimal' && name === 'application_type'))
      return `Unrecognized field "${name}"`
  }
  return undefined
}

function checkedMethod(method: string): CheckedAuthenticationMethod {
  return method === 'none' || method === 'client_secret_post' ? method : 'client_secret_basic'
}
