/** What an HTTP request to an MCP endpoint is made of. */
export interface RequestHeadersInput {
  readonly custom: Readonly<Record<string, string>> | undefined
  readonly protocol: Readonly<Record<string, string>>
  readonly accept: string
  readonly hasBody: boolean
}

/** Builds the headers of one request. The caller's come first, so that none of the protocol's can be replaced. */
export function requestHeaders({ custom, protocol, accept, hasBody }: RequestHeadersInput): Headers {
  const headers = new Headers(custom)
  for (const [name, value] of Object.entries(protocol)) headers.set(name, value)
  headers.set('accept', accept)
  if (hasBody) headers.set('content-type', 'application/json')
  return headers
}
