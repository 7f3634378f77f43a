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
  /** `omit` sends no RFC 8707 `resource`; any other string is sent in its place, everywhere alike. */
  readonly resource?: 'omit' | (string & {})
  /** Added to the authorization request. */
  readonly authorizationParameters?: Readonly<Record<string, string>>
  /** Added to every token request. */
  readonly tokenParameters?: Readonly<Record<string, string>>
  /** Where the metadata document is, when no well-known URL has it; also used when refreshing. */
  readonly metadataUrl?: string
  /** The client authentication method to use whatever is advertised. */
  readonly authMethod?: 'none' | 'client_secret_basic' | 'client_secret_post'
  /** The issuer's origin may be in a private network although the MCP server is public. */
  readonly allowPrivateAddress?: boolean
  /** Why, in words for people. */
  readonly reason: string
  /** The day from which this was known to hold, `YYYY-MM-DD`. */
  readonly since: string
}

const ENTRA_REASON =
  'Microsoft Entra ID lists no PKCE methods although it supports S256, and refuses resource next to scopes (AADSTS9010010, AADSTS901002)'
const GOOGLE_REASON = 'Google gives a refresh token only with access_type=offline and renewed consent'

/** Deployed providers that are known to need an exception. An exception given by the user takes precedence as a whole. */
export const BUILT_IN_ISSUER_EXCEPTIONS: readonly IssuerException[] = [
  {
    issuer: 'https://login.microsoftonline.com/common/v2.0',
    // The multi-tenant documents hold this placeholder literally.
    trustedIssuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
    assumeS256: true,
    resource: 'omit',
    reason: ENTRA_REASON,
    since: '2026-11-21',
  },
  {
    issuer: 'https://login.microsoftonline.com/organizations/v2.0',
    trustedIssuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
    assumeS256: true,
    resource: 'omit',
    reason: ENTRA_REASON,
    since: '2026-11-21',
  },
  {
    issuer: 'https://login.microsoftonline.com/*/v2.0',
    assumeS256: true,
    resource: 'omit',
    reason: ENTRA_REASON,
    since: '2026-11-21',
  },
  {
    issuer: 'https://cognito-idp.*.amazonaws.com/*',
    assumeS256: true,
    reason: 'Amazon Cognito lists no PKCE methods although it supports S256',
    since: '2026-11-21',
  },
  {
    issuer: 'https://accounts.google.com',
    authorizationParameters: { access_type: 'offline', prompt: 'consent' },
    reason: GOOGLE_REASON,
    since: '2026-11-21',
  },
  {
    issuer: 'https://accounts.google.com/',
    trustedIssuer: 'https://accounts.google.com',
    authorizationParameters: { access_type: 'offline', prompt: 'consent' },
    reason: `${GOOGLE_REASON}; servers name its issuer with a slash that its own document does not have`,
    since: '2026-11-21',
  },
]

const escape = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/gu, '\\$&')

/** What `*` may stand for: in the host no dot, so that no suffix of another owner's name matches. */
function matches(pattern: string, issuer: string): boolean {
  if (!pattern.includes('*')) return pattern === issuer
  const pathStart = pattern.indexOf('/', 'https://'.length)
  const hostEnd = pathStart === -1 ? pattern.length : pathStart
  const host = escape(pattern.slice(0, hostEnd)).replaceAll('*', '[A-Za-z0-9_-]+')
  const path = escape(pattern.slice(hostEnd)).replaceAll('*', '[A-Za-z0-9_][A-Za-z0-9._-]*')
  return new RegExp(`^${host}${path}$`, 'u').test(issuer)
}

/**
 * The exception for an issuer: the first of those given that matches, else the first built-in one. An exact issuer goes
 * before a pattern. Exceptions are not merged.
 */
export function findIssuerException(
  issuer: string,
  given: readonly IssuerException[] = [],
): IssuerException | undefined {
  for (const table of [given, BUILT_IN_ISSUER_EXCEPTIONS]) {
    const found = table.find(each => each.issuer === issuer) ?? table.find(each => matches(each.issuer, issuer))
    if (found !== undefined) return found
  }
  return undefined
}
