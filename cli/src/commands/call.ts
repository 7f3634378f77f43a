import { displayText } from 'latchkey/oauth/protocol'
import { toolArguments } from '../arguments/tool-arguments.ts'
import { callProgress } from '../call-progress.ts'
import type { CommandContext, CommandOptions } from '../command-context.ts'
import { joinTexts } from '../content-parts.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { isInteractive } from '../io.ts'
import { printJson } from '../json-output.ts'
import { listAll } from '../listing.ts'
import { withClient } from '../open-client.ts'
import { saveMedia } from '../save-media.ts'
import { readTarget } from '../server-target.ts'
import { toolResultParts } from '../tool-result.ts'
import { unknownName } from '../unknown-name.ts'

/** The options of `latchkey call`. */
export interface CallOptions extends CommandOptions {
  readonly input?: string
  readonly login?: boolean
  readonly output?: string
}

/** `latchkey call`: calls one tool, prints the text it answers and saves the rest. */
export async function call(context: CommandContext, words: readonly string[], options: CallOptions): Promise<ExitCode> {
  const { io, terminal } = context
  const { target, operands } = readTarget(options, words, ['tool'], { variadic: true })
  const [typed = '', ...pairs] = operands
  const interactive = options.login === true || isInteractive(io)
  return withClient(context, { target, interactive }, async (client, { signal, remember }) => {
    const { tools } = await terminal.progress.during('Listing tools', () =>
      listAll('tools', page => client.listTools({ ...page, signal })),
    )
    await remember({ tools })
    const tool =
      tools.find(({ name }) => name === typed) ??
      // A server may show tools only to those who may use them already: whoever knows the arguments may ask for more.
      (options.input === undefined ? undefined : { name: typed, inputSchema: { type: 'object' } as const }) ??
      unknownName('tool', typed, tools, `latchkey tools`, target)
    const given = toolArguments(pairs, options.input, tool.inputSchema)
    const name = displayText(tool.name)
    const result = await terminal.progress.during(`Calling ${name}`, () =>
      client.callTool(tool.name, given, { signal, ...callProgress(context, `Calling ${name}`) }),
    )
    const { texts, media, notes } = toolResultParts(result)
    if (options.json === true) printJson(io, result)
    else {
      io.stdout.write(joinTexts(texts))
      for (const note of notes) terminal.say(`${terminal.style.yellow('!')} ${note}`)
    }
    if (options.json !== true || options.output !== undefined) {
      await saveMedia(context, media, { folder: options.output, stem: tool.name })
    }
    if (result.isError !== true) return EXIT.done
    terminal.say(`${terminal.style.red('✗')} the tool ${name} reports an error`)
    return EXIT.failed
  })
}
