import type { CommandContext } from '../command-context.ts'
import { completionScript } from '../completion/scripts.ts'
import type { Shell } from '../completion/shells.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'

/** `latchkey completion`: prints the script for a shell. */
export async function completion({ io }: CommandContext, shell: Shell): Promise<ExitCode> {
  io.stdout.write(completionScript(shell))
  return EXIT.done
}
