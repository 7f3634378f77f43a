import type { Client } from '../client/client.ts'
import { type ClientOptions, openClient } from '../client/open-client.ts'
import { RpcError, TransportError } from '../jsonrpc/errors.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import { createHttpClientTransport, type HttpClientTransportOptions } from './client-transport.ts'
import type { Fetch } from './redirect.ts'
import { createSseClientTransport } from './sse-client-transport.ts'

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
  const endpoint = toEndpoint(target)
  const transportOptions = {
    fetch,
    ...(headers && { headers }),
    ...(maxMessageBytes !== undefined && { maxMessageBytes }),
  }
  // An attempt that fails must not end what the next one needs.
  let deciding = true
  const onClosed = async (): Promise<void> => {
    if (!deciding) await clientOptions.onClosed?.()
  }
  try {
    return await openNewest(endpoint, transportOptions, { ...clientOptions, onClosed })
  } catch (error) {
    await clientOptions.onClosed?.()
    throw error
  } finally {
    deciding = false
  }
}

/** Streamable HTTP; and HTTP+SSE only after `initialize` failed too. When that is not it either, the first failure says more. */
async function openNewest(
  endpoint: URL,
  transportOptions: HttpClientTransportOptions,
  options: ClientOptions,
): Promise<Client> {
  try {
    return await openClient(createHttpClientTransport(endpoint, transportOptions), options)
  } catch (first) {
    if (!mayBeOlder(first, options.revision)) throw first
    try {
      const transport = createSseClientTransport(endpoint, transportOptions)
      return await openClient(transport, { ...options, revision: '2024-11-05' })
    } catch (error) {
      const isOther =
        error instanceof TransportError && (error.code === 'invalid_response' || error.code === 'http_status')
      throw isOther ? first : error
    }
  }
}

/** Answers to `initialize` that say that nobody takes POST here; authorization failures are none of them (field X5). */
const NO_POST: ReadonlySet<number> = new Set([400, 404, 405, 406, 411, 415])

function mayBeOlder(error: unknown, revision: ClientOptions['revision'] = 'auto'): boolean {
  if (revision !== 'auto' && revision !== '2024-11-05') return false
  // A JSON-RPC error is the answer of somebody who takes POST, unless it only dresses up a missing route.
  if (error instanceof RpcError) return error.status === 404 || error.status === 405
  return error instanceof TransportError && error.code === 'http_status' && NO_POST.has(error.detail.status ?? 0)
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
