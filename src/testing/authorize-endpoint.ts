import {
  clientKey,
  type Family,
  type KnownClient,
  type Machine,
  ownResource,
  scopeTokens,
} from './authorization-state.ts'
import { htmlPage } from './faults.ts'

/** What the person at the authorization endpoint does. */
export interface Decision {
  /** Presses "deny". */
  readonly deny?: boolean
  /** Grants only these scopes. */
  readonly scope?: string
  /** Who is logged in. Default `alice`. */
  readonly account?: string
}

const CODE_LIFETIME_MS = 60_000

/**
 * The authorization endpoint (RFC 6749 §4.1.1), with a person who decides at once. An unknown client or redirect URI gets an
 * error page and no redirect; every other error is redirected.
 */
export function authorize(machine: Machine, issuer: string, url: URL, decision: Decision): Response {
  const switches = machine.switches()
  const query = url.searchParams
  const repeated = [...query.keys()].find(name => query.getAll(name).length > 1)
  if (repeated) return htmlPage(`<title>Bad request</title>${repeated} was sent twice`, 400)
  const client = findClient(machine, issuer, query.get('client_id') ?? '')
  if (!client) return unknownClient(machine, issuer)
  const redirectUri = query.get('redirect_uri') ?? ''
  if (!redirectUriMatches(client, redirectUri, switches.redirectUriMatch))
    return htmlPage('<title>Error</title>redirect_uri_mismatch', 400)

  const state = query.get('state') ?? undefined
  if (state !== undefined) machine.state.secrets.add(state)
  const answer = (parameters: Record<string, string>): Response =>
    Response.redirect(responseUrl(machine, issuer, redirectUri, state, parameters), 302)
  const error = switches.authorizationError ?? problemWith(machine, client, query)
  if (error !== undefined)
    return answer({ error, error_description: `refused: ${error}`, error_uri: endpointPage(issuer) })
  if (decision.deny) return answer({ error: 'access_denied', error_description: 'The person said no' })

  const requested = query.get('scope') ?? undefined
  const family: Family = {
    issuer,
    clientId: client.clientId,
    account: decision.account ?? 'alice',
    scope: decision.scope ?? switches.grantedScope ?? requested,
    resource: switches.resourceIndicator === 'ignored' ? undefined : (query.get('resource') ?? undefined),
    revoked: false,
  }
  const code = machine.state.mint('code')
  machine.state.codes.set(code, {
    family,
    redirectUri,
    codeChallenge: query.get('code_challenge') ?? '',
    expiresAt: machine.now() + CODE_LIFETIME_MS,
    redeemed: false,
  })
  return answer({ code })
}

/** The client with this id at this issuer; a URL is a client by itself where such documents are accepted. */
export function findClient(machine: Machine, issuer: string, clientId: string): KnownClient | undefined {
  const known = machine.state.clients.get(clientKey(issuer, clientId))
  if (known) return known
  const { clientIdMetadataDocumentSupported, clientIdMetadataDocument } = machine.switches()
  const usable = clientIdMetadataDocumentSupported === true && clientIdMetadataDocument !== 'refused-at-authorize'
  return usable && clientId.startsWith('https://') ? { issuer, clientId, method: 'none', redirectUris: [] } : undefined
}

/** Whether asking for `resource` ends in `invalid_target` (RFC 8707 §2). */
export function resourceIsRefused(machine: Machine, resource: readonly string[]): boolean {
  const { resourceIndicator } = machine.switches()
  if (resourceIndicator === 'ignored') return false
  if (resourceIndicator === 'refused') return resource.length > 0
  return resource.length !== 1 || resource[0] !== ownResource(machine)
}

function problemWith(machine: Machine, client: KnownClient, query: URLSearchParams): string | undefined {
  if (query.get('response_type') !== 'code') return 'unsupported_response_type'
  if (!query.get('code_challenge') || query.get('code_challenge_method') !== 'S256') return 'invalid_request'
  if (query.get('scope') === '') return 'invalid_scope'
  if (resourceIsRefused(machine, query.getAll('resource'))) return 'invalid_target'
  return scopeIsRefused(machine, client, scopeTokens(query.get('scope'))) ? 'invalid_scope' : undefined
}

function scopeIsRefused(machine: Machine, client: KnownClient, requested: readonly string[]): boolean {
  const { serverScopes, offlineAccess, registeredScopesOnly } = machine.switches()
  if (offlineAccess === 'refused' && requested.includes('offline_access')) return true
  if (serverScopes && requested.some(scope => !serverScopes.includes(scope))) return true
  const registered = scopeTokens(client.scope)
  return registeredScopesOnly && requested.some(scope => !registered.includes(scope))
}

function redirectUriMatches(client: KnownClient, redirectUri: string, how: 'exact' | 'any-loopback-port'): boolean {
  if (!URL.canParse(redirectUri)) return false
  // A client that is a document: what the document lists is its host's business, not the machine's.
  if (client.redirectUris.length === 0) return client.clientId.startsWith('https://')
  const shape = how === 'exact' ? (uri: string) => uri : withoutLoopbackPort
  return client.redirectUris.some(registered => shape(registered) === shape(redirectUri))
}

function withoutLoopbackPort(uri: string): string {
  const url = new URL(uri)
  if (url.hostname === '127.0.0.1' || url.hostname === '[::1]') url.port = ''
  return url.href
}

function responseUrl(
  machine: Machine,
  issuer: string,
  redirectUri: string,
  state: string | undefined,
  parameters: Record<string, string>,
): string {
  const switches = machine.switches()
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  if (state !== undefined && switches.state !== 'missing')
    url.searchParams.set('state', switches.state === 'altered' ? `${state}x` : state)
  if (switches.iss === 'wrong') url.searchParams.set('iss', 'https://attacker.example')
  if (switches.iss === 'right' || switches.iss === 'duplicated') url.searchParams.append('iss', issuer)
  if (switches.iss === 'duplicated') url.searchParams.append('iss', issuer)
  return url.href
}

function unknownClient(machine: Machine, issuer: string): Response {
  switch (machine.switches().unknownClient) {
    case 'json':
      return Response.json({ message: 'Unrecognized client_id' }, { status: 422 })
    case 'redirect':
      return Response.redirect(`${endpointPage(issuer)}?error=invalid_client&error_description=client+not+found`, 302)
    case 'server-error':
      return htmlPage('<title>Error</title>Something went wrong', 500)
    case 'page':
  }
  return htmlPage('<title>Error</title>Unrecognized client_id', 400)
}

function endpointPage(issuer: string): string {
  return new URL('/errors', issuer).href
}
