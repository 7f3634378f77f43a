import { parseChallenges } from '../../src/oauth/protocol/challenge.ts'
import { protect, type ProtectOptions, TokenError, type TokenVerifier } from '../../src/resource-server.ts'
import { createServer, type Server, type ServerApp } from '../../src/server.ts'
import type { AuthInfo } from '../../src/server/auth-info.ts'

export const ISSUER = 'https://as.example.com/tenant'
export const RESOURCE = 'https://files.example.com/mcp'
export const METADATA_URL = 'https://files.example.com/.well-known/oauth-protected-resource/mcp'
/** Text that must never reach a client. */
export const CANARY = 'canary-of-the-verifier'

/** Accepts tokens that say what they are: `alice|read+write`, and for another audience `alice||api`. */
export const verifyPlain: TokenVerifier = async ({ token, audience }): Promise<AuthInfo> => {
  const [principal = '', scopes = '', forAudience = audience[0]] = token.split('|')
  if (principal === 'unavailable')
    throw new TokenError('keys_unavailable', CANARY, { step: 'signing keys', retryAfterMs: 7_200 })
  if (principal === 'broken') throw new Error(CANARY)
  if (principal === 'bad' || !audience.includes(String(forAudience)))
    throw new TokenError('expired', CANARY, { step: 'access token' })
  return { principal, subject: principal, scopes: scopes.split('+').filter(Boolean), claims: {}, token }
}

export interface World {
  readonly server: Server
  readonly app: ServerApp
  readonly errors: unknown[]
  /** Tools that ran. */
  readonly ran: string[]
  /** Sends one HTTP request. */
  send(init: RequestInit & { readonly url?: string; readonly token?: string }): Promise<Response>
  /** Sends one request of the newest revision. */
  call(method: string, params?: Record<string, unknown>, token?: string): Promise<Response>
  callTool(name: string, token?: string, args?: Record<string, unknown>): Promise<Response>
}

/** A protected server without a network: tools `open`, `read` (scope read), `write` (read and write), `path` (by its argument). */
export function createWorld(options: Partial<ProtectOptions> = {}): World {
  const errors: unknown[] = []
  const ran: string[] = []
  const server = createServer({ name: 'files', version: '1.0.0', onError: error => void errors.push(error) })
  const run = (name: string) => (): string => {
    ran.push(name)
    return name
  }
  server.tool('open', {}, run('open'))
  server.tool('read', { scopes: ['read'] }, run('read'))
  server.tool('write', { scopes: ['read', 'write'] }, run('write'))
  server.tool(
    'path',
    {
      input: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
      scopes: args => [`files:${String((args as { path: unknown }).path)}`],
    },
    run('path'),
  )
  server.tool('slow', { scopes: ['write'] }, async (_args, ctx) => {
    ran.push('slow')
    await ctx.progress(1)
    return 'slow'
  })
  server.resource('notes://all', { name: 'all', scopes: ['read'] }, () => 'all')
  server.resourceTemplate(
    'notes://{id}',
    { name: 'one', scopes: ['write'], complete: { id: () => ['secret-id'] } },
    () => 'one',
  )
  server.prompt('summary', { scopes: ['read'], arguments: { topic: { complete: () => ['secret-topic'] } } }, () => 'x')
  const app = protect(server, {
    resource: RESOURCE,
    authorizationServers: [ISSUER],
    verify: verifyPlain,
    selfCheck: false,
    ...options,
  })
  const send: World['send'] = ({ url = RESOURCE, token, ...init }) => {
    const headers = new Headers(init.headers)
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    return app.fetch(new Request(url, { ...init, headers }))
  }
  const call: World['call'] = (method, params = {}, token) => {
    const name = params['name'] ?? params['uri']
    return send({
      method: 'POST',
      ...(token !== undefined && { token }),
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(typeof name === 'string' && { 'mcp-name': name }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: META } }),
    })
  }
  return {
    server,
    app,
    errors,
    ran,
    send,
    call,
    callTool: (name, token, args = {}) => call('tools/call', { name, arguments: args }, token),
  }
}

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
}

/** Sends messages of the handshake family. */
export async function sendHandshake(
  world: World,
  body: unknown,
  { token, session, version = '2025-03-26' }: { token?: string; session?: string; version?: string } = {},
): Promise<Response> {
  return world.send({
    method: 'POST',
    ...(token !== undefined && { token }),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': version,
      ...(session !== undefined && { 'mcp-session-id': session }),
    },
    body: JSON.stringify(body),
  })
}

/** Opens a session and returns its id. */
export async function openSession(world: World, token?: string): Promise<string> {
  const params = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const answer = await sendHandshake(
    world,
    { jsonrpc: '2.0', id: 0, method: 'initialize', params },
    token === undefined ? {} : { token },
  )
  const id = answer.headers.get('mcp-session-id')
  if (answer.status !== 200 || id === null) throw new Error(`no session: ${answer.status} ${await answer.text()}`)
  return id
}

/** The parameters of the answer's one challenge. */
export function challengeOf(response: Response, scheme = 'bearer'): Record<string, string> | undefined {
  const found = parseChallenges(response.headers.get('www-authenticate')).find(each => each.scheme === scheme)
  return found && { ...found.parameters }
}
