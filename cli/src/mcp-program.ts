import { type Command, Option } from 'commander'
import type { CommandContext, CommandOptions } from './command-context.ts'
import { finish } from './command-options.ts'
import type { Runner } from './program.ts'

const SERVER = 'https://mcp.example.com/mcp'

/** Describes the commands that use a server, at a URL or started with `--stdio`. */
export function addMcpCommands(program: Command, run: Runner): void {
  const use = (
    command: Command,
    examples: readonly string[],
    action: (context: CommandContext, words: readonly string[], options: CommandOptions) => Promise<number>,
  ): void => {
    command.usage(`[options] (<server-url> | --stdio <command>)${operandUsage(command)}`)
    command.addOption(
      new Option('--stdio <command>', 'start this program and talk to it, instead of a server at a URL'),
    )
    command.addOption(
      repeatable('--env <VAR>', 'pass this environment variable on to the program of --stdio (repeatable)'),
    )
    command.option('--json', 'print the MCP result object')
    finish(command, examples).action(async () => {
      // What the first operand is depends on --stdio.
      const words = command.args
      const options = command.opts<CommandOptions>()
      const server = options.stdio === undefined ? words[0] : undefined
      await run({ ...options, ...(server !== undefined && { server }) }, context => action(context, words, options))
    })
  }
  const server = (name: string, description: string): Command =>
    program.command(name).description(description).argument('[server-url]', `URL of the MCP server, such as ${SERVER}`)

  use(
    server('tools', 'list the tools of a server'),
    [
      `latchkey tools ${SERVER}`,
      `latchkey tools ${SERVER} --json | jq -r '.tools[].name'`,
      `latchkey tools ${SERVER} --header X-Api-Key=MY_API_KEY`,
      'latchkey tools --stdio "npx -y @modelcontextprotocol/server-everything"',
    ],
    async (context, words) => (await import('./commands/tools.ts')).tools(context, words),
  )

  use(
    server('call', 'call a tool')
      .argument('[tool]', 'name of the tool')
      .argument('[name=value...]', "arguments, read by the tool's input schema; arrays and objects as JSON")
      .option('--input <json>', 'arguments as a JSON object; name=value wins over it')
      .addOption(folderOption())
      .addOption(answerOption())
      .option('--login', 'log in first when that is needed'),
    [
      `latchkey call ${SERVER} search query=otters limit=5`,
      `latchkey call ${SERVER} tag ids='[1,2]' dryRun=true`,
      `latchkey call ${SERVER} search --input '{"query": "otters"}' --json`,
      `latchkey call ${SERVER} delete path=a.txt --answer confirm=yes`,
      'latchkey call --stdio "npx -y @modelcontextprotocol/server-everything" echo message=hello',
    ],
    async (context, words, options) => (await import('./commands/call.ts')).call(context, words, options),
  )

  use(
    server('resources', 'list the resources of a server').option(
      '--templates',
      'list only the templates; with --json they are the result object',
    ),
    [
      `latchkey resources ${SERVER}`,
      `latchkey resources ${SERVER} --json | jq -r '.resources[].uri'`,
      `latchkey resources ${SERVER} --templates --json`,
    ],
    async (context, words, options) => (await import('./commands/resources.ts')).resources(context, words, options),
  )

  use(
    server('read', 'read a resource')
      .argument('[uri]', 'URI of the resource')
      .option('--output <file>', 'write to this file; or into this folder, if it is one')
      .option('--force', 'overwrite the file')
      .addOption(answerOption()),
    [
      `latchkey read ${SERVER} file:///notes/today.md`,
      `latchkey read ${SERVER} file:///logo.png --output logo.png`,
      `latchkey read ${SERVER} file:///logo.png > logo.png`,
    ],
    async (context, words, options) => (await import('./commands/read.ts')).read(context, words, options),
  )

  use(
    server('prompts', 'list the prompts of a server'),
    [`latchkey prompts ${SERVER}`, `latchkey prompts ${SERVER} --json | jq -r '.prompts[].name'`],
    async (context, words) => (await import('./commands/prompts.ts')).prompts(context, words),
  )

  use(
    server('prompt', 'get a prompt, filled in')
      .argument('[name]', 'name of the prompt')
      .argument('[name=value...]', 'arguments, which are texts')
      .addOption(folderOption())
      .addOption(answerOption()),
    [`latchkey prompt ${SERVER} review language=Go`, `latchkey prompt ${SERVER} review language=Go --json`],
    async (context, words, options) => (await import('./commands/prompt.ts')).prompt(context, words, options),
  )
}

function operandUsage(command: Command): string {
  return command.registeredArguments
    .slice(1)
    .map(argument => (argument.variadic ? ` [${argument.name()}...]` : ` <${argument.name()}>`))
    .join('')
}

function folderOption(): Option {
  return new Option('--output <folder>', 'where images, sound and other bytes are saved (default: the current folder)')
}

function answerOption(): Option {
  return repeatable('--answer <name=value>', 'answer a question that the server may ask (repeatable)')
}

function repeatable(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((word: string, before: readonly string[]) => [...before, word])
    .default([], 'none')
}
