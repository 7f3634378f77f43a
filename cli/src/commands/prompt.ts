import type { Prompt } from 'latchkey/client'
import { displayText } from 'latchkey/oauth/protocol'
import { promptArguments } from '../arguments/prompt-arguments.ts'
import { callProgress } from '../call-progress.ts'
import type { CommandContext, CommandOptions } from '../command-context.ts'
import { contentParts, joinTexts } from '../content-parts.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { isInteractive } from '../io.ts'
import { printJson } from '../json-output.ts'
import { listAll } from '../listing.ts'
import { withClient } from '../open-client.ts'
import { saveMedia } from '../save-media.ts'
import { readTarget } from '../server-target.ts'
import { unknownName } from '../unknown-name.ts'

/** The options of `latchkey prompt`. */
export interface PromptOptions extends CommandOptions {
  readonly output?: string
}

/** `latchkey prompt`: gets a prompt, filled in, and prints its messages: who speaks, then what. */
export async function prompt(
  context: CommandContext,
  words: readonly string[],
  options: PromptOptions,
): Promise<ExitCode> {
  const { io, terminal } = context
  const { target, operands } = readTarget(options, words, ['name'], { variadic: true })
  const [typed = '', ...pairs] = operands
  return withClient(context, { target, interactive: isInteractive(io) }, async (client, tools) => {
    const { signal, remember } = tools
    const { prompts } = await terminal.progress.during('Listing prompts', () =>
      listAll('prompts', page => client.listPrompts({ ...page, signal })),
    )
    await remember({ prompts })
    const found: Prompt =
      prompts.find(({ name }) => name === typed) ?? unknownName('prompt', typed, prompts, 'latchkey prompts', target)
    const given = promptArguments(pairs, found.arguments ?? [])
    const label = `Getting ${displayText(found.name)}`
    const result = await terminal.progress.during(label, () =>
      client.getPrompt(found.name, given, { signal, ...callProgress(context, label) }),
    )
    if (options.json === true) printJson(io, result)
    const texts: string[] = []
    for (const { role, content } of result.messages) {
      const parts = contentParts(content)
      texts.push(`${terminal.dataStyle.bold(`${displayText(role, 40)}:`)}\n${joinTexts(parts.texts)}`)
      if (options.json !== true) for (const note of parts.notes) terminal.say(`${terminal.style.yellow('!')} ${note}`)
      if (options.json !== true || options.output !== undefined) {
        await saveMedia(context, parts.media, { folder: options.output, stem: found.name })
      }
    }
    if (options.json !== true) io.stdout.write(texts.join('\n'))
    return EXIT.done
  })
}
