import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import * as oauth from 'oauth4webapi'
import { z } from 'zod'
import type { Recorder } from '../../demo/src/leg.ts'
import { listenRecorded, type RunningServer } from '../../demo/src/recorded-server.ts'

/** What tests may change while it runs. */
export interface NotesBehaviour {
  /**
   * `closed`: no page of another origin is let in; `hidden`: pages get answers, and none of their headers; `older`: pages may send the headers
   * of the revisions with a handshake only. Default `open`.
   */
  cors: 'open' | 'hidden' | 'older' | 'closed'
  /** Whether its metadata lies at the root alone, and what is not there says so to no other origin. Default false. */
  metadataAtRoot: boolean
  /** Where requests without a token are sent instead of being refused. */
  redirectsTo: string | undefined
  /** Whether access tokens issued so far are rejected. */
  readonly revoked: Set<string>
}

export interface WebNotes extends RunningServer {
  readonly mcpUrl: string
  readonly behaviour: NotesBehaviour
}

/** All that a client of ours may want to send; a header that is not named here fails the preflight. */
const ALLOWED = [
  'authorization',
  'content-type',
  'dpop',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
]
const NEWEST = ['mcp-method', 'mcp-name']
const EXPOSED = ['www-authenticate', 'mcp-session-id', 'mcp-protocol-version', 'dpop-nonce']
const ALGORITHMS = ['ES256']
const ROOT_METADATA = '/.well-known/oauth-protected-resource'

/** Starts an MCP server for web pages, made with the official SDK and `oauth4webapi`: bearer and DPoP-bound tokens, CORS with preflights. */
export async function startWebNotes(issuer: string, record: Recorder): Promise<WebNotes> {
  const behaviour: NotesBehaviour = { cors: 'open', metadataAtRoot: false, redirectsTo: undefined, revoked: new Set() }
  const found = await oauth.discoveryRequest(new URL(issuer), { [oauth.allowInsecureRequests]: true })
  const authorizationServer = await oauth.processDiscoveryResponse(new URL(issuer), found)
  const { fetch: handle } = createMcpHandler(createNotes())

  const respond = async (request: Request, resource: string, metadataUrl: string): Promise<Response> => {
    const { pathname } = new URL(request.url)
    if (pathname === (behaviour.metadataAtRoot ? ROOT_METADATA : new URL(metadataUrl).pathname))
      return Response.json({
        resource,
        authorization_servers: [issuer],
        scopes_supported: ['notes:read', 'notes:write'],
        dpop_signing_alg_values_supported: ALGORITHMS,
      })
    if (pathname !== new URL(resource).pathname) return new Response('not found', { status: 404 })
    const refuse = (status: number, error?: string, scope = 'notes:read'): Response => {
      const parameters = `${error ? `error="${error}", ` : ''}scope="${scope}", resource_metadata="${metadataUrl}"`
      const headers = new Headers()
      headers.append('www-authenticate', `Bearer ${parameters}`)
      headers.append('www-authenticate', `DPoP algs="${ALGORITHMS.join(' ')}", ${parameters}`)
      return Response.json({ error: error ?? 'unauthorized' }, { status, headers })
    }
    const token = (request.headers.get('authorization') ?? '').split(' ')[1] ?? ''
    if (token === '' && behaviour.redirectsTo !== undefined) return Response.redirect(behaviour.redirectsTo, 302)
    if (token === '') return refuse(401)
    if (behaviour.revoked.has(token)) return refuse(401, 'invalid_token')
    try {
      const claims = await oauth.validateJwtAccessToken(authorizationServer, request, resource, {
        signingAlgorithms: ALGORITHMS,
        [oauth.allowInsecureRequests]: true,
      })
      const scopes = (claims.scope ?? '').split(' ')
      const body = (await request
        .clone()
        .json()
        .catch(() => ({}))) as { params?: { name?: string } }
      const needed = body.params?.name === 'add_note' ? 'notes:write' : 'notes:read'
      if (!scopes.includes(needed)) return refuse(403, 'insufficient_scope', needed)
      return await handle(request, { authInfo: { token, clientId: claims.client_id, scopes } })
    } catch {
      return refuse(401, 'invalid_token')
    }
  }

  const server = await listenRecorded(
    'notes server',
    origin => {
      const metadataUrl = `${origin}/.well-known/oauth-protected-resource/mcp`
      const serve = toNodeHandler({
        fetch: async request => withCors(behaviour, request, () => respond(request, `${origin}/mcp`, metadataUrl)),
      })
      return (request, response) => void serve(request as NodeIncomingMessageLike, response)
    },
    { record },
  )
  return { ...server, mcpUrl: `${server.url}/mcp`, behaviour }
}

async function withCors(
  { cors }: NotesBehaviour,
  request: Request,
  respond: () => Promise<Response>,
): Promise<Response> {
  if (cors === 'closed') return respond()
  const headers = new Headers({ 'access-control-allow-origin': request.headers.get('origin') ?? '*', vary: 'origin' })
  if (request.method === 'OPTIONS') {
    headers.set('access-control-allow-methods', 'GET, POST, DELETE')
    const allowed = cors === 'older' ? ALLOWED.filter(name => !NEWEST.includes(name)) : ALLOWED
    headers.set('access-control-allow-headers', allowed.join(', '))
    return new Response(null, { status: 204, headers })
  }
  if (cors !== 'hidden') headers.set('access-control-expose-headers', EXPOSED.join(', '))
  const response = await respond()
  if (response.status === 404) return response
  const all = new Headers(response.headers)
  for (const [name, value] of headers) all.set(name, value)
  return new Response(response.body, { status: response.status, headers: all })
}

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

function createNotes(): () => McpServer {
  const notes = ['Otters hold hands while they sleep.']
  return () => {
    const server = new McpServer({ name: 'notes', version: '1.0.0' })
    server.registerTool('list_notes', { annotations: { readOnlyHint: true } }, () => text(notes.join('\n')))
    server.registerTool('add_note', { inputSchema: z.object({ text: z.string() }) }, ({ text: note }) => {
      notes.push(note)
      return text(`Added note ${notes.length}.`)
    })
    return server
  }
}
