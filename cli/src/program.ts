import { Command, Option } from 'commander'
import { addCimdCommands } from './cimd-program.ts'
import type { CommandContext, CommandOptions } from './command-context.ts'
import { callbackHostOption, callbackPathOption, finish, wholeNumber } from './command-options.ts'
import { addCompletionCommand } from './completion/completion-program.ts'
import { addDoctorCommand } from './doctor-program.ts'
import { GRANTS, type LoginOptions } from './login-options.ts'
import { addMcpCommands } from './mcp-program.ts'
import { cliVersion } from './version.ts'

/** Runs a command: its exit code, or an error for `describeFailure`. */
export type Runner = (options: CommandOptions, command: (context: CommandContext) => Promise<number>) => Promise<void>

const SERVER = ['<server-url>', 'URL of the MCP server, such as https://mcp.example.com/mcp'] as const

/** Describes the command line. Commands are loaded when they run: `--help` and `--version` load nothing else. */
export function createProgram(run: Runner): Command {
  const program = new Command('latchkey')
    .description('Log in to any MCP server and use it from a terminal.')
    .version(cliVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey login https://mcp.example.com/mcp
  $ latchkey tools https://mcp.example.com/mcp
  $ latchkey call https://mcp.example.com/mcp search query=otters limit=5
  $ curl -H "Authorization: Bearer $(latchkey token https://mcp.example.com/mcp)" …

Exit codes: 0 done, 1 failed, 2 usage, 3 login needed, 4 authorization failed, 5 server unreachable.
State is kept in LATCHKEY_HOME; BROWSER, NO_COLOR and HTTPS_PROXY are respected.`,
    )

  finish(
    program
      .command('login')
      .description('log in to a server: in the browser, on another device, or as a machine')
      .argument(...SERVER)
      .option('--scope <scopes>', 'ask for these scopes, separated by spaces')
      .addOption(
        new Option('--grant <grant>', 'how to log in, from now on (default: authorization-code)').choices(GRANTS),
      )
      .addOption(
        new Option('--device', 'show a code to approve on another device (the same as --grant device)').conflicts(
          'grant',
        ),
      )
      .option('--client-id <id>', 'use a client registered beforehand')
      .option('--client-secret-env <VAR>', 'environment variable that holds the client secret')
      .option('--client-key <file>', 'private key of the client for private_key_jwt: PKCS #8 PEM or JWK')
      .option('--client-metadata-url <url>', 'use a client-id metadata document')
      .option(
        '--redirect-port <port>',
        'listen for the answer on this port only',
        wholeNumber('--redirect-port', 1, 65_535),
      )
      .addOption(callbackHostOption())
      .addOption(callbackPathOption())
      .option('--no-browser', 'print the URL, and take the redirect URL pasted on stdin')
      .option('--force', 'log in again even when the login still works')
      .option(
        '--timeout <seconds>',
        'how long to wait for the person (default: 300; with --device as long as the code works)',
        wholeNumber('--timeout', 1, 86_400),
      )
      .option('--json', 'print one JSON object'),
    [
      'latchkey login https://mcp.example.com/mcp',
      'latchkey login https://mcp.example.com/mcp --scope "files:read files:write" --profile work',
      'latchkey login https://mcp.example.com/mcp --no-browser',
      'latchkey login https://mcp.example.com/mcp --device',
      'latchkey login https://mcp.example.com/mcp --client-id my-app --client-secret-env MY_APP_SECRET --redirect-port 3118',
      'latchkey login https://mcp.example.com/mcp --grant client-credentials --client-id job --client-secret-env JOB_SECRET',
      'latchkey login https://mcp.example.com/mcp --grant client-credentials --client-id job --client-key job-key.pem',
    ],
  ).action((server: string, options: LoginOptions) =>
    run({ ...options, server }, async context => (await import('./commands/login.ts')).login(context, server, options)),
  )

  finish(
    program
      .command('logout')
      .description('revoke the tokens of a login, then forget it')
      .argument('[server-url]', 'URL of the MCP server')
      .option('--client', 'delete and forget the client registration, too')
      .option('--all', 'every server, every profile'),
    [
      'latchkey logout https://mcp.example.com/mcp',
      'latchkey logout https://mcp.example.com/mcp --client',
      'latchkey logout --all',
    ],
  ).action(
    (server: string | undefined, options: CommandOptions & { client?: boolean; all?: boolean }, command: Command) =>
      run({ ...options, ...(server !== undefined && { server }) }, async context => {
        const profileGiven = command.getOptionValueSource('profile') === 'cli'
        return (await import('./commands/logout.ts')).logout(context, server, { ...options, profileGiven })
      }),
  )

  finish(
    program
      .command('status')
      .description('show one login, or all of them')
      .argument('[server-url]', 'URL of the MCP server; without it, every login is listed')
      .option('--json', 'print one JSON object'),
    ['latchkey status', 'latchkey status https://mcp.example.com/mcp --json'],
  ).action((server: string | undefined, options: CommandOptions) =>
    run({ ...options, ...(server !== undefined && { server }) }, async context =>
      (await import('./commands/status.ts')).status(context, server),
    ),
  )

  finish(
    program
      .command('token')
      .description('print an access token that is valid now, and nothing else')
      .argument(...SERVER),
    [
      'latchkey token https://mcp.example.com/mcp',
      'curl -H "Authorization: Bearer $(latchkey token https://mcp.example.com/mcp)" https://mcp.example.com/mcp',
    ],
  ).action((server: string, options: CommandOptions) =>
    run({ ...options, server }, async context => (await import('./commands/token.ts')).token(context, server)),
  )

  addMcpCommands(program, run)
  addDoctorCommand(program, run)
  addCimdCommands(program, run)
  addCompletionCommand(program, run)

  return program
}
