import { knownArguments } from '../arguments/tool-arguments.ts'
import type { CommandContext } from '../command-context.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { printJson } from '../json-output.ts'
import { isInteractive } from '../io.ts'
import { listAll } from '../listing.ts'
import { listingText } from '../listing-text.ts'
import { orNothing } from '../missing-feature.ts'
import { withClient } from '../open-client.ts'
import { readTarget } from '../server-target.ts'

/** `latchkey tools`: the tools of a server with their arguments. */
export async function tools(context: CommandContext, words: readonly string[]): Promise<ExitCode> {
  const { io, terminal, options } = context
  const { target } = readTarget(options, words)
  return withClient(context, { target, interactive: isInteractive(io) }, async (client, { signal, remember }) => {
    const result = await terminal.progress.during('Listing tools', () =>
      orNothing(client.serverCapabilities.tools, { tools: [] }, () =>
        listAll('tools', page => client.listTools({ ...page, signal })),
      ),
    )
    await remember({ tools: result.tools })
    if (options.json === true) printJson(io, result)
    else if (result.tools.length === 0) terminal.say('This server offers no tools.')
    else {
      const entries = result.tools.map(({ name, title, description, inputSchema }) => ({
        name,
        about: description ?? title,
        arguments: knownArguments(inputSchema),
      }))
      io.stdout.write(listingText(entries, terminal.dataStyle))
    }
    return EXIT.done
  })
}
