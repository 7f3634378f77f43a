/** What to do about refusals that deployed providers are known to word so. */
const HINTS: readonly { readonly said: RegExp; readonly hint: (scope: string) => string }[] = [
  {
    // Asked for by its short name, a scope is looked for at Microsoft Graph (field S12).
    said: /AADSTS650053\b(?:.*?asked for scope '([^']{1,200})')?/su,
    hint: scope =>
      `Entra looks for a scope without prefix at Microsoft Graph: ask for its qualified form, api://<application id>/${scope}, and have the server publish it so.`,
  },
  {
    said: /AADSTS(?:9010010|901002)\b/u,
    hint: () =>
      'Entra takes resource only with scopes of that resource: ask for scopes that begin with it, or add an exception with resource: "omit" for this issuer.',
  },
  {
    // Auth0, where the audience (or the resource that stands for it) is no API that it knows (field A15).
    said: /\bService not found: /u,
    hint: () =>
      'The provider knows no API by this identifier: register one with the URL of the MCP server as its identifier, or add an exception with the right one as resource for this issuer.',
  },
  {
    // Keycloak's policies for clients that register themselves (field R10).
    said: /\bPolicy '[^']{1,80}' rejected request\b/u,
    hint: () =>
      'A policy of the authorization server refuses clients that register themselves. Its administrator may add this host, the host of the redirect URI and the scopes to it, hand out an initial access token, or register a client by hand.',
  },
]

/** A hint for the text of a refusal, for the few providers whose words do not say what to do. */
export function providerHint(text: string): { readonly hint?: string } {
  for (const { said, hint } of HINTS) {
    const match = said.exec(text)
    if (match) return { hint: hint(match[1] ?? '<scope>') }
  }
  return {}
}

/**
 * Whether an access token is encrypted (RFC 7516 §3.1), by its shape only: what is in it is not the client's business. Auth0 and its like
 * issue such tokens, which no MCP server can read, when they were not told the audience (field A15).
 */
export function isEncryptedToken(accessToken: string): boolean {
  return /^eyJ[\w-]*\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/u.test(accessToken)
}

/** What to do where the MCP server cannot read an encrypted token. */
export const ENCRYPTED_TOKEN_HINT =
  'The access token is encrypted, as by a provider that was not told whom it is for. At Auth0, turn on the Resource Parameter Compatibility Profile; elsewhere add an exception with resource: "audience" for this issuer.'

/** What to look at where a client-id metadata document is refused (field R15). */
export function refusedDocumentHint(clientId: string): string {
  return `The authorization server may be unable to fetch ${clientId}: see that it is served as JSON to everybody, without redirects or protection against bots, and check it with \`latchkey cimd validate\`.`
}
