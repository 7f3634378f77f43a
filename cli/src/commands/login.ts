import { createDefaultStore } from 'latchkey/node'
import type { CommandContext } from '../command-context.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { refuseAuthorizationHeader } from '../header-options.ts'
import { printJson } from '../json-output.ts'
import type { LoginOptions } from '../login-options.ts'
import { followsMachine, openSession, rememberLogin } from '../open-session.ts'
import { statusJson, statusLines } from '../status-view.ts'

/** `latchkey login`: logs in unless the login still works, and prints its status. */
export async function login(context: CommandContext, server: string, options: LoginOptions): Promise<ExitCode> {
  const { io, terminal } = context
  refuseAuthorizationHeader(context.options.header)
  await using session = await openSession(context, { server, interactive: true, login: options })
  const force = options.force === true || (await followsMachine(context, session, options))
  const status = await terminal.progress.during(`Looking up how to log in to ${session.server}`, () =>
    session.login({
      signal: io.signal,
      ...(options.scope !== undefined && { scope: options.scope }),
      ...(force && { force }),
    }),
  )
  await rememberLogin(context, session, options)
  const store = createDefaultStore().description
  if (options.json === true) printJson(io, statusJson(status, store))
  else io.stdout.write(`${statusLines(status, store, terminal.dataStyle, io.now()).join('\n')}\n`)
  return EXIT.done
}
