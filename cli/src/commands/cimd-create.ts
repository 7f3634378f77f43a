import {
  checkClientIdMetadataDocument,
  clientIdMetadataDocument,
  DEFAULT_REDIRECT_PORTS,
} from 'latchkey/oauth/protocol'
import type { CommandContext, CommandOptions } from '../command-context.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { findingLines } from '../finding-lines.ts'
import { readPublicKeys } from '../public-keys.ts'
import { UsageError } from '../usage-error.ts'

const GRANT_TYPES = ['authorization_code', 'refresh_token']
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

/** The options of `latchkey cimd create`. */
export interface CimdCreateOptions extends CommandOptions {
  readonly name: string
  readonly redirectPort?: readonly number[]
  readonly callbackHost?: 'localhost' | '127.0.0.1'
  readonly callbackPath?: string
  readonly device?: boolean
  readonly jwksUri?: string
  readonly jwk?: string
}

/** `latchkey cimd create`: prints a client-id metadata document, ready to be served at `url`. */
export async function cimdCreate(context: CommandContext, url: string, options: CimdCreateOptions): Promise<ExitCode> {
  const { io, terminal } = context
  const { redirectPort = DEFAULT_REDIRECT_PORTS, callbackHost = '127.0.0.1', callbackPath = '/callback' } = options
  if (options.jwk !== undefined && options.jwksUri !== undefined) {
    throw new UsageError('--jwk and --jwks-uri are two ways to say the same: give one of them')
  }
  const keys = options.jwk === undefined ? undefined : await readPublicKeys(options.jwk)
  const document = clientIdMetadataDocument({
    url,
    clientName: options.name,
    redirectUris: redirectPort.map(port => `http://${callbackHost}:${port}${callbackPath}`),
    grantTypes: options.device === true ? [...GRANT_TYPES, DEVICE_CODE] : GRANT_TYPES,
    ...(options.jwksUri !== undefined && { jwksUri: options.jwksUri }),
    ...(keys && { jwks: keys.keys }),
  })
  const text = `${JSON.stringify(document, undefined, 2)}\n`
  io.stdout.write(text)
  const { style } = terminal
  if (keys?.wasPrivate === true) {
    terminal.say(`${style.yellow('!')} only the public half of the key is in the document`)
  }
  terminal.say(
    ...findingLines(checkClientIdMetadataDocument({ url, body: text }), style),
    style.dim('Serve it at that URL, with Content-Type: application/json and Cache-Control: max-age=3600, then:'),
    `  ${style.cyan('→')} latchkey cimd validate ${url}`,
    `  ${style.cyan('→')} latchkey login <server-url> --client-metadata-url ${url}`,
  )
  return EXIT.done
}
