import type { Command } from 'commander'
import { callbackHostOption, callbackPathOption, finish, wholeNumber } from './command-options.ts'
import type { CommandOptions } from './command-context.ts'
import type { CimdCreateOptions } from './commands/cimd-create.ts'
import type { Runner } from './program.ts'

const port = wholeNumber('--redirect-port', 1, 65_535)

/** Describes `latchkey cimd …`, for those who host a client-id metadata document. */
export function addCimdCommands(program: Command, run: Runner): void {
  const cimd = program.command('cimd').description('make and check a client-id metadata document')

  finish(
    cimd
      .command('create')
      .description('print the document that a client publishes about itself')
      .argument('<url>', 'where the document will be served: the client id')
      .option('--name <name>', 'what people are shown', 'Latchkey')
      .option(
        '--redirect-port <port>',
        'a loopback port the client listens on (repeatable; default: 29310 to 29319)',
        (text: string, before: readonly number[] | undefined) => [...(before ?? []), port(text)],
      )
      .addOption(callbackHostOption())
      .addOption(callbackPathOption())
      .option('--device', 'the client logs in by device code, too')
      .option('--jwks-uri <url>', 'where the public keys are: the client authenticates with private_key_jwt')
      .option('--jwk <file>', 'a JWK or a set of them, whose public half goes into the document'),
    [
      'latchkey cimd create https://app.example.com/oauth/client.json --name "Otter Desk" > client.json',
      'latchkey cimd create https://app.example.com/oauth/client.json --redirect-port 8765 --redirect-port 8766',
      'latchkey cimd create https://app.example.com/oauth/client.json --jwk key.json',
    ],
    { server: false },
  ).action((url: string, options: CimdCreateOptions) =>
    run(options, async context => (await import('./commands/cimd-create.ts')).cimdCreate(context, url, options)),
  )

  finish(
    cimd
      .command('validate')
      .description('check a document as an authorization server would')
      .argument('<url-or-file>', 'where the document is served, or a file before it is')
      .option('--json', 'print one JSON object'),
    [
      'latchkey cimd validate https://app.example.com/oauth/client.json',
      'latchkey cimd validate client.json',
      "latchkey cimd validate client.json --json | jq '.findings[]'",
    ],
    { server: false },
  ).action((source: string, options: CommandOptions) =>
    run(options, async context => (await import('./commands/cimd-validate.ts')).cimdValidate(context, source)),
  )
}
