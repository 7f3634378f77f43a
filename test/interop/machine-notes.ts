import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import { z } from 'zod'
import type { Recorder } from '../../demo/src/leg.ts'
import { listenRecorded, type RunningServer } from '../../demo/src/recorded-server.ts'

export interface MachineNotesOptions {
  readonly issuer: string
  readonly scopes: readonly string[]
  readonly record: Recorder
  /** `required`: bearer tokens are refused; `offered`: both; `off`: knows nothing of it. Default `off`. */
  readonly dpop?: 'off' | 'offered' | 'required'
  /** Whether a proof needs a nonce of this server. Default false. */
  readonly nonces?: boolean
  /** What is said about an opaque token. Default: access tokens are JWTs. */
  readonly introspect?: (token: string) => Promise<Introspected | undefined>
  readonly isRevoked: (token: string) => boolean
}

interface Introspected {
  readonly clientId: string
  readonly scope: string
}

export interface MachineNotes extends RunningServer {
  readonly mcpUrl: string
  /**
   * The next proofs, one by default, are refused for another nonce each: as by a server that has just changed it, that accepts each once,
   * or that is several which do not share theirs.
   */
  rotateNonce(times?: number): void
  /** Why requests were refused, oldest first. */
  readonly refusals: readonly string[]
}

/**
 * Starts an MCP server made with the official SDK behind a guard made with `oauth4webapi`: neither has seen a line of ours. The guard
 * verifies JWT access tokens, and under proof of possession also the proof, its hash of the token, its nonce, and that no proof comes twice.
 */
export async function startMachineNotes(options: MachineNotesOptions): Promise<MachineNotes> {
  const refusals: string[] = []
  const nonce = { current: crypto.randomUUID(), refusals: 0 }
  const server = await listenRecorded(
    'notes server',
    async origin => {
      const guarded = await createGuard(`${origin}/mcp`, options, nonce, refusals)
      const serve = toNodeHandler({ fetch: guarded })
      return (request, response) => void serve(request as NodeIncomingMessageLike, response)
    },
    options,
  )
  return {
    ...server,
    mcpUrl: `${server.url}/mcp`,
    refusals,
    rotateNonce: (times = 1) => void (nonce.refusals = times),
  }
}

const ALGORITHMS = ['ES256', 'EdDSA']

async function createGuard(
  resource: string,
  options: MachineNotesOptions,
  nonce: { current: string; refusals: number },
  refusals: string[],
): Promise<(request: Request) => Promise<Response>> {
  const { issuer, dpop = 'off', nonces = false, introspect } = options
  const found = await oauth.discoveryRequest(new URL(issuer), { [oauth.allowInsecureRequests]: true })
  const authorizationServer = await oauth.processDiscoveryResponse(new URL(issuer), found)
  const metadataUrl = `${new URL(resource).origin}/.well-known/oauth-protected-resource${new URL(resource).pathname}`
  const metadata = {
    resource,
    authorization_servers: [issuer],
    scopes_supported: options.scopes,
    resource_name: 'Notes',
    ...(dpop !== 'off' && { dpop_signing_alg_values_supported: ALGORITHMS }),
    ...(dpop === 'required' && { dpop_bound_access_tokens_required: true }),
  }
  const used = new Set<string>()
  const { fetch: handle } = createMcpHandler(createNotes())

  const refuse = (status: number, error?: string, reason = '', scope = 'notes:read'): Response => {
    if (reason) refusals.push(reason)
    const headers = new Headers()
    const parameters = `${error ? `error="${error}", ` : ''}scope="${scope}", resource_metadata="${metadataUrl}"`
    if (dpop !== 'required') headers.append('www-authenticate', `Bearer ${parameters}`)
    if (dpop !== 'off') headers.append('www-authenticate', `DPoP algs="${ALGORITHMS.join(' ')}", ${parameters}`)
    if (error === 'use_dpop_nonce') headers.set('dpop-nonce', nonce.current)
    return Response.json({ error: error ?? 'unauthorized' }, { status, headers })
  }

  return async request => {
    const { pathname } = new URL(request.url)
    if (pathname === new URL(metadataUrl).pathname) return Response.json(metadata)
    if (pathname !== new URL(resource).pathname) return new Response('not found', { status: 404 })
    const [scheme = '', token = ''] = (request.headers.get('authorization') ?? '').split(' ')
    if (token === '') return refuse(401)
    if (options.isRevoked(token)) return refuse(401, 'invalid_token', 'revoked')
    let granted: Introspected
    try {
      granted = introspect
        ? ((await introspect(token)) ?? fail('unknown token'))
        : await verify(request, scheme.toLowerCase() === 'dpop')
    } catch (error) {
      return refuse(401, 'invalid_token', String(error instanceof Error ? error.message : error))
    }
    const proof = request.headers.get('dpop')
    if (proof !== null) {
      const { jti = '', nonce: sent } = decodeJwt(proof)
      if (nonce.refusals > 0) Object.assign(nonce, { current: crypto.randomUUID(), refusals: nonce.refusals - 1 })
      if (nonces && sent !== nonce.current) return refuse(401, 'use_dpop_nonce', 'nonce')
      if (used.has(jti)) return refuse(401, 'invalid_dpop_proof', 'the proof came before')
      used.add(jti)
    }
    const held = granted.scope.split(' ')
    const needed = await neededScope(request.clone())
    if (!held.includes(needed)) return refuse(403, 'insufficient_scope', `${needed} is missing`, needed)
    return handle(request, { authInfo: { token, clientId: granted.clientId, scopes: held } })
  }

  async function verify(request: Request, withProof: boolean): Promise<Introspected> {
    if (dpop === 'off' && withProof) fail('this server does not know the scheme')
    const claims = await oauth.validateJwtAccessToken(authorizationServer, request, resource, {
      requireDPoP: dpop === 'required',
      signingAlgorithms: ALGORITHMS,
      [oauth.allowInsecureRequests]: true,
    })
    return { clientId: claims.client_id, scope: claims.scope ?? '' }
  }
}

function fail(reason: string): never {
  throw new Error(reason)
}

async function neededScope(request: Request): Promise<string> {
  const message = (await request.json().catch(() => ({}))) as { method?: string; params?: { name?: string } }
  return message.method === 'tools/call' && message.params?.name === 'add_note' ? 'notes:write' : 'notes:read'
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
