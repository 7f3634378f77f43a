import { APP_OPTIONS, type AppOptions } from '../http/server/app.ts'
import type { OptionNames } from '../server/given-options.ts'
import { displayText, displayUrl } from '../oauth/protocol/display-text.ts'
import { isSecureUrl, parseUrl } from '../oauth/protocol/url.ts'
import { configurationError } from './configuration-error.ts'
import { assertKnownOptions } from './known-options.ts'
import { parseProtectedResource, type ProtectedResource } from './protected-resource.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** How a server is protected, and served. */
export interface ProtectOptions extends AppOptions {
  /**
   * The URL by which clients know the server, verbatim, such as `https://files.example.com/mcp`. Everything is built from it, nothing from a request: its
   * path is where the server answers, unless `path` says otherwise because a proxy rewrites it.
   */
  readonly resource: string
  /** Issuers whose tokens are accepted, verbatim: what the metadata names, so that clients know where to log in. At least one. */
  readonly authorizationServers: readonly string[]
  /** Verifies tokens: `jwtVerifier`, `introspectionVerifier`, `firstOf`, `withDpop`, or a function of your own. */
  readonly verify: TokenVerifier
  /**
   * What a token's audience must be, one of these, as exact strings. Default: the resource. Otherwise only where the authorization server writes something
   * else, such as an id of its own: a token for another service must never do here.
   */
  readonly audience?: string | readonly string[] | undefined
  /** Scopes that every request needs; with `optional`, every request that needs any. Default none. */
  readonly scopes?: readonly string[] | undefined
  /**
   * What the metadata lists as `scopes_supported`, which clients ask for at their first login when no challenge says better: what everybody needs, not all
   * there is. Default: `scopes`.
   */
  readonly scopesSupported?: readonly string[] | undefined
  /** What the granted scopes include besides themselves: `granted => granted.includes('admin') ? ['read', 'write'] : []`. Pure and quick. */
  readonly scopeHierarchy?: ((granted: readonly string[]) => readonly string[]) | undefined
  /**
   * How clients must ask for a scope, where the token names it otherwise (Entra ID: `api://…/Notes.Read` for `Notes.Read`). Undefined: it cannot be asked
   * for, and is left out of challenges. Default: by its own name.
   */
  readonly requestedScope?: ((scope: string) => string | undefined) | undefined
  /** Lists show only tools, resources and prompts whose `scopes` the caller holds; those that decide by arguments are shown to all. Default false. */
  readonly filterLists?: boolean | undefined
  /** Requests without a token are let in, and challenged when they ask for something that needs scopes. A bad token is refused all the same. Default false. */
  readonly optional?: boolean | undefined
  /** For people: `resource_name` of the metadata. */
  readonly resourceName?: string | undefined
  /** For developers: `resource_documentation` of the metadata, a URL. */
  readonly resourceDocumentation?: string | undefined
  /**
   * When the first client asks where to log in, the authorization servers are looked at once, and what is wrong goes to the server's `onError`. `false`: not
   * at all. A function replaces `fetch`. See `checkProtection`.
   */
  readonly selfCheck?: false | typeof globalThis.fetch | undefined
}

/** The options once they were found to be usable. */
export interface Protection {
  readonly resource: ProtectedResource
  readonly authorizationServers: readonly string[]
  readonly verify: TokenVerifier
  readonly audience: readonly string[]
  readonly scopes: readonly string[]
  readonly scopesSupported: readonly string[]
}

const NAMES: OptionNames<ProtectOptions> = {
  resource: true,
  authorizationServers: true,
  verify: true,
  audience: true,
  scopes: true,
  scopesSupported: true,
  scopeHierarchy: true,
  requestedScope: true,
  filterLists: true,
  optional: true,
  resourceName: true,
  resourceDocumentation: true,
  selfCheck: true,
  ...APP_OPTIONS,
}

/** RFC 6749 §3.3 */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/u

/**
 * Checks the options.
 *
 * @throws {TokenError} `configuration`: one that is unknown, missing or cannot be used
 */
export function readProtectOptions(options: ProtectOptions): Protection {
  assertKnownOptions(options, NAMES)
  const resource = parseProtectedResource(options.resource)
  const { verify, authorizationServers } = options
  assertIssuers(authorizationServers)
  if (typeof verify !== 'function') {
    throw configurationError('The option verify is missing.', {
      expected: 'a verifier, such as jwtVerifier({ issuer })',
      received: typeof verify,
    })
  }
  const scopes = readScopes('scopes', options.scopes ?? [])
  return {
    resource,
    authorizationServers,
    verify,
    audience: readAudience(options.audience) ?? resource.audience,
    scopes,
    scopesSupported: options.scopesSupported ? readScopes('scopesSupported', options.scopesSupported) : scopes,
  }
}

function assertIssuers(issuers: readonly string[]): void {
  const wrong = Array.isArray(issuers) ? issuers.find(issuer => !isIssuer(issuer)) : undefined
  if (Array.isArray(issuers) && issuers.length > 0 && wrong === undefined) return
  throw configurationError('The option authorizationServers does not list issuers.', {
    expected: 'https URLs (http only on a loopback host), without query and fragment, at least one',
    received: wrong === undefined ? (Array.isArray(issuers) ? 'none' : typeof issuers) : displayUrl(String(wrong)),
  })
}

/** @see RFC 8414 §2 */
function isIssuer(issuer: unknown): boolean {
  const url = typeof issuer === 'string' ? parseUrl(issuer) : undefined
  return url !== undefined && isSecureUrl(url) && url.username === '' && !/[?#]/u.test(String(issuer))
}

function readAudience(audience: ProtectOptions['audience']): readonly string[] | undefined {
  if (audience === undefined) return undefined
  const accepted: readonly string[] = typeof audience === 'string' ? [audience] : audience
  if (accepted.length > 0 && accepted.every(each => typeof each === 'string' && each !== '')) return accepted
  throw configurationError('The option audience names nothing.', {
    expected: 'at least one audience, none of them empty; leave it out to demand the resource itself',
    received: displayText(accepted),
  })
}

function readScopes(name: string, scopes: readonly string[]): readonly string[] {
  const wrong = Array.isArray(scopes) ? scopes.find(scope => !SCOPE_TOKEN.test(String(scope))) : scopes
  if (wrong !== undefined) {
    throw configurationError(`The option ${name} does not list scopes.`, {
      expected: 'a list of scopes without white space, quotes and backslashes',
      received: displayText(wrong),
    })
  }
  // Whether a client may refresh is between it and its authorization server (MCP 2026-07-28, Authorization, Refresh Tokens).
  if (scopes.includes('offline_access')) {
    throw configurationError(`The option ${name} asks for offline_access, which no resource needs.`, {
      hint: 'Leave it out: clients ask for it by themselves where the authorization server offers it.',
    })
  }
  return [...new Set(scopes)]
}
