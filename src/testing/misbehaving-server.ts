import { createAuthorizationState, endpointOf, type Machine, type PreRegisteredClient } from './authorization-state.ts'
import { authorize, type Decision } from './authorize-endpoint.ts'
import { answerWithFault, connectionError, createFaultCounter } from './faults.ts'
import { fetchFromHandler } from './handler-fetch.ts'
import { DEFAULT_TOOLS, serveMcp, type ToolScopes } from './mcp-endpoint.ts'
import { type Misbehaviours, WELL_BEHAVED } from './misbehaviours.ts'
import { type RecordedRequest, recordRequest, type Step, type StepVariant } from './recording.ts'
import { addPreRegisteredClients, manageRegistration, register } from './registration-endpoint.ts'
import { revoke } from './revocation-endpoint.ts'
import { createTestAuthorizer, type TestAuthorizer, type TestAuthorizerOptions } from './test-authorizer.ts'
import { redeem } from './token-endpoint.ts'
import { findWellKnown, serveWellKnown, unknownPage } from './well-known-documents.ts'

/** Switches given here are set from the start. */
export interface MisbehavingServerOptions extends Partial<Misbehaviours> {
  /** The issuers it plays, the first one being the one it names. Default `https://auth.example` and `https://auth-two.example`. */
  readonly issuers?: readonly [string, ...string[]]
  /** The MCP endpoint. Default `https://mcp.example/mcp`. */
  readonly mcpUrl?: string
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number
  /** Clients registered by hand. */
  readonly clients?: readonly PreRegisteredClient[]
  /** Tools and the scope each needs. Default {@link DEFAULT_TOOLS}. */
  readonly tools?: ToolScopes
  /** Protocol revisions of the MCP endpoint. Default `2025-06-18`, `2025-11-25`, `2026-07-28`. */
  readonly revisions?: readonly string[]
}

/** An authorization server and a protected MCP server in one handler, well-behaved until told otherwise. */
export interface MisbehavingServer {
  /** Answers one request; rejects where a connection would fail. Give it to `listen` for real sockets. */
  handle(request: Request): Promise<Response>
  /** The same as a `fetch` without a network: redirects and signals work as usual; a host it does not play cannot be found. */
  readonly fetch: typeof globalThis.fetch
  /** The first issuer. */
  readonly issuer: string
  readonly mcpUrl: string
  /** Every request, oldest first. Clear it with `requests.length = 0`. */
  readonly requests: RecordedRequest[]
  requestsTo(step: Step | StepVariant): readonly RecordedRequest[]
  /** Flips switches from the next request on. */
  set(switches: Partial<Misbehaviours>): void
  /** Sets every switch to its well-behaved default. */
  behave(): void
  /** Plays the person: visits an authorization URL and resolves to the redirect. Rejects when an error page is shown instead. */
  approve(url: URL, decision?: Decision): Promise<URL>
  /** An authorizer that uses {@link approve}. */
  authorizer(options?: TestAuthorizerOptions): TestAuthorizer
  /** Forgets every client (R3, R11). */
  forgetClients(): void
  /** Makes every access token issued so far invalid at once, before its expiry. */
  rejectAccessTokens(): void
  /** Revokes every grant: access and refresh tokens. */
  revokeEverything(): void
  /** Every secret issued or seen so far: tokens, codes, client secrets, verifiers, states. */
  secrets(): readonly string[]
}

/**
 * Creates a scriptable authorization server with a small protected MCP server behind it, for tests. Its checks are real: PKCE
 * S256, redirect URI, single-use codes, client authentication, audience, scope, rotation with reuse detection, expiry by the
 * injected clock. Each {@link Misbehaviours} switch makes one thing go wrong. Everything lives in memory and ends with the object.
 */
