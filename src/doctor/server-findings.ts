import type { FindingDescription } from './finding.ts'

/** Found in what the MCP endpoint itself answers. */
export type ServerFindingCode =
  | 'server_unavailable'
  | 'endpoint_not_found'
  | 'web_page'
  | 'firewall'
  | 'not_mcp'
  | 'initialize_refused'
  | 'unsupported_revision'
  | 'server_redirects'
  | 'legacy_transport'
  | 'public_server'
  | 'login_optional'
  | 'forbidden'
  | 'challenge_missing'
  | 'challenge_not_bearer'
  | 'challenge_without_metadata'
  | 'challenge_is_403'
  | 'challenge_is_redirect'
  | 'given_credentials_rejected'
  | 'cors_missing'
  | 'cors_hides_challenge'

export const SERVER_FINDINGS: Readonly<Record<ServerFindingCode, FindingDescription>> = {
  server_unavailable: {
    severity: 'error',
    concern: 'connection',
    title: 'The server cannot answer now',
    meaning: 'It, or a proxy in front of it, answers with 5xx or 429.',
    user: 'Try again later.',
    operator: 'See the log of the server, and whether the proxy in front of it reaches it.',
  },
  endpoint_not_found: {
    severity: 'error',
    concern: 'protocol',
    title: 'There is no MCP endpoint at this URL',
    meaning: 'The host answers, but takes no MCP messages at this path (404, 405 or another refusal).',
    user: 'Check the path: it is often /mcp, or /sse with old servers.',
    operator: 'Serve POST at the URL that the documentation names.',
  },
  web_page: {
    severity: 'error',
    concern: 'protocol',
    title: 'A web page answers where an MCP endpoint was expected',
    meaning: 'The answer is HTML: the URL of a site, or a catch-all route, not of an MCP endpoint.',
    user: 'Use the URL of the MCP endpoint, not that of the product or its documentation.',
    operator: 'Let the route of the MCP endpoint go before the catch-all of the web application.',
  },
  firewall: {
    severity: 'error',
    concern: 'connection',
    title: 'A firewall answers in place of the server',
    meaning: 'A bot protection (Cloudflare, Akamai, AWS WAF and others) sent a page of its own.',
    user: 'Try from another network, and tell whoever runs the server.',
    operator: 'Let MCP clients through the firewall, by path or by User-Agent.',
  },
  not_mcp: {
    severity: 'error',
    concern: 'protocol',
    title: 'Whoever answers does not speak MCP',
    meaning: 'The answer is neither a JSON-RPC message nor a stream of them.',
    user: 'Check the URL.',
    operator: 'Answer POST with application/json or text/event-stream, holding JSON-RPC 2.0 messages.',
  },
  initialize_refused: {
    severity: 'error',
    concern: 'protocol',
    title: 'The server answers the opening with an error',
    meaning: 'It speaks JSON-RPC, but refuses `server/discover` and `initialize` both.',
    user: 'Tell whoever runs the server what it answered.',
    operator: 'See the log of the server for the refused request.',
  },
  unsupported_revision: {
    severity: 'error',
    concern: 'protocol',
    title: 'No protocol revision in common',
    meaning: 'The server speaks only revisions that this client does not know.',
    user: 'Update the client.',
    operator: 'Support a published revision.',
  },
  server_redirects: {
    severity: 'error',
    concern: 'protocol',
    title: 'The server redirects elsewhere',
    meaning: 'A redirect off the origin, or one that would turn the message into a GET, is not followed.',
    user: 'If you trust where it leads, use that URL.',
    operator: 'Answer at the published URL itself; redirect within the origin with 307 or 308 only.',
  },
  legacy_transport: {
    severity: 'warning',
    concern: 'protocol',
    title: 'The server speaks only the HTTP+SSE transport of 2024-11-05',
    meaning: 'That transport was replaced by Streamable HTTP, and clients give it up.',
    user: 'Nothing: this client speaks it.',
    operator: 'Serve Streamable HTTP at the same URL.',
  },
  public_server: {
    severity: 'info',
    concern: 'authorization',
    title: 'The server needs no login',
    meaning: 'It answers without a token and publishes no OAuth metadata.',
    user: 'Nothing.',
    operator: 'Nothing, if that is meant.',
  },
  login_optional: {
    severity: 'info',
    concern: 'authorization',
    title: 'The server answers without a login, but some of it may need one',
    meaning:
      'It opens the conversation without a token and publishes OAuth metadata: single tools may ask for a login.',
    user: 'Log in when a tool asks for it, or beforehand with `latchkey login`.',
    operator: 'Nothing, if that is meant.',
  },
  forbidden: {
    severity: 'error',
    concern: 'authorization',
    title: 'The server refuses, and says of no way to log in',
    meaning: 'It answers 403 to a request without a token and publishes no OAuth metadata.',
    user: 'It probably wants an API key: `--header`.',
    operator: 'Answer 401 with a Bearer challenge, and publish protected resource metadata.',
  },
  challenge_missing: {
    severity: 'warning',
    concern: 'authorization',
    title: 'The 401 has no WWW-Authenticate header',
    meaning: 'Clients that find no challenge there may never begin to log in.',
    user: 'Nothing: this client looks for the metadata by itself.',
    operator: 'Add `WWW-Authenticate: Bearer resource_metadata="…"` to every 401 (RFC 9110 §15.5.2, RFC 9728 §5.1).',
  },
  challenge_not_bearer: {
    severity: 'warning',
    concern: 'authorization',
    title: 'The challenge is neither Bearer nor DPoP',
    meaning: 'The WWW-Authenticate header asks for another scheme, such as Basic.',
    user: 'If the server wants an API key or a password: `--header`.',
    operator: 'Add a Bearer challenge (RFC 6750 §3).',
  },
  challenge_without_metadata: {
    severity: 'info',
    concern: 'authorization',
    title: 'The challenge does not say where the metadata is',
    meaning: 'Without `resource_metadata`, clients guess the well-known URLs.',
    user: 'Nothing.',
    operator: 'Add `resource_metadata="…"` to the challenge (RFC 9728 §5.1).',
  },
  challenge_is_403: {
    severity: 'warning',
    concern: 'authorization',
    title: 'The server asks for a login with 403 instead of 401',
    meaning: 'A 403 says that logging in would not help, and some clients take it at its word.',
    user: 'Nothing: this client looks for the metadata all the same.',
    operator: 'Answer 401 to requests without a token.',
  },
  challenge_is_redirect: {
    severity: 'warning',
    concern: 'authorization',
    title: 'The server redirects to a login page instead of answering 401',
    meaning: 'A program cannot use a page for people; most clients call this server broken.',
    user: 'Nothing: this client looks for the metadata all the same.',
    operator:
      'Answer 401 with a Bearer challenge at the MCP endpoint; keep the session middleware of the site away from it.',
  },
  given_credentials_rejected: {
    severity: 'error',
    concern: 'authorization',
    title: 'The server does not take the given Authorization header',
    meaning: 'A header of your own keeps OAuth out of the way, and the server refused it.',
    user: 'Check the value, or leave the header out to log in.',
    operator: 'Nothing, if the value is wrong.',
  },
  cors_missing: {
    severity: 'info',
    concern: 'protocol',
    title: 'Web pages of other origins cannot use the server',
    meaning: 'A CORS preflight for an MCP request is not allowed. Clients outside of browsers do not mind.',
    user: 'Nothing, unless the client is a web page.',
    operator:
      'Answer OPTIONS without asking for a token, and allow POST with authorization, content-type and mcp-* headers.',
  },
  cors_hides_challenge: {
    severity: 'info',
    concern: 'protocol',
    title: 'Web pages cannot see the challenge',
    meaning: 'CORS is allowed, but the 401 does not expose WWW-Authenticate to scripts.',
    user: 'Nothing, unless the client is a web page.',
    operator: 'Send `Access-Control-Expose-Headers: WWW-Authenticate, Mcp-Session-Id`.',
  },
}
