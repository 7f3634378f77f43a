import type { Client } from 'latchkey/client'
import type { OAuthSession } from 'latchkey/oauth'
import type { CommandContext } from './command-context.ts'
import type { ExitCode } from './exit-code.ts'
import { readHeaderOptions, setsAuthorization } from './header-options.ts'
import { openSession } from './open-session.ts'
import { createFetch, sayProxy } from './proxy-fetch.ts'
import { withVerboseLines } from './server-fetch.ts'
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
    await sayProxy(context, request.server)
    return connected(
      context,
      request,
      { headers, fetch: withVerboseLines(context, request.server, await createFetch(io.env)) },
      task,
    )
  }
  const session: OAuthSession = await openSession(context, request)
  try {
    const { withOAuth } = await import('latchkey/oauth')
    const fetch = withOAuth(withVerboseLines(context, request.server, await createFetch(io.env)), session)
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
