import type { CommandContext } from '../command-context.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { printJson } from '../json-output.ts'
import { isInteractive } from '../io.ts'
import { listAll } from '../listing.ts'
import { listingText } from '../listing-text.ts'
import { orNothing } from '../missing-feature.ts'
import { withClient } from '../open-client.ts'
import { readTarget } from '../server-target.ts'

/** `latchkey prompts`: the prompts of a server with their arguments. */
export async function prompts(context: CommandContext, words: readonly string[]): Promise<ExitCode> {
  const { io, terminal, options } = context
  const { target } = readTarget(options, words)
  return withClient(context, { target, interactive: isInteractive(io) }, async (client, { signal, remember }) => {
    const result = await terminal.progress.during('Listing prompts', () =>
      orNothing(client.serverCapabilities.prompts, { prompts: [] }, () =>
        listAll('prompts', page => client.listPrompts({ ...page, signal })),
      ),
    )
    await remember({ prompts: result.prompts })
    if (options.json === true) printJson(io, result)
    else if (result.prompts.length === 0) terminal.say('This server offers no prompts.')
    else {
      const entries = result.prompts.map(prompt => ({
        name: prompt.name,
        about: prompt.description ?? prompt.title,
        arguments: (prompt.arguments ?? []).map(({ name, title, description, required = false }) => ({
          name,
          required,
          description: description ?? title,
        })),
      }))
      io.stdout.write(listingText(entries, terminal.dataStyle))
    }
    return EXIT.done
  })
}
