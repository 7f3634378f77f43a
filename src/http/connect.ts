import type { Client } from '../client/client.ts'
import { type ClientOptions, openClient } from '../client/open-client.ts'
import { TransportError } from '../jsonrpc/errors.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import { createHttpClientTransport } from './client-transport.ts'
import type { Fetch } from './redirect.ts'

export interface ConnectOptions extends ClientOptions {
  /** Makes every HTTP request. One made by `withOAuth` brings authorization. Default: the global `fetch`. */
  readonly fetch?: Fetch
  /** Sent with every request. The protocol's own headers cannot be replaced; an `Authorization` here keeps OAuth out of the way. */
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes that one answer, or characters that one event of a stream, may hold. Default 64 MiB. */
  readonly maxMessageBytes?: number
}

/**
 * Connects to an MCP server over Streamable HTTP and agrees on a protocol revision.
 *
 * @throws {TransportError} `configuration` for a URL that is not http(s); `unauthorized` when the server wants a login and `fetch`
 * brings none; `unsupported_revision`, `network`, `http_status`, `invalid_response` and others
 * @throws {RpcError} the server's own error
 * @throws {OAuthError} from a `fetch` made by `withOAuth`
 */
export async function connect(target: string | URL, options: ConnectOptions = {}): Promise<Client> {
  const { fetch = (input, init) => globalThis.fetch(input, init), headers, maxMessageBytes, ...clientOptions } = options
  const transport = createHttpClientTransport(toEndpoint(target), {
    fetch,
    ...(headers && { headers }),
    ...(maxMessageBytes !== undefined && { maxMessageBytes }),
  })
  return await openClient(transport, clientOptions)
}

function toEndpoint(target: string | URL): URL {
  const shown = displayUrl(target)
  const refuse = (why: string, hint: string): TransportError =>
    new TransportError('configuration', `${shown || 'The empty string'} ${why}`, { hint })
  if (!URL.canParse(target))
    throw refuse('is not a URL', 'Give the full URL of the MCP endpoint, such as https://mcp.example.com/mcp')
  const url = new URL(target)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw refuse('is neither https nor http', 'Give the URL of an MCP endpoint')
  if (url.username !== '' || url.password !== '')
    throw refuse('carries a user name or password', 'Send credentials with the headers option')
  url.hash = ''
  return url
}
