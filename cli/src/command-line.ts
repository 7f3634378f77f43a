import { type Command, CommanderError } from 'commander'
import type { CommandContext, CommandOptions } from './command-context.ts'
import { EXIT } from './exit-code.ts'
import { describeFailure, type Failure } from './failure.ts'
import { isInteractive, type Io } from './io.ts'
import { printJson } from './json-output.ts'
import { plainText } from './plain-text.ts'
import { createProgram } from './program.ts'
import { createTerminal, type Terminal } from './terminal.ts'

/** Parses and runs one command line; resolves to its exit code and never rejects. `argv` holds no program name. */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<number> {
  const terminal = createTerminal(io)
  let options: CommandOptions | undefined
  let exitCode: number = EXIT.done
  const program = createProgram(async (given, command) => {
    options = given
    const context: CommandContext = { io, terminal, options: given }
    exitCode = await command(context)
  })
  // The text of a usage error arrives with the exception below, where it is shown like every other failure.
  let helpText = ''
  for (const command of withSubcommands(program)) {
    command.configureHelp({ styleTitle: text => terminal.dataStyle.bold(text) })
    command.configureOutput({
      getOutHasColors: () => terminal.dataStyle.isColorSupported,
      writeOut: text => io.stdout.write(text),
      writeErr: text => {
        helpText = text
      },
    })
    command.exitOverride()
  }
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done
      // A command that is not complete says by itself how it goes on.
      if (error.code === 'commander.help') {
        io.stderr.write(helpText)
        return EXIT.usage
      }
    }
    const failure = failureOf(error, commandWords(program, argv), io.signal.aborted, options)
    if (argv.includes('--json')) {
      const { code, message, hint } = failure
      printJson(io, { error: { code, message, ...(hint !== undefined && { hint }) } })
    }
    report(failure, terminal, isInteractive(io) || options?.verbose === true)
    return failure.exitCode
  }
}

/** A command, its commands, and theirs. */
function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)]
}

/** The words of the command line that name a command: `cimd create`. */
function commandWords(program: Command, argv: readonly string[]): readonly string[] {
  const words: string[] = []
  let at: Command | undefined = program
  for (const word of argv) {
    at = at.commands.find(command => command.name() === word)
    if (at === undefined) break
    words.push(word)
  }
  return words
}

function failureOf(
  error: unknown,
  words: readonly string[],
  aborted: boolean,
  options: CommandOptions | undefined,
): Failure {
  if (error instanceof CommanderError) return usageFailure(error, words)
  // Whatever broke while everything was being stopped: the person asked for it.
  if (aborted) return { exitCode: EXIT.interrupted, code: 'aborted', message: 'cancelled', facts: {} }
  return describeFailure(error, options)
}

function usageFailure(error: CommanderError, words: readonly string[]): Failure {
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  return {
    exitCode: EXIT.usage,
    code: 'usage',
    message: suggestion === undefined ? message : `${message} ${suggestion}`,
    hint: ['latchkey', ...words, '--help'].join(' '),
    facts: {},
  }
}

/** Says what is wrong, and in which order one wants to know it: what, the facts, what to do. */
function report(failure: Failure, terminal: Terminal, wordy: boolean): void {
  const { style } = terminal
  const lines = [`${style.red('✗')} ${oneLine(failure.message)}`]
  const facts = Object.entries(failure.facts).filter(
    ([name, value]) => !failure.message.includes(value) && (wordy || name !== 'step'),
  )
  for (const [name, value] of facts) lines.push(`  ${style.dim(name.padEnd(8))}  ${oneLine(value)}`)
  if (failure.hint !== undefined) lines.push(`  ${style.cyan('→')} ${oneLine(failure.hint)}`)
  terminal.say(...lines)
}

/** Messages may quote a server. */
function oneLine(text: string): string {
  return plainText(text).replace(/\s*\n\s*/g, ' ')
}
