import type { CommandOptions } from './command-context.ts'
import { shellWord, splitWords } from './shell-words.ts'
import { UsageError } from './usage-error.ts'

/** The server that a command talks to: at a URL, or a program to start. */
export type ServerTarget =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'stdio'; readonly typed: string; readonly command: string; readonly args: readonly string[] }

/** What the operands of a command line mean. */
export interface TargetedWords {
  readonly target: ServerTarget
  /** The operands after the server. */
  readonly operands: readonly string[]
}

/**
 * Tells the server apart from the operands after it: `--stdio` takes the place of the server's URL.
 *
 * @param names what the operands after the server are called; all are needed, and only `variadic` allows more
 * @throws {UsageError} too few or too many operands, a command that cannot be read, or options that do not go with `--stdio`
 */
export function readTarget(
  options: CommandOptions,
  words: readonly string[],
  names: readonly string[] = [],
  { variadic = false } = {},
): TargetedWords {
  const { stdio } = options
  const wanted = stdio === undefined ? ['server-url', ...names] : names
  const missing = wanted[words.length]
  if (missing !== undefined) {
    const instead = missing === 'server-url' ? ', or --stdio with the command of a server' : ''
    throw new UsageError(`missing argument: ${missing}${instead}`)
  }
  if (!variadic && words.length > wanted.length) {
    const both = stdio !== undefined && /^https?:/i.test(words[0] ?? '')
    throw new UsageError(
      both ? 'give the URL of a server or --stdio, not both' : `too many arguments: “${words[wanted.length] ?? ''}”`,
    )
  }
  if (stdio === undefined) {
    if ((options.env ?? []).length > 0) throw new UsageError('--env is for a server that --stdio starts')
    return { target: { kind: 'url', url: words[0] ?? '' }, operands: words.slice(1) }
  }
  return { target: stdioTarget(stdio, options), operands: words }
}

function stdioTarget(typed: string, options: CommandOptions): ServerTarget {
  const [command, ...args] = splitWords(typed) ?? []
  if (command === undefined) {
    throw new UsageError(
      '--stdio takes the command of a server, with its arguments in the same quotes',
      '--stdio "npx -y @modelcontextprotocol/server-everything"',
    )
  }
  if (options.header.length > 0) throw new UsageError('--header is for HTTP; a server that --stdio starts takes --env')
  if (options.login === true) throw new UsageError('--login is for HTTP; a server that --stdio starts has no login')
  return { kind: 'stdio', typed, command, args }
}

/** The words that name the server on a command line, for hints: without the arguments of a program, which may hold keys. */
export function targetWords(target: ServerTarget): string {
  return target.kind === 'url' ? shellWord(target.url) : `--stdio ${shellWord(`${target.command} …`)}`
}
