import { toNodeHandler } from 'latchkey/node'
import { jwtVerifier, protect, TokenError, type TokenVerifier } from 'latchkey/resource-server'
import { createServer, type Server } from 'latchkey/server'
import { z } from 'zod'
import type { Recorder } from './leg.ts'
import { listenRecorded, type RunningServer } from './recorded-server.ts'

/** What a person can grant for the notes. */
export const NOTES_SCOPES = ['notes:read', 'notes:write'] as const

export interface NotesServerOptions {
  readonly issuer: string
  /** Default: any free port. */
  readonly port?: number
  readonly record?: Recorder
  /** Asked about every access token that is otherwise good. Default: none is revoked. */
  readonly isRevoked?: (token: string) => boolean
  /** Whether lists show only what the caller may use. Default false: the story steps up for a tool that it saw. */
  readonly filterLists?: boolean
}

export interface NotesServer extends RunningServer {
  readonly mcpUrl: string
}

/**
 * Starts a protected MCP server: it serves every revision, publishes its protected resource metadata, verifies JWT access tokens (signature,
 * issuer, audience, expiry), and asks for `notes:write` only where it is needed.
 */
export async function startNotesServer(options: NotesServerOptions): Promise<NotesServer> {
  const { issuer, isRevoked = () => false, filterLists = false } = options
  const notes = createNotes()
  const server = await listenRecorded(
    'notes server',
    origin =>
      toNodeHandler(
        protect(notes, {
          resource: `${origin}/mcp`,
          authorizationServers: [issuer],
          verify: unlessRevoked(jwtVerifier({ issuer }), isRevoked),
          scopes: ['notes:read'],
          resourceName: 'Notes',
          filterLists,
        }),
      ),
    options,
  )
  return {
    ...server,
    mcpUrl: `${server.url}/mcp`,
    close: async () => {
      await Promise.all([notes.close(), server.close()])
    },
  }
}

function unlessRevoked(verify: TokenVerifier, isRevoked: (token: string) => boolean): TokenVerifier {
  return async presented => {
    const auth = await verify(presented)
    if (isRevoked(auth.token))
      throw new TokenError('inactive', 'The access token was revoked.', { step: 'access token' })
    return auth
  }
}

/** One notebook for as long as the process runs. */
function createNotes(): Server {
  const notes = ['Otters hold hands while they sleep.']
  const server = createServer({ name: 'notes', version: '1.0.0' })
  server.tool('list_notes', { description: 'Lists every note.', annotations: { readOnlyHint: true } }, () =>
    notes.map((note, index) => `${index + 1}. ${note}`).join('\n'),
  )
  server.tool(
    'add_note',
    {
      description: 'Adds a note. Needs the scope notes:write.',
      input: z.object({ text: z.string().describe('What to write down') }),
      scopes: ['notes:write'],
    },
    ({ text }) => {
      notes.push(text)
      return `Added note ${notes.length}.`
    },
  )
  return server
}
