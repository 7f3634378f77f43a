import { displayText } from 'latchkey/oauth/protocol'
import { toolArguments } from '../arguments/tool-arguments.ts'
import type { CommandContext, CommandOptions } from '../command-context.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { isInteractive } from '../io.ts'
import { printJson } from '../json-output.ts'
import { withClient } from '../open-client.ts'
import { closestNames } from '../suggestion.ts'
import { listAllTools, type ListedTool } from '../tool-list.ts'
import { renderToolResult } from '../tool-result.ts'
import { UsageError } from '../usage-error.ts'

/** The options of `latchkey call`. */
export interface CallOptions extends CommandOptions {
  readonly tool: string
  /** The `name=value` words. */
  readonly words: readonly string[]
  readonly input?: string
  readonly login?: boolean
}

/** `latchkey call`: calls one tool and prints what it answers. */
export async function call(context: CommandContext, server: string, options: CallOptions): Promise<ExitCode> {
  const { io, terminal } = context
  const interactive = options.login === true || isInteractive(io)
  return withClient(context, { server, interactive }, async client => {
    const { signal } = io
    const { tools } = await terminal.progress.during('Listing tools', () => listAllTools(client, signal))
    const tool = tools.find(({ name }) => name === options.tool) ?? unknownTool(options.tool, tools, server)
    const given = toolArguments(options.words, options.input, tool.inputSchema)
    const name = displayText(tool.name)
    const result = await terminal.progress.during(`Calling ${name}`, () =>
      client.callTool(tool.name, given, {
        signal,
        onProgress: ({ progress, total, message }) => {
          const share = total === undefined || total <= 0 ? '' : ` ${Math.round((progress / total) * 100)} %`
          terminal.progress.update(
            `Calling ${name}${share}${message === undefined ? '' : ` · ${displayText(message, 120)}`}`,
          )
        },
      }),
    )
    if (options.json === true) printJson(io, result)
    else {
      const { data, notes } = renderToolResult(result)
      io.stdout.write(data)
      for (const note of notes) terminal.say(`${terminal.style.yellow('!')} ${note}`)
    }
    if (result.isError !== true) return EXIT.done
    terminal.say(`${terminal.style.red('✗')} the tool ${name} reports an error`)
    return EXIT.failed
  })
}

function unknownTool(typed: string, tools: readonly ListedTool[], server: string): never {
  const names = tools.map(({ name }) => name)
  const close = closestNames(typed, names).map(name => `“${displayText(name)}”`)
  const suggestion = close.length === 0 ? '' : `; did you mean ${close.join(' or ')}?`
  throw new UsageError(`this server has no tool “${displayText(typed, 100)}”${suggestion}`, `latchkey tools ${server}`)
}
