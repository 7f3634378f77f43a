import { createDefaultStore } from 'latchkey/node'
import type { CommandContext } from '../command-context.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { printJson } from '../json-output.ts'
import { openSession } from '../open-session.ts'
import { hasLogin, statusJson, statusLines, statusTable } from '../status-view.ts'

/** `latchkey status`: one login, or the list of all. Reads the store only. */
export async function status(context: CommandContext, server: string | undefined): Promise<ExitCode> {
  const { io, terminal, options } = context
  if (server !== undefined) {
    await using session = await openSession(context, { server, interactive: false })
    const found = await session.status()
    if (options.json === true) printJson(io, statusJson(found, createDefaultStore().description))
    else
      io.stdout.write(
        `${statusLines(found, createDefaultStore().description, terminal.dataStyle, io.now()).join('\n')}\n`,
      )
    return EXIT.done
  }
  const store = createDefaultStore()
  const keys = await store.list()
  const statuses = await Promise.all(
    keys.map(async key => {
      await using session = await openSession(context, { ...key, store, interactive: false })
      return session.status()
    }),
  )
  const logins = statuses
    .filter(hasLogin)
    .sort((a, b) => a.server.localeCompare(b.server) || a.profile.localeCompare(b.profile))
  if (options.json === true) printJson(io, { logins: logins.map(login => statusJson(login, store.description)) })
  else if (logins.length > 0)
    io.stdout.write(`${statusTable(logins, store.description, terminal.dataStyle, io.now()).join('\n')}\n`)
  else terminal.say('No logins yet.', `  ${terminal.style.cyan('→')} latchkey login <server-url>`)
  return EXIT.done
}
