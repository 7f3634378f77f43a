import { displayText } from 'latchkey/oauth/protocol'
import { knownArguments } from '../arguments/tool-arguments.ts'
import type { CommandContext } from '../command-context.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { printJson } from '../json-output.ts'
import { isInteractive } from '../io.ts'
import { withClient } from '../open-client.ts'
import type { Style } from '../style.ts'
import { listAllTools, type ListedTool } from '../tool-list.ts'

/** `latchkey tools`: the tools of a server with their arguments. */
export async function tools(context: CommandContext, server: string): Promise<ExitCode> {
  const { io, terminal, options } = context
  return withClient(context, { server, interactive: isInteractive(io) }, async client => {
    const result = await terminal.progress.during('Listing tools', () => listAllTools(client, io.signal))
    if (options.json === true) printJson(io, result)
    else if (result.tools.length === 0) terminal.say('This server offers no tools.')
    else io.stdout.write(toolsText(result.tools, terminal.dataStyle))
    return EXIT.done
  })
}

/** Tools that come with details stand apart by an empty line; bare names are a plain list. */
function toolsText(tools: readonly ListedTool[], style: Style): string {
  const texts = tools.map(tool => toolText(tool, style))
  return texts.join(texts.some(text => text.trimEnd().includes('\n')) ? '\n' : '')
}

function toolText(tool: ListedTool, style: Style): string {
  const lines = [style.bold(displayText(tool.name))]
  const about = tool.description ?? tool.title
  if (about !== undefined) lines.push(`  ${displayText(firstParagraph(about), 300)}`)
  const known = knownArguments(tool.inputSchema)
  const width = Math.min(24, Math.max(0, ...known.map(({ name }) => name.length)))
  for (const { name, required, expects, description } of known) {
    const label = `${displayText(name).padEnd(width)}${required ? style.yellow('*') : ' '}`
    const what = description === undefined ? '' : `  ${style.dim(displayText(firstParagraph(description), 120))}`
    lines.push(`    ${label} ${style.cyan(displayText(expects, 60))}${what}`)
  }
  return `${lines.join('\n')}\n`
}

function firstParagraph(text: string): string {
  return text.trim().split(/\n\s*\n/)[0] ?? ''
}
