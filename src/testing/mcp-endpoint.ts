import { type IssuedAccessToken, type Machine, ownResource, scopeTokens } from './authorization-state.ts'
import type { RecordedRequest } from './recording.ts'
import { resourceMetadataUrl } from './well-known-documents.ts'

/** The tools of the small server, and the scope each needs. */
export type ToolScopes = Readonly<Record<string, string | undefined>>

/** Default tools: `echo` and `whoami` need a token only. */
export const DEFAULT_TOOLS: ToolScopes = {
  echo: undefined,
  whoami: undefined,
  read: 'files:read',
  write: 'files:write',
  admin: 'files:admin',
}

const STATELESS_REVISION = '2026-07-28'
const PROTOCOL_VERSION = 'io.modelcontextprotocol/protocolVersion'
const SERVER_INFO = { name: 'misbehaving-server', version: '1.0.0' }
const LOGIN_WALL = 'https://login.example/sign-in'

interface Call {
  readonly id: string | number | undefined
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
  readonly stateless: boolean
}

/** The protected MCP endpoint: bearer check, scope check, and a few methods in both revision families. */
export function serveMcp(
  machine: Machine,
  request: Request,
  recorded: RecordedRequest,
  server: { readonly tools: ToolScopes; readonly revisions: readonly string[] },
): Response {
  if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } })
  const { protection, tokens } = machine.switches()
  const call = readCall(recorded.json)
  const guarded = protection === 'everything' || (protection === 'tool-calls' && call?.method === 'tools/call')
  const presented = /^bearer (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
  const token = presented === undefined ? undefined : machine.state.accessTokens.get(presented)
  if (guarded) {
    if (presented === undefined) return unauthenticated(machine)
    if (tokens === 'rejected' || !token || !isGood(machine, token)) return unauthorized(machine, true)
  }
  if (!call) return rpcError(undefined, -32600, 'Invalid Request', 400)
  return guarded && token
    ? (scopeProblem(machine, call, token, server.tools) ?? answer(call, token, server))
    : answer(call, token, server)
}

function isGood(machine: Machine, token: IssuedAccessToken): boolean {
  const audienceFits =
    machine.switches().resourceIndicator !== 'checked' || token.family.resource === ownResource(machine)
  return !token.revoked && !token.family.revoked && token.expiresAt > machine.now() && audienceFits
}

function unauthenticated(machine: Machine): Response {
  const how = machine.switches().unauthenticated
  if (how === '403') return new Response('Forbidden', { status: 403 })
  if (how === '302') return new Response(null, { status: 302, headers: { location: LOGIN_WALL } })
  return unauthorized(machine, false)
}

function unauthorized(machine: Machine, tokenWasBad: boolean): Response {
  const { challenge, challengeScope } = machine.switches()
  const response = new Response('Unauthorized', { status: 401 })
  if (challenge === 'none') return response
  const parameters = [
    ...(tokenWasBad ? ['error="invalid_token"', 'error_description="The token is not accepted here"'] : []),
    ...(challengeScope === null ? [] : [`scope="${challengeScope}"`]),
    ...(challenge === 'without-metadata' ? [] : metadataParameter(machine)),
  ]
  const bearer = `Bearer ${parameters.join(', ')}`.trim()
  response.headers.set(
    'www-authenticate',
    challenge === 'behind-basic' ? `Basic realm="x, Bearer y", ${bearer}` : bearer,
  )
  return response
}

function metadataParameter(machine: Machine): readonly string[] {
  const url = machine.switches().challengeMetadataUrl ?? resourceMetadataUrl(machine)
  return url === undefined ? [] : [`resource_metadata="${url}"`]
}

function scopeProblem(machine: Machine, call: Call, token: IssuedAccessToken, tools: ToolScopes): Response | undefined {
  const { insufficientScope } = machine.switches()
  const needed = call.method === 'tools/call' ? tools[String(call.params['name'])] : undefined
  if (needed === undefined) return undefined
  const held = scopeTokens(needed).every(scope => scopeTokens(token.scope).includes(scope))
  if (held && insufficientScope !== 'challenge-always') return undefined
  if (insufficientScope === 'plain-403') return new Response('Forbidden', { status: 403 })
  const scope = insufficientScope === 'challenge-without-scope' ? [] : [`scope="${needed}"`]
  const parameters = [
    'error="insufficient_scope"',
    'error_description="More scope is needed"',
    ...scope,
    ...metadataParameter(machine),
  ]
  return new Response('Forbidden', { status: 403, headers: { 'www-authenticate': `Bearer ${parameters.join(', ')}` } })
}

function readCall(json: unknown): Call | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const { id, method, params, jsonrpc } = json as Record<string, unknown>
  if (jsonrpc !== '2.0' || typeof method !== 'string') return undefined
  const given = typeof params === 'object' && params !== null ? (params as Record<string, unknown>) : {}
  const meta = given['_meta']
  const stateless = typeof meta === 'object' && meta !== null && PROTOCOL_VERSION in meta
  return { id: typeof id === 'string' || typeof id === 'number' ? id : undefined, method, params: given, stateless }
}

function answer(
  call: Call,
  token: IssuedAccessToken | undefined,
  { tools, revisions }: { readonly tools: ToolScopes; readonly revisions: readonly string[] },
): Response {
  const { id, method, params, stateless } = call
  if (id === undefined) return new Response(null, { status: 202 })
  if (stateless && !revisions.includes(STATELESS_REVISION))
    return rpcError(id, -32000, 'Bad Request: Unsupported protocol version', 400)
  const complete = stateless ? { resultType: 'complete' } : {}
  const cached = stateless ? { ...complete, ttlMs: 0, cacheScope: 'private' } : {}
  const capabilities = { tools: {} }
  if (method === 'server/discover' && stateless)
    return rpcResult(id, {
      ...cached,
      supportedVersions: revisions,
      capabilities,
      _meta: { 'io.modelcontextprotocol/serverInfo': SERVER_INFO },
    })
  if (method === 'initialize' && !stateless) {
    const handshake = revisions.filter(revision => revision !== STATELESS_REVISION)
    const asked = String(params['protocolVersion'])
    const protocolVersion = handshake.includes(asked) ? asked : handshake.at(-1)
    if (protocolVersion === undefined)
      return rpcError(id, -32022, 'Unsupported protocol version', 400, { supported: revisions, requested: asked })
    return rpcResult(id, { protocolVersion, capabilities, serverInfo: SERVER_INFO })
  }
  if (method === 'ping' && !stateless) return rpcResult(id, {})
  if (method === 'tools/list')
    return rpcResult(id, {
      ...cached,
      tools: Object.keys(tools).map(name => ({ name, inputSchema: { type: 'object' } })),
    })
  if (method === 'tools/call') {
    const name = String(params['name'])
    if (!Object.hasOwn(tools, name)) return rpcError(id, -32602, `Unknown tool: ${name}`)
    const text = name === 'whoami' ? (token?.family.account ?? 'nobody') : JSON.stringify(params['arguments'] ?? {})
    return rpcResult(id, { ...complete, content: [{ type: 'text', text }] })
  }
  return rpcError(id, -32601, `Method not found: ${method}`, stateless ? 404 : 200)
}

function rpcResult(id: string | number, result: unknown): Response {
  return Response.json({ jsonrpc: '2.0', id, result })
}

function rpcError(
  id: string | number | undefined,
  code: number,
  message: string,
  status = 200,
  data?: unknown,
): Response {
  const error = { code, message, ...(data !== undefined && { data }) }
  return Response.json({ jsonrpc: '2.0', ...(id !== undefined && { id }), error }, { status })
}
