import type { CommandContext } from '../command-context.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { refuseAuthorizationHeader } from '../header-options.ts'
import { isInteractive } from '../io.ts'
import { needsLogin, openSession } from '../open-session.ts'

/** `latchkey token`: prints a currently valid access token, refreshed when that is due, and nothing else. */
export async function token(context: CommandContext, server: string): Promise<ExitCode> {
  const { io, terminal } = context
  refuseAuthorizationHeader(context.options.header)
  const interactive = isInteractive(io)
  await using session = await openSession(context, { server, interactive })
  const { signal } = io
  const accessToken = await terminal.progress.during('Checking the login', async () => {
    try {
      return await session.accessToken({ signal })
    } catch (error) {
      if (!interactive || !needsLogin(error)) throw error
      await session.login({ signal })
      return await session.accessToken({ signal })
    }
  })
  io.stdout.write(`${accessToken}\n`)
  return EXIT.done
}
