import type { Client, ClientOptions } from 'latchkey/client'
import { plainText } from './plain-text.ts'
import type { CommandContext } from './command-context.ts'
import type { ServerTarget } from './server-target.ts'
import { UsageError } from './usage-error.ts'

/**
 * Starts the program of `--stdio` and connects to it. It gets the variables that `--env` names besides those that every program needs;
 * what it writes to stderr is shown with `--verbose`, and otherwise only quoted when it ends.
 *
 * @throws {UsageError} a variable of `--env` that is not set
 * @throws {TransportError} as `connectStdio`
 */
export async function connectProgram(
  { io, terminal, options }: CommandContext,
  { command, args }: Extract<ServerTarget, { kind: 'stdio' }>,
  clientOptions: ClientOptions,
): Promise<Client> {
  const env: Record<string, string> = {}
  for (const name of options.env ?? []) {
    const value = io.env[name]
    if (value === undefined) throw new UsageError(`--env ${name}: the variable is not set`, `export ${name}=…`)
    env[name] = value
  }
  const { connectStdio } = await import('latchkey/stdio')
  const onStderr = (line: string): void => {
    if (options.verbose === true) terminal.say(terminal.style.dim(`· stderr: ${plainText(line).slice(0, 2_000)}`))
  }
  return connectStdio(
    { command, args, env, stderr: 'pipe', onStderr, ...(io.cwd !== undefined && { cwd: io.cwd }) },
    clientOptions,
  )
}
