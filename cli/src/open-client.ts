import { basename } from 'node:path'
import type { Client, ClientOptions } from 'latchkey/client'
import type { OAuthSession } from 'latchkey/oauth'
import { displayText } from 'latchkey/oauth/protocol'
import type { CommandContext } from './command-context.ts'
import { type Offers, rememberOffers } from './completion/remember-offers.ts'
import type { ExitCode } from './exit-code.ts'
import { readHeaderOptions, setsAuthorization } from './header-options.ts'
import { createAskedPerson } from './interaction/asked-person.ts'
import { openSession } from './open-session.ts'
import { createFetch, sayProxy } from './proxy-fetch.ts'
import { withVerboseLines } from './server-fetch.ts'
import { serverLogLine } from './server-log.ts'
import type { ServerTarget } from './server-target.ts'
import { connectProgram } from './stdio-server.ts'
import { cliVersion } from './version.ts'

/** Which server to talk to, and whether a browser may be opened for it. */
export interface ClientRequest {
  readonly target: ServerTarget
  readonly interactive: boolean
}

/** What a command works with besides the client. */
export interface ClientTools {
  /** Ends requests: Ctrl-C, or a question nobody can answer. */
  readonly signal: AbortSignal
  /** Keeps what the server offers, for the completion of command lines. Never fails. */
  readonly remember: (offers: Offers) => Promise<void>
}

type Task = (client: Client, tools: ClientTools) => Promise<ExitCode>
type Connect = (options: ClientOptions) => Promise<Client>

/**
 * Connects to a server, authorized by the stored login, or by `--header` alone when that sets `Authorization`; or starts the program of
 * `--stdio`. Runs `task`; closes everything whatever happens. What the server asks meanwhile becomes a prompt.
 */
export async function withClient(
  context: CommandContext,
  { target, interactive }: ClientRequest,
  task: Task,
): Promise<ExitCode> {
  const { io, terminal, options } = context
  if (target.kind === 'stdio') {
    return connected(context, target, clientOptions => connectProgram(context, target, clientOptions), task)
  }
  const server = target.url
  const headers = readHeaderOptions(options.header, io.env)
  const { connect } = await import('latchkey/client')
  if (setsAuthorization(options.header)) {
    terminal.say(terminal.style.dim('Using the Authorization header you gave; OAuth stays out of the way.'))
    await sayProxy(context, server)
    const fetch = withVerboseLines(context, server, await createFetch(io.env))
    return connected(context, target, clientOptions => connect(server, { ...clientOptions, headers, fetch }), task)
  }
  const session: OAuthSession = await openSession(context, { server, interactive })
  try {
    const { withOAuth } = await import('latchkey/oauth')
    const fetch = withOAuth(withVerboseLines(context, server, await createFetch(io.env)), session)
    return await connected(
      context,
      target,
      clientOptions => connect(server, { ...clientOptions, headers, fetch }),
      task,
    )
  } finally {
    await session.close()
  }
}

async function connected(
  context: CommandContext,
  target: ServerTarget,
  connect: Connect,
  task: Task,
): Promise<ExitCode> {
  const { io, terminal, options } = context
  const person = createAskedPerson(context, serverName(target))
  const verbose = options.verbose === true
  const client = await terminal.progress.during(
    target.kind === 'url' ? `Connecting to ${target.url}` : `Starting ${programName(target)}`,
    () =>
      connect({
        clientInfo: { name: 'latchkey', version: cliVersion() },
        signal: io.signal,
        elicitation: person.handlers,
        ...(verbose && {
          onNotification: notification => {
            const line = serverLogLine(notification)
            if (line !== undefined) terminal.say(terminal.style.dim(`· ${line}`))
          },
          onError: error => {
            if (error instanceof Error) terminal.say(terminal.style.dim(`· ${displayText(error.message, 1_000)}`))
          },
        }),
      }),
  )
  try {
    if (verbose && client.serverCapabilities.logging) {
      // Only for curiosity: what the server logs is nothing to fail for.
      await client.setLogLevel('debug', { signal: person.signal }).catch(() => undefined)
    }
    const remember = (offers: Offers): Promise<void> => rememberOffers(io, target, offers)
    await remember({})
    return await person.watched(() => task(client, { signal: person.signal, remember }))
  } finally {
    await client.close()
  }
}

/** What questions of the server are headed with: never a name that it gave itself. */
function serverName(target: ServerTarget): string {
  if (target.kind === 'stdio') return programName(target)
  return URL.canParse(target.url) ? new URL(target.url).host : displayText(target.url, 80)
}

/** Programs that run another one, which says more. */
const LAUNCHERS = ['node', 'npx', 'bun', 'bunx', 'deno', 'python', 'python3', 'uvx', 'uv', 'pipx', 'docker']

function programName({ command, args }: Extract<ServerTarget, { kind: 'stdio' }>): string {
  const launcher = basename(command).replace(/\.(exe|cmd)$/i, '')
  const run = LAUNCHERS.includes(launcher) ? args.find(word => /^[^-].*[/.@]/.test(word)) : undefined
  return displayText(run === undefined ? launcher : `${launcher} ${basename(run)}`, 80)
}
