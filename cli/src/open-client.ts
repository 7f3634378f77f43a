import type { Client } from 'latchkey/client'
import type { OAuthSession } from 'latchkey/oauth'
import type { CommandContext } from './command-context.ts'
import { httpLine } from './event-line.ts'
import type { ExitCode } from './exit-code.ts'
import { readHeaderOptions, setsAuthorization } from './header-options.ts'
import { openSession } from './open-session.ts'
import { createFetch } from './proxy-fetch.ts'
import { cliVersion } from './version.ts'

/** Which server to talk to, and whether a browser may be opened for it. */
export interface ClientRequest {
  readonly server: string
  readonly interactive: boolean
}

/**
 * Connects to a server, authorized by the stored login, or by `--header` alone when that sets `Authorization`; runs `task`;
 * closes everything whatever happens.
 */
export async function withClient(
  context: CommandContext,
  request: ClientRequest,
  task: (client: Client) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { io, terminal, options } = context
  const headers = readHeaderOptions(options.header, io.env)
  if (setsAuthorization(options.header)) {
    terminal.say(terminal.style.dim('Using the Authorization header you gave; OAuth stays out of the way.'))
    return connected(context, request, { headers, fetch: observed(context, await createFetch(io.env)) }, task)
  }
  const session: OAuthSession = await openSession(context, request)
  try {
    const { withOAuth } = await import('latchkey/oauth')
    const fetch = withOAuth(observed(context, await createFetch(io.env)), session)
    return await connected(context, request, { headers, fetch }, task)
  } finally {
    await session.close()
  }
}

async function connected(
  { io, terminal }: CommandContext,
  { server }: ClientRequest,
  wiring: { readonly headers: Readonly<Record<string, string>>; readonly fetch: typeof globalThis.fetch },
  task: (client: Client) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { connect } = await import('latchkey/client')
  const client = await terminal.progress.during(`Connecting to ${server}`, () =>
    connect(server, { ...wiring, clientInfo: { name: 'latchkey', version: cliVersion() }, signal: io.signal }),
  )
  try {
    return await task(client)
  } finally {
    await client.close()
  }
}

/** With `--verbose`, shows every exchange with the MCP server; those with the authorization server are events of the session. */
function observed({ io, terminal, options }: CommandContext, fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  if (options.verbose !== true) return fetch
  return async (input, init) => {
    const request = new Headers(init?.headers)
    const step = [request.get('mcp-method'), request.get('mcp-name')].filter(Boolean).join(' ') || 'MCP'
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET')
    const url = input instanceof Request ? input.url : String(input)
    const startedAt = io.now()
    const show = (status: number | string): void =>
      terminal.say(terminal.style.dim(`· ${httpLine({ method, url, status, durationMs: io.now() - startedAt, step })}`))
    try {
      const response = await fetch(input, init)
      show(response.status)
      return response
    } catch (error) {
      show('—')
      throw error
    }
  }
}
