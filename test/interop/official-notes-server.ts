import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node'
import {
  type AuthInfo,
  buildOAuthProtectedResourceMetadata,
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  McpServer,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
  requireScopes,
} from '@modelcontextprotocol/server'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { z } from 'zod'
import { NOTES_SCOPES, type NotesServer, type NotesServerOptions } from '../../demo/src/notes-server.ts'
import { listenRecorded } from '../../demo/src/recorded-server.ts'

/**
 * Starts the notes of the demo, made with the official SDK alone: it serves both revision families, publishes its protected resource
 * metadata, verifies JWT access tokens (signature, issuer, audience, expiry), and asks for `notes:write` only where it is needed.
 */
export async function startOfficialNotesServer(options: NotesServerOptions): Promise<NotesServer> {
  const server = await listenRecorded(
    'notes server',
    async origin => {
      const handler = createMcpHandler(createNotes())
      const guarded = await createGuard(new URL(`${origin}/mcp`), options, handler.fetch)
      const serve = toNodeHandler({ fetch: guarded })
      // The adapter's own types do not allow for `exactOptionalPropertyTypes`; a real IncomingMessage is what it is made for.
      return (request, response) => void serve(request as NodeIncomingMessageLike, response)
    },
    options,
  )
  return { ...server, mcpUrl: `${server.url}/mcp` }
}

type AuthorizedHandler = (request: Request, options: { authInfo: AuthInfo }) => Promise<Response>

async function createGuard(
  resource: URL,
  { issuer, isRevoked = () => false }: NotesServerOptions,
  handle: AuthorizedHandler,
): Promise<(request: Request) => Promise<Response>> {
  const authorizationServer = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as {
    jwks_uri: string
    issuer: string
    authorization_endpoint: string
    token_endpoint: string
    response_types_supported: string[]
  }
  const metadataUrl = getOAuthProtectedResourceMetadataUrl(resource)
  const metadata = buildOAuthProtectedResourceMetadata({
    oauthMetadata: authorizationServer,
    resourceServerUrl: resource,
    resourceName: 'Notes',
    scopesSupported: [...NOTES_SCOPES],
  })
  const keys = createRemoteJWKSet(new URL(authorizationServer.jwks_uri))
  const gate = requireBearerAuth({
    resourceMetadataUrl: metadataUrl,
    requiredScopes: ['notes:read'],
    expectedResource: resource,
    verifier: {
      verifyAccessToken: async token => {
        if (isRevoked(token)) throw new OAuthError(OAuthErrorCode.InvalidToken, 'token revoked')
        return verify(token, keys, { issuer, resource })
      },
    },
  })
  return async request => {
    const { pathname } = new URL(request.url)
    if (pathname === new URL(metadataUrl).pathname) return Response.json(metadata)
    if (pathname !== resource.pathname) return new Response('not found', { status: 404 })
    const authorized = await gate(request)
    return authorized instanceof Response ? authorized : handle(request, { authInfo: authorized })
  }
}

async function verify(
  token: string,
  keys: ReturnType<typeof createRemoteJWKSet>,
  { issuer, resource }: { issuer: string; resource: URL },
): Promise<AuthInfo> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience: resource.href,
      typ: 'at+jwt',
    })
    return {
      token,
      clientId: String(payload['client_id']),
      scopes: typeof payload['scope'] === 'string' ? payload['scope'].split(' ') : [],
      resource,
      ...(payload.exp === undefined ? {} : { expiresAt: payload.exp }),
      extra: { subject: payload.sub },
    }
  } catch (error) {
    throw new OAuthError(OAuthErrorCode.InvalidToken, error instanceof Error ? error.message : 'token refused')
  }
}

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

/** One notebook for as long as the process runs; a fresh `McpServer` per request serves it. */
function createNotes(): () => McpServer {
  const notes = ['Otters hold hands while they sleep.']
  return () => {
    const server = new McpServer({ name: 'notes', version: '1.0.0' })
    server.registerTool('list_notes', { description: 'Lists every note.', annotations: { readOnlyHint: true } }, () =>
      text(notes.map((note, index) => `${index + 1}. ${note}`).join('\n')),
    )
    server.registerTool(
      'add_note',
      {
        description: 'Adds a note. Needs the scope notes:write.',
        inputSchema: z.object({ text: z.string().describe('What to write down') }),
        scopeChallenge: requireScopes('notes:write'),
      },
      ({ text: note }) => {
        notes.push(note)
        return text(`Added note ${notes.length}.`)
      },
    )
    return server
  }
}
