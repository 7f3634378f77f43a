import { type Command, Option } from 'commander'
import { UsageError } from './usage-error.ts'

/** Reads an option that takes a whole number. */
export function wholeNumber(name: string, least: number, most: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new UsageError(`${name} takes a whole number from ${least} to ${most}`)
  }
}

/**
 * Gives a command the options that every command has, and its examples. A command that talks to no MCP server takes them as well, so that a
 * script may always give them, and does not speak of them.
 */
export function finish(command: Command, examples: readonly string[], { server = true } = {}): Command {
  const options = [
    new Option('--profile <name>', 'keep several logins to one server apart').default('default'),
    new Option('--header <NAME=ENVVAR>', 'send a header whose value comes from the environment (repeatable)')
      .argParser((option: string, before: readonly string[]) => [...before, option])
      .default([], 'none'),
    new Option('--verbose', 'show every authorization step, HTTP request and log message of the server on stderr'),
  ]
  for (const option of options) command.addOption(option.hideHelp(!server))
  return command.addHelpText('after', `\nExamples:\n${examples.map(example => `  $ ${example}`).join('\n')}`)
}

/** The redirect URL's host name. */
export function callbackHostOption(): Option {
  return new Option('--callback-host <host>', 'host name in the redirect URL').choices(['localhost', '127.0.0.1'])
}

/** The redirect URL's path. @throws {UsageError} */
export function callbackPathOption(): Option {
  const option = new Option('--callback-path <path>', 'path in the redirect URL (default: /callback)')
  return option.argParser((path: string) => {
    if (/^\/[^?#\s]*$/.test(path)) return path
    throw new UsageError('--callback-path takes a path that begins with a slash', '--callback-path /oauth/callback')
  })
}
