import { win32 } from 'node:path'
import { TransportError } from '../jsonrpc/errors.ts'
import { type Environment, readVariable } from './environment.ts'

/** What to start, and whether its arguments are one line that is already quoted. */
export interface ResolvedCommand {
  readonly file: string
  readonly args: readonly string[]
  readonly verbatimArguments: boolean
}

export interface WindowsSurroundings {
  /** The server's own. */
  readonly environment: Environment
  readonly cwd: string
  /** Whether there is a file of this name. */
  readonly isFile: (path: string) => boolean
}

const DEFAULT_EXTENSIONS = '.COM;.EXE;.BAT;.CMD'
const BATCH_FILE = /\.(?:bat|cmd)$/i
/** `cmd` gives these no meaning of their own, so an argument of them alone needs no quotes. */
const PLAIN_ARGUMENT = /^[\w#$*+\-./:?@\\]+$/

/**
 * Finds what a command name means on Windows, where `npx` is a batch file: `npx.cmd`. Node itself looks only for programs, and refuses
 * to start a batch file, since `cmd` reads arguments anew. It is started here through `cmd` with every argument quoted for it.
 *
 * @throws {TransportError} `configuration` for an argument that cannot be passed to a batch file: one with a line end
 */
export function resolveWindowsCommand(
  command: string,
  args: readonly string[],
  surroundings: WindowsSurroundings,
): ResolvedCommand {
  const file = findFile(command, surroundings) ?? command
  if (!BATCH_FILE.test(file)) return { file, args, verbatimArguments: false }
  const line = [`"${breakUpPercents(file)}"`, ...args.map(quoteForBatch)].join(' ')
  return {
    file: readVariable(surroundings.environment, 'COMSPEC') ?? 'cmd.exe',
    // No AutoRun, no `!variable!`, and `%` extensions, which the quoting relies on; the outer quotes are taken off by /s.
    args: ['/e:ON', '/v:OFF', '/d', '/s', '/c', `"${line}"`],
    verbatimArguments: true,
  }
}

/** Never looks in the working directory for a bare name, as `cmd` does: whoever can write there would choose the program. */
function findFile(command: string, { environment, cwd, isFile }: WindowsSurroundings): string | undefined {
  const extensions = (readVariable(environment, 'PATHEXT') ?? DEFAULT_EXTENSIONS).split(';').filter(Boolean)
  const folders = /[\\/]/.test(command)
    ? [cwd]
    : (readVariable(environment, 'PATH') ?? '').split(';').map(folder => folder.replaceAll('"', ''))
  const hasExtension = extensions.some(extension => command.toUpperCase().endsWith(extension.toUpperCase()))
  const names = [...(hasExtension ? [command] : []), ...extensions.map(extension => command + extension)]
  return folders
    .filter(folder => folder !== '')
    .flatMap(folder => names.map(name => win32.resolve(folder, name)))
    .find(isFile)
}

/**
 * Quotes an argument so that it reaches the program behind a batch file as it is. Inside quotes `cmd` gives meaning only to the quote
 * itself, which is doubled, and to `%`, which is broken up by an expansion to nothing so that it starts no variable. Backslashes
 * before a quote are doubled for the program's own parser.
 */
function quoteForBatch(argument: string): string {
  if (/[\r\n\0]/.test(argument)) {
    throw new TransportError('configuration', 'An argument with a line end cannot be passed to a batch file', {
      hint: 'Start the program behind the .cmd or .bat file itself: node with the path of the script',
    })
  }
  if (PLAIN_ARGUMENT.test(argument) && !argument.endsWith('\\')) return argument
  const quoted = argument.replace(/(\\*)("|$)/g, (_all, slashes: string, end: string) =>
    end === '"' ? `${slashes}${slashes}""` : `${slashes}${slashes}`,
  )
  return `"${breakUpPercents(quoted)}"`
}

function breakUpPercents(text: string): string {
  return text.replaceAll('%', '%%cd:~,%')
}
