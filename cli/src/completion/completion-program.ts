import { Argument, type Command } from 'commander'
import { finish } from '../command-options.ts'
import type { CommandOptions } from '../command-context.ts'
import type { Runner } from '../program.ts'
import { SHELLS, type Shell } from './shells.ts'

/** Describes `latchkey completion`. */
export function addCompletionCommand(program: Command, run: Runner): void {
  finish(
    program
      .command('completion')
      .description('print a script that lets the shell complete commands, servers, tools and arguments')
      .addArgument(new Argument('<shell>', 'the shell the script is for').choices(SHELLS)),
    [
      'eval "$(latchkey completion bash)"     # in ~/.bashrc',
      'eval "$(latchkey completion zsh)"      # in ~/.zshrc, after compinit',
      'latchkey completion fish > ~/.config/fish/completions/latchkey.fish',
    ],
    { server: false },
  ).action((shell: Shell, options: CommandOptions) =>
    run(options, async context => (await import('../commands/completion.ts')).completion(context, shell)),
  )
}
