import { createDefaultStore } from 'latchkey/node'
import type { CredentialKey, LogoutReport } from 'latchkey/oauth'
import { displayText } from 'latchkey/oauth/protocol'
import type { CommandContext, CommandOptions } from '../command-context.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { describeFailure } from '../failure.ts'
import { refuseAuthorizationHeader } from '../header-options.ts'
import { forgetLoginSettings } from '../login-settings.ts'
import { openSession } from '../open-session.ts'
import { stateDirectory } from '../state-directory.ts'
import type { Style } from '../style.ts'
import { UsageError } from '../usage-error.ts'

const TOKENS = { refresh_token: 'refresh token', access_token: 'access token' } as const

/** The options of `latchkey logout`. */
export interface LogoutOptions extends CommandOptions {
  readonly client?: boolean
  readonly all?: boolean
  /** Whether `--profile` was typed. */
  readonly profileGiven: boolean
}

/** `latchkey logout`: revokes, then forgets, whatever the authorization server says. */
export async function logout(
  context: CommandContext,
  server: string | undefined,
  options: LogoutOptions,
): Promise<ExitCode> {
  refuseAuthorizationHeader(context.options.header)
  if (options.all === true) {
    if (server !== undefined || options.profileGiven) {
      throw new UsageError('--all logs out of every server and every profile: leave out the server and --profile')
    }
    return logoutAll(context, options)
  }
  if (server === undefined) {
    throw new UsageError('which server? give its URL, or --all for every one', 'latchkey status')
  }
  await logoutOne(context, { server, profile: options.profile }, options)
  return EXIT.done
}

async function logoutAll(context: CommandContext, options: LogoutOptions): Promise<ExitCode> {
  const { io, terminal } = context
  const store = createDefaultStore()
  const keys = await store.list()
  if (keys.length === 0) terminal.say('No logins.')
  let exitCode: ExitCode = EXIT.done
  for (const key of keys) {
    try {
      await logoutOne(context, key, options)
    } catch (error) {
      if (io.signal.aborted) throw error
      // One broken record must not keep the others logged in.
      exitCode = EXIT.failed
      terminal.say(
        `${terminal.style.red('✗')} ${displayText(key.server, 1_000)}: ${describeFailure(error, key).message}`,
      )
    }
  }
  return exitCode
}

async function logoutOne(context: CommandContext, key: CredentialKey, options: LogoutOptions): Promise<void> {
  const { io, terminal } = context
  await using session = await openSession(context, { ...key, interactive: false })
  const report = await terminal.progress.during(`Logging out of ${session.server}`, () =>
    session.logout({ signal: io.signal, ...(options.client === true && { client: true }) }),
  )
  if (report.clientForgotten) await forgetLoginSettings(await stateDirectory(io), session)
  terminal.say(...reportLines(report, terminal.style))
}

function reportLines(report: LogoutReport, style: Style): readonly string[] {
  const { server, profile, wasLoggedIn, revocations, deletions, clientForgotten } = report
  const name = `${displayText(server, 1_000)}${profile === 'default' ? '' : ` · ${displayText(profile)}`}`
  return [
    wasLoggedIn ? `${style.green('✓')} Logged out of ${name}` : `${style.dim('–')} Not logged in to ${name}`,
    ...revocations.map(({ token, ok, error = 'no reason given' }) => {
      const what = TOKENS[token]
      return ok
        ? `  ${style.dim(`${what} revoked`)}`
        : `  ${style.yellow('!')} ${what} forgotten here but not revoked: ${displayText(error)}`
    }),
    ...deletions.map(({ ok, error = 'no reason given' }) =>
      ok
        ? `  ${style.dim('client registration deleted at the authorization server')}`
        : `  ${style.yellow('!')} client registration not deleted at the authorization server: ${displayText(error)}`,
    ),
    ...(clientForgotten ? [`  ${style.dim('client registration forgotten')}`] : []),
  ]
}
