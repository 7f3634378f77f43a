import { TransportError } from '../jsonrpc/errors.ts'
import { displayText } from '../oauth/protocol/display-text.ts'

/** What an HTTP request to an MCP endpoint is made of. */
export interface RequestHeadersInput {
  readonly custom: Readonly<Record<string, string>> | undefined
  readonly protocol: Readonly<Record<string, string>>
  readonly accept: string
  readonly hasBody: boolean
}

/**
 * Builds the headers of one request. The caller's come first, so that none of the protocol's can be replaced.
 *
 * @throws {TransportError} `configuration` for a header that HTTP cannot carry
 */
export function requestHeaders({ custom, protocol, accept, hasBody }: RequestHeadersInput): Headers {
  const headers = toHeaders(custom)
  for (const [name, value] of Object.entries(protocol)) headers.set(name, value)
  headers.set('accept', accept)
  if (hasBody) headers.set('content-type', 'application/json')
  return headers
}

/** `Headers` itself would quote the value, an API key more often than not, in its error. */
function toHeaders(custom: Readonly<Record<string, string>> = {}): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(custom)) {
    try {
      headers.append(name, value)
    } catch {
      throw new TransportError('configuration', `The header ${displayText(name, 80)} cannot be sent`, {
        hint: 'Its name or value holds characters that HTTP does not allow, such as a line end within',
      })
    }
  }
  return headers
}
