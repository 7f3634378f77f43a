import { matchesIssuer } from './issuer-pattern.ts'

/**
 * A bounded deviation for one issuer whose deployed behaviour breaks a strict rule. It never applies to another issuer,
 * and a session says so when one is in force.
 */
export interface IssuerException {
  /**
   * The issuer as the protected resource metadata spells it. `*` stands for one or more characters of a single host label
   * or path segment (letters, digits, `.` in a path only, `_`, `-`), so `https://login.example.com/*` matches tenants
   * but neither another host nor a deeper path.
   */
  readonly issuer: string
  /** The exact other string that the metadata document may name as its issuer. */
  readonly trustedIssuer?: string
  /** The issuer supports PKCE S256 without listing any method. S256 is sent regardless. */
  readonly assumeS256?: boolean
  /**
   * What becomes of the RFC 8707 `resource`, in authorization, token and refresh requests alike: `omit` sends none; `audience` sends it
   * under that name; `when-scopes-match` sends it only with scopes that all carry it as prefix; any other string is sent in its place.
   */
  readonly resource?: 'omit' | 'audience' | 'when-scopes-match' | (string & {})
  /** Added to the authorization request. */
  readonly authorizationParameters?: Readonly<Record<string, string>>
  /** Added to every token request. */
  readonly tokenParameters?: Readonly<Record<string, string>>
  /** Where the metadata document is, when no well-known URL has it; also used when refreshing. */
  readonly metadataUrl?: string
  /** The metadata document itself, where none can be read: wire names (RFC 8414 §2), judged like one that was. `issuer` may be left out. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** The client authentication method to use whatever is advertised. */
  readonly authMethod?: 'none' | 'client_secret_basic' | 'client_secret_post'
  /** The issuer's origin may be in a private network although the MCP server is public. With `*`: every origin that it stands for. */
  readonly allowPrivateAddress?: boolean
  /** Host of a loopback redirect URI, where nothing was configured or registered. The listener binds loopback whatever it is. */
  readonly redirectHost?: 'localhost' | '127.0.0.1'
  /** Why, in words for people. */
  readonly reason: string
  /** The day from which this was known to hold, `YYYY-MM-DD`. */
  readonly since: string
}

const ENTRA = {
  assumeS256: true,
  resource: 'when-scopes-match',
  reason:
    'Microsoft Entra ID lists no PKCE methods although it supports S256, and refuses resource next to scopes of another resource (AADSTS9010010, AADSTS901002)',
  since: '2026-11-21',
} as const
const GOOGLE = {
  authorizationParameters: { access_type: 'offline', prompt: 'consent' },
  reason: 'Google gives a refresh token only with access_type=offline and renewed consent',
  since: '2026-11-21',
} as const
const LOCALHOST_ONLY = { redirectHost: 'localhost', since: '2026-11-21' } as const
const SALESFORCE = {
  ...LOCALHOST_ONLY,
  reason: 'Salesforce takes localhost for a loopback redirect URI, and no IP address',
} as const
const SLACK = {
  ...LOCALHOST_ONLY,
  reason: 'The clients that are registered at Slack have redirect URIs on localhost, not on 127.0.0.1',
} as const

/**
 * Deployed providers that are known to need an exception, each from the day it was last known to hold. An exception given by the user
 * takes precedence as a whole.
 */
export const BUILT_IN_ISSUER_EXCEPTIONS: readonly IssuerException[] = [
  // The multi-tenant documents hold this placeholder literally.
  ...['common', 'organizations'].map(tenant => ({
    ...ENTRA,
    issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
    trustedIssuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
  })),
  { ...ENTRA, issuer: 'https://login.microsoftonline.com/*/v2.0' },
  {
    issuer: 'https://cognito-idp.*.amazonaws.com/*',
    assumeS256: true,
    reason: 'Amazon Cognito lists no PKCE methods although it supports S256',
    since: '2026-11-21',
  },
  { ...GOOGLE, issuer: 'https://accounts.google.com' },
  {
    ...GOOGLE,
    issuer: 'https://accounts.google.com/',
    trustedIssuer: 'https://accounts.google.com',
    reason: `${GOOGLE.reason}; servers name its issuer with a slash that its own document does not have`,
  },
  {
    issuer: 'https://auth.atlassian.com/*',
    trustedIssuer: 'https://auth.atlassian.com',
    reason: 'The documents of the authorization servers below auth.atlassian.com leave their path out of issuer',
    since: '2026-11-21',
  },
  {
    issuer: 'https://mcp.atlassian.com',
    trustedIssuer: 'https://cf.mcp.atlassian.com',
    reason: 'The document at mcp.atlassian.com names the host behind it as issuer',
    since: '2026-11-21',
  },
  ...['https://login.salesforce.com', 'https://test.salesforce.com', 'https://*.my.salesforce.com'].map(issuer => ({
    ...SALESFORCE,
    issuer,
  })),
  { ...SALESFORCE, issuer: 'https://*.*.my.salesforce.com' },
  { ...SLACK, issuer: 'https://slack.com' },
  {
    ...SLACK,
    issuer: 'https://mcp.slack.com',
    trustedIssuer: 'https://slack.com',
    reason: `${SLACK.reason}; the document at mcp.slack.com names slack.com as issuer`,
  },
]

/**
 * The exception for an issuer: the first of those given that matches, else the first built-in one. An exact issuer goes
 * before a pattern. Exceptions are not merged.
 */
export function findIssuerException(
  issuer: string,
  given: readonly IssuerException[] = [],
): IssuerException | undefined {
  for (const table of [given, BUILT_IN_ISSUER_EXCEPTIONS]) {
    const found = table.find(each => each.issuer === issuer) ?? table.find(each => matchesIssuer(each.issuer, issuer))
    if (found !== undefined) return found
  }
  return undefined
}
