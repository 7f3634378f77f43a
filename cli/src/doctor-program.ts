import type { Command } from 'commander'
import { finish } from './command-options.ts'
import type { DoctorOptions } from './commands/doctor.ts'
import type { Runner } from './program.ts'

/** Adds `latchkey doctor`. */
export function addDoctorCommand(program: Command, run: Runner): void {
  finish(
    program
      .command('doctor')
      .description('go every step of reaching a server and logging in to it, and say what to fix')
      .argument('<server-url>', 'URL of the MCP server, such as https://mcp.example.com/mcp')
      .option('--register', 'also try to register a client, which may stay behind at the authorization server')
      .option('--json', 'print one JSON object'),
    [
      'latchkey doctor https://mcp.example.com/mcp',
      'latchkey doctor https://mcp.example.com/mcp --verbose',
      "latchkey doctor https://mcp.example.com/mcp --json | jq -r '.findings[].code'",
    ],
  ).action((server: string, options: DoctorOptions) =>
    run({ ...options, server }, async context =>
      (await import('./commands/doctor.ts')).doctor(context, server, options),
    ),
  )
}