export function createMisbehavingServer(options: MisbehavingServerOptions = {}): MisbehavingServer {
  const {
    issuers = ['https://auth.example', 'https://auth-two.example'],
    mcpUrl = 'https://mcp.example/mcp',
    now = Date.now,
    clients = [],
    tools = DEFAULT_TOOLS,
    revisions = DEFAULT_REVISIONS,
    ...fromStart
  } = options
  let switches: Misbehaviours = { ...WELL_BEHAVED, ...fromStart }
  const state = createAuthorizationState()
  const machine: Machine = { mcpUrl, issuers, state, now, switches: () => switches }
  addPreRegisteredClients(machine, clients)
  const requests: RecordedRequest[] = []
  const strikes = createFaultCounter()

  const dispatch = async (request: Request, decision: Decision): Promise<Response> => {
    const place = findPlace(machine, new URL(request.url))
    if (!place) throw connectionError('ENOTFOUND')
    const recorded = await recordRequest(request, place.step, form => place.variant ?? tokenVariant(place.step, form))
    requests.push(recorded)
    const process = (): Promise<Response> => serve(machine, place, request, recorded, decision, { tools, revisions })
    const response = await answerWithFault(strikes(switches.faults, recorded), process, request)
    recorded.status = response.status
    return response
  }
  const handle = (request: Request): Promise<Response> => dispatch(request, {})
  const approve = async (url: URL, decision: Decision = {}): Promise<URL> => {
    const response = await dispatch(new Request(url, { redirect: 'manual' }), decision)
    const location = response.headers.get('location')
    if (location === null)
      throw new Error(`the authorization endpoint answered ${response.status}: ${await response.text()}`)
    return new URL(location)
  }
  return {
    handle,
    fetch: fetchFromHandler(handle),
    issuer: issuers[0],
    mcpUrl,
    requests,
    requestsTo: point => requests.filter(({ step, variant }) => step === point || variant === point),
    set: changes => {
      switches = { ...switches, ...changes }
    },
    behave: () => {
      switches = WELL_BEHAVED
    },
    approve,
    authorizer: authorizerOptions => createTestAuthorizer(approve, authorizerOptions),
    forgetClients: () => state.clients.clear(),
    rejectAccessTokens: () => {
      for (const token of state.accessTokens.values()) token.revoked = true
    },
    revokeEverything: () => {
      for (const { family } of [...state.accessTokens.values(), ...state.refreshTokens.values()]) family.revoked = true
    },
    secrets: () => [...state.secrets],
  }
}

const DEFAULT_REVISIONS = ['2025-06-18', '2025-11-25', '2026-07-28'] as const

interface Place {
  readonly step: Step
  readonly variant?: StepVariant
  readonly issuer?: string
}

const ENDPOINTS: Readonly<Record<string, Step>> = {
  '/register': 'registration',
  '/authorize': 'authorize',
  '/token': 'token',
  '/revoke': 'revocation',
}

/** What lives at `url`; undefined when no part of the machine has this origin. */
function findPlace(machine: Machine, url: URL): Place | undefined {
  const origins = [machine.mcpUrl, ...machine.issuers].map(text => new URL(text).origin)
  if (!origins.includes(url.origin)) return undefined
  const here = `${url.origin}${url.pathname}`
  const mcp = new URL(machine.mcpUrl)
  if (here === `${mcp.origin}${mcp.pathname}`) return { step: 'mcp' }
  for (const issuer of machine.issuers) {
    for (const [path, step] of Object.entries(ENDPOINTS)) if (here === endpointOf(issuer, path)) return { step, issuer }
  }
  return findWellKnown(machine, url) ?? { step: 'unknown' }
}

function tokenVariant(step: Step, form: URLSearchParams | undefined): StepVariant | undefined {
  if (step !== 'token') return undefined
  const grant = form?.get('grant_type')
  return grant === 'authorization_code' || grant === 'refresh_token' ? `token:${grant}` : 'token:other'
}

async function serve(
  machine: Machine,
  place: Place,
  request: Request,
  recorded: RecordedRequest,
  decision: Decision,
  server: { readonly tools: ToolScopes; readonly revisions: readonly string[] },
): Promise<Response> {
  const url = new URL(request.url)
  const issuer = place.issuer ?? ''
  switch (place.step) {
    case 'mcp':
      return serveMcp(machine, request, recorded, server)
    case 'registration':
      return request.method === 'DELETE'
        ? manageRegistration(machine, issuer, request)
        : register(machine, issuer, request, recorded.json)
    case 'authorize':
      return authorize(machine, issuer, url, decision)
    case 'token':
      return redeem(machine, issuer, request, recorded)
    case 'revocation':
      return revoke(machine, issuer, request, recorded.form)
    case 'resource-metadata':
    case 'server-metadata': {
      const found = findWellKnown(machine, url)
      return found ? serveWellKnown(machine, found) : unknownPage(machine)
    }
    case 'unknown':
  }
  return unknownPage(machine)
}
